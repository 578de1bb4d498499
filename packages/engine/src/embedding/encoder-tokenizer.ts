import { Tokenizer } from '@huggingface/tokenizers'
import { EngineError } from '../errors.ts'
import { isJsonObject } from '../formats/canonical-json.ts'

export interface EncodedText {
  ids: number[]
  /** Whether the text had more tokens than the model reads. */
  truncated: boolean
}

/**
 * Turns texts into the token ids of an encoder, special tokens included, at most `maximumTokens` of them: of a longer
 * text the beginning is kept, as Hugging Face's truncation does. Throws `invalid-file` for a broken tokenizer.json.
 */
export class EncoderTokenizer {
  readonly #library: Tokenizer
  readonly #maximum: number
  /** Special tokens after the text. */
  readonly #suffix: number[]

  constructor(definition: unknown, config: unknown, maximumTokens: number) {
    try {
      // What the file says of padding and truncation is about batches of its own time.
      const whole = { ...(definition as object), truncation: null, padding: null }
      this.#library = new Tokenizer(whole, isJsonObject(config) ? config : {})
      this.#suffix = suffixOf(this.#library)
    } catch (cause) {
      throw new EngineError('invalid-file', `tokenizer.json cannot be used: ${(cause as Error).message}`, {
        cause,
      })
    }
    this.#maximum = maximumTokens
  }

  encode(text: string): EncodedText {
    const { ids } = this.#library.encode(text)
    if (ids.length <= this.#maximum) return { ids, truncated: false }
    const kept = ids.slice(0, this.#maximum - this.#suffix.length)
    return { ids: [...kept, ...this.#suffix], truncated: true }
  }
}

/** The special tokens that a template adds after the text, read off an encoded word. */
function suffixOf(library: Tokenizer): number[] {
  const bare: number[] = library.encode('a', { add_special_tokens: false }).ids
  const ids: number[] = library.encode('a').ids
  const start = ids.findIndex((_, at) => bare.every((id, offset) => ids[at + offset] === id))
  if (bare.length === 0 || start < 0) return []
  return ids.slice(start + bare.length)
}
