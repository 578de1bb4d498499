import type { MissingEntry } from '../registration.ts'

/** What is known of an adapter that was trained elsewhere. */
export interface KnownOfAdapter {
  owner: string | null
  deputy: string | null
  /** Name of the base; null where nobody says it. */
  base: string | null
  baseIsHere: boolean
  revision: string | null
  tokenizer: boolean
  chatTemplate: boolean
  /** Whether a gate has judged it here. */
  judged: boolean
}

/** What the record of an adapter from elsewhere lacks, with what would add it. */
export function missingEntries(known: KnownOfAdapter): MissingEntry[] {
  const entries: [entry: string, fix: string, isKnown: boolean][] = [
    ['owner', 'adopt it with --owner', known.owner !== null],
    ['deputy', 'adopt it with --deputy, another person than the owner', known.deputy !== null],
    ['the name of its base', 'ask who trained it, then say --base', known.base !== null],
    [
      'the base itself, with its digests',
      'fetch it with regraft models pull, or add it to bases in regraft.yaml, then adopt again',
      known.baseIsHere,
    ],
    [
      'the revision of its base',
      'ask who trained it: adapter_config.json names none',
      known.revision !== null,
    ],
    ['the tokenizer it was trained with', 'ask who trained it for tokenizer.json', known.tokenizer],
    [
      'the chat template it was trained with',
      'ask who trained it for chat_template.jinja',
      known.chatTemplate,
    ],
    ['the training rows, with source and consent', 'ask who trained it; logs allow a rescue instead', false],
    ['the recipe and its seeds', 'ask who trained it for the training script', false],
    ['the code version and the environment lock', 'ask who trained it for the lock file', false],
    [
      'scores with intervals',
      'seal a suite, then regraft gates check <adapter> --evaluation <suite>',
      known.judged,
    ],
  ]
  return entries.flatMap(([entry, fix, isKnown]) => (isKnown ? [] : [{ entry, fix }]))
}
