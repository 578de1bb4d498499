import { normalizeText } from '@regraft/methods'

/** How many made-up prompts were kept, and why the others were not. */
export interface KeptPrompts {
  kept: number
  repeated: number
  tooShort: number
  tooLong: number
  otherScript: number
  unfinished: number
}

/** Prompts may be so much shorter or longer than the shortest and the longest real one †. */
const LENGTH_FACTOR = 1.5
const SCRIPTS = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Arabic',
  'Hebrew',
  'Han',
  'Hiragana',
  'Hangul',
  'Devanagari',
  'Thai',
]

/** Keeps texts that are new, about as long as the real ones, and in scripts that those are in. */
export class PromptFilter {
  readonly counts: KeptPrompts = {
    kept: 0,
    repeated: 0,
    tooShort: 0,
    tooLong: 0,
    otherScript: 0,
    unfinished: 0,
  }
  readonly #met: Set<string>
  readonly #scripts: Set<string>
  readonly #shortest: number
  readonly #longest: number

  constructor(real: readonly string[]) {
    this.#met = new Set(real.map(normalizeText))
    this.#scripts = new Set(real.flatMap(scriptsOf))
    const lengths = real.map(({ length }) => length)
    this.#shortest = Math.min(...lengths) / LENGTH_FACTOR
    this.#longest = Math.max(...lengths) * LENGTH_FACTOR
  }

  /** Whether a text is kept; from then on it is known. */
  keep(text: string, finished = true): boolean {
    const reason = finished ? this.#reasonAgainst(text) : 'unfinished'
    this.counts[reason ?? 'kept']++
    if (reason !== null) return false
    this.#met.add(normalizeText(text))
    return true
  }

  #reasonAgainst(text: string): Exclude<keyof KeptPrompts, 'kept' | 'unfinished'> | null {
    if (text.length < this.#shortest) return 'tooShort'
    if (text.length > this.#longest) return 'tooLong'
    if (scriptsOf(text).some((script) => !this.#scripts.has(script))) return 'otherScript'
    return this.#met.has(normalizeText(text)) ? 'repeated' : null
  }
}

function scriptsOf(text: string): string[] {
  return SCRIPTS.filter((script) => new RegExp(`\\p{Script=${script}}`, 'u').test(text))
}
