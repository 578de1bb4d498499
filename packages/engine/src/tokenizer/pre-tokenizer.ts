/**
 * Pre-tokenizers whose regular expressions mean in JavaScript what they mean to Hugging Face's Rust library.
 *
 * @huggingface/tokenizers translates the patterns of Split, but Digits and ByteLevel use JavaScript's \d (ASCII
 * only) and \s (with U+FEFF, without U+0085); here they are spelt out as Split.
 */
import { EngineError } from '../errors.ts'
import { isJsonObject } from '../formats/canonical-json.ts'
import type { TokenizerPart } from './tokenizer-json.ts'

/** Radford et al. (2019), encoder.py of GPT-2. */
export const GPT2_PATTERN =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

/** Cuts a text at every match; the matches are pieces too. */
export function splitAt(pattern: string): TokenizerPart {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }
}

/** Writes each byte as a character of GPT-2's alphabet, without any cut. */
export const BYTE_LEVEL: TokenizerPart = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: false,
}

export function sequence(...pretokenizers: TokenizerPart[]): TokenizerPart {
  return { type: 'Sequence', pretokenizers }
}

/** The same pre-tokenizer in parts that the library runs exactly; throws `incompatible` naming one it cannot. */
export function exactPreTokenizer(part: unknown): TokenizerPart | null {
  if (part === null || part === undefined) return null
  if (!isJsonObject(part)) throw unsupported('is no object')
  switch (part.type) {
    case 'Sequence': {
      if (!Array.isArray(part.pretokenizers)) throw unsupported('is a Sequence of nothing')
      return sequence(...part.pretokenizers.map(exactPreTokenizer).filter((inner) => inner !== null))
    }
    case 'Digits':
      return splitAt(part.individual_digits ? '\\p{N}' : '\\p{N}+')
    case 'ByteLevel':
      if (part.add_prefix_space) throw unsupported('is ByteLevel with add_prefix_space')
      return part.use_regex === false ? BYTE_LEVEL : sequence(splitAt(GPT2_PATTERN), BYTE_LEVEL)
    case 'Split':
      if (part.behavior === 'Isolated' && !part.invert) return part as TokenizerPart
      if (part.behavior === 'Removed' && part.invert) return part as TokenizerPart
      if (isSplitAfterSpaces(part)) return splitAt('[^ ]* |[^ ]+')
      throw unsupported(`is Split with behavior ${String(part.behavior)} and invert ${String(part.invert)}`)
    case 'Metaspace':
      if (part.split !== false) throw unsupported('is Metaspace that splits at spaces')
      return part as TokenizerPart
    default:
      throw unsupported(`has the type ${String(part.type)}`)
  }
}

/** Gemma's: each space ends a piece. Its normalizer has already replaced all of them. */
function isSplitAfterSpaces({ behavior, invert, pattern }: Record<string, unknown>): boolean {
  const isSpace = isJsonObject(pattern) && pattern.String === ' '
  return behavior === 'MergedWithPrevious' && !invert && isSpace
}

function unsupported(problem: string): EngineError {
  return new EngineError('incompatible', `The pre-tokenizer of tokenizer.json ${problem}`, {
    hint: 'Supported: Sequence, Split, Digits, ByteLevel, Metaspace',
  })
}
