import { EngineError } from '../errors.ts'
import { isJsonObject } from '../formats/canonical-json.ts'
import { readChatTemplate, readJsonFile, readSpecialTokens } from '../formats/hugging-face-folder.ts'
import type { Base, ChatMessage } from '../formats/types.ts'
import { fromTokenizerJson, renderChat } from '../tokenizer/index.ts'
import type { InspectedModule } from './inspect-adapter.ts'

/** What a PEFT folder says beside its weights, held against a base. */
export interface BaseComparison {
  modules: {
    fitting: number
    /** Modules that the base does not have. */
    unknown: string[]
    /** [out, in] of the adapter and of the base. */
    misfits: { name: string; adapter: number[]; base: number[] }[]
  }
  /** Null where the folder has no tokenizer. */
  tokenizer: TokenizerComparison | null
  /** Null where the folder has no chat template. */
  chatTemplate: 'same' | 'renders the same' | 'renders otherwise' | 'fails' | null
}

export interface TokenizerComparison {
  vocabulary: number
  baseVocabulary: number
  /** Rows of the base's embedding: a token beyond them cannot be read at all. */
  embedded: number
  sameDigest: boolean
  /** Tokens that the folder has added and the base does not know under that id. */
  added: string[]
  /** Of the probe texts those that become other ids. */
  differing: string[]
  probes: number
  /** Why it cannot be read; the other members then say nothing. */
  problem: string | null
}

/** Texts whose ids tell tokenizers of one family apart: cases, digits, white space, marks, other scripts. */
const TEXTS = [
  'The quick brown fox jumps over the lazy dog.',
  'Where is my CARD? I paid £1,234.50 on 2024-03-01.',
  '  two  spaces,\ttabs\nand\n\nlines ',
  'def add(a, b):\n    return a + b  # sum',
  "It's naïve; they've re-sent it — twice…",
  'Größe, façade, año, 東京, Привет, مرحبا, 🙂',
  'https://example.org/a?b=c&d=%20',
  'aaaaaaaaaaaaaaaa 1234567890 0x7fff',
]
const CONVERSATION: ChatMessage[] = [
  { role: 'system', content: 'Answer briefly.' },
  { role: 'user', content: ' Where is my card? ' },
  { role: 'assistant', content: 'On its way.' },
  { role: 'user', content: 'When does it come?' },
]

/** Holds an adapter's modules, and what lies beside them in its folder, against a base. */
export function compareWithBase(
  folder: string,
  modules: readonly InspectedModule[],
  base: Base,
): BaseComparison {
  const unknown: string[] = []
  const misfits: BaseComparison['modules']['misfits'] = []
  for (const { name, inFeatures, outFeatures } of modules) {
    const weight = `${name}.weight`
    if (!base.tensors.has(weight)) unknown.push(name)
    else {
      const shape = base.tensors.shape(weight)
      const adapter = [outFeatures, inFeatures]
      if (shape.join() !== adapter.join()) misfits.push({ name, adapter, base: shape })
    }
  }
  const tokenizerConfig = readJsonFile(folder, 'tokenizer_config.json')
  return {
    modules: { fitting: modules.length - unknown.length - misfits.length, unknown, misfits },
    tokenizer: compareTokenizers(folder, tokenizerConfig, base),
    chatTemplate: compareTemplates(folder, tokenizerConfig, base),
  }
}

function compareTokenizers(folder: string, config: unknown, base: Base): TokenizerComparison | null {
  const json = readJsonFile(folder, 'tokenizer.json')
  if (json === undefined) return null
  const known = base.tokenizer
  const result: TokenizerComparison = {
    ...{ vocabulary: 0, baseVocabulary: known.vocabSize, embedded: base.config.vocabSize },
    ...{ sameDigest: false, added: [], differing: [], probes: 0, problem: null },
  }
  try {
    const own = fromTokenizerJson(json, config)
    const tokens = addedTokens(json)
    const texts = [...TEXTS, ...tokens.map(({ content }) => `a ${content} b`)]
    const ids = (text: string) => [own.encode(text), known.encode(text)] as const
    return {
      ...result,
      vocabulary: own.vocabSize,
      sameDigest: own.digest === known.digest,
      added: tokens.filter(({ content, id }) => known.tokenId(content) !== id).map(({ content }) => content),
      differing: texts.filter((text) => {
        const [here, there] = ids(text)
        return here.join() !== there.join()
      }),
      probes: texts.length,
    }
  } catch (error) {
    // The library throws whatever comes for a definition that is no good.
    return { ...result, problem: error instanceof Error ? error.message : String(error) }
  }
}

function addedTokens(json: unknown): { id: number; content: string }[] {
  const tokens = isJsonObject(json) && Array.isArray(json.added_tokens) ? json.added_tokens : []
  return tokens.flatMap((token) =>
    isJsonObject(token) && typeof token.content === 'string' && typeof token.id === 'number'
      ? [{ id: token.id, content: token.content }]
      : [],
  )
}

function compareTemplates(folder: string, config: unknown, base: Base): BaseComparison['chatTemplate'] {
  const own = readChatTemplate(folder, config)
  if (own === null) return null
  if (own === base.chatTemplate) return 'same'
  const specialTokens = { ...base.specialTokens, ...present(readSpecialTokens(config)) }
  const theirs = renderings({ chatTemplate: own, specialTokens })
  if (theirs === null) return 'fails'
  return theirs === renderings(base) ? 'renders the same' : 'renders otherwise'
}

function present<Value>(record: Record<string, Value | null>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, Value] => entry[1] !== null),
  )
}

/** A conversation with and without its system prompt, to be continued and to be learned; null when none can be rendered. */
function renderings(source: Parameters<typeof renderChat>[0]): string | null {
  const texts = [CONVERSATION, CONVERSATION.slice(1)].flatMap((messages) =>
    [true, false].map((addGenerationPrompt) => {
      try {
        return renderChat(source, messages, { addGenerationPrompt })
      } catch (error) {
        if (error instanceof EngineError) return null
        throw error
      }
    }),
  )
  return texts.every((text) => text === null) ? null : JSON.stringify(texts)
}
