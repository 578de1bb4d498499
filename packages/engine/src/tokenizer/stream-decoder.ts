import type { Tokenizer } from '../formats/types.ts'

/**
 * Turns token ids into text as they come, holding back bytes that do not yet make a whole character.
 *
 * What `push` and `end` return, put together, is what the tokenizer's `decode` returns for all ids at once.
 */
export class StreamDecoder {
  readonly #tokenizer: Tokenizer
  readonly #skipSpecialTokens: boolean
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #atStart = true

  constructor(tokenizer: Tokenizer, options: { skipSpecialTokens?: boolean } = {}) {
    this.#tokenizer = tokenizer
    this.#skipSpecialTokens = options.skipSpecialTokens ?? false
  }

  /** The text that this token completes; may be empty. */
  push(id: number): string {
    if (this.#skipSpecialTokens && this.#tokenizer.isSpecial(id)) return ''
    return this.#emit(this.#decoder.decode(this.#tokenizer.tokenBytes(id), { stream: true }))
  }

  /** The rest: U+FFFD where bytes of a character are missing. */
  end(): string {
    return this.#emit(this.#decoder.decode())
  }

  #emit(text: string): string {
    if (!this.#atStart || text === '') return text
    this.#atStart = false
    return this.#tokenizer.dropsFirstSpace && text.startsWith(' ') ? text.slice(1) : text
  }
}
