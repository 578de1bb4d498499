/** The parts of Hugging Face's tokenizer.json that the engine writes or looks into. */
export interface TokenizerJson {
  version: string
  truncation: null
  padding: null
  added_tokens: AddedToken[]
  normalizer: TokenizerPart | null
  pre_tokenizer: TokenizerPart | null
  post_processor: TokenizerPart | null
  decoder: TokenizerPart | null
  model: BpeModel
}

export interface AddedToken {
  id: number
  content: string
  single_word: boolean
  lstrip: boolean
  rstrip: boolean
  normalized: boolean
  special: boolean
}

/** A normalizer, pre-tokenizer, post-processor or decoder: `type` says which. */
export interface TokenizerPart {
  type: string
  [option: string]: unknown
}

interface BpeModel {
  type: 'BPE'
  dropout: null
  unk_token: string | null
  continuing_subword_prefix: null
  end_of_word_suffix: null
  fuse_unk: boolean
  byte_fallback: boolean
  ignore_merges: boolean
  vocab: Record<string, number>
  /** Pairs to join, the most urgent first; 'left right' or [left, right]. */
  merges: string[] | [string, string][]
}

export function specialToken(id: number, content: string): AddedToken {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
}

/** Byte-level BPE over single digits and GPT-2's words, as in SmolLM2's tokenizer.json. */
export const DIGITS_AND_GPT2_WORDS: TokenizerPart = {
  type: 'Sequence',
  pretokenizers: [
    { type: 'Digits', individual_digits: true },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  ],
}

export const BYTE_LEVEL_DECODER: TokenizerPart = {
  type: 'ByteLevel',
  add_prefix_space: true,
  trim_offsets: true,
  use_regex: true,
}
