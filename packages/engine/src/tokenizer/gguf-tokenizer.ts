/**
 * Tokenizers inside GGUF files, written out as the tokenizer.json that says the same.
 * Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; patterns: llama.cpp's src/llama-vocab.cpp.
 */
import { EngineError } from '../errors.ts'
import type { GgufMetadata, GgufValue } from '../formats/gguf-file.ts'
import type { Tokenizer } from '../formats/types.ts'
import { fromTokenizerJson } from './json-tokenizer.ts'
import { BYTE_LEVEL, GPT2_PATTERN, sequence, splitAt } from './pre-tokenizer.ts'
import { sentencePieceMerges } from './sentencepiece-merges.ts'
import {
  type AddedToken,
  BYTE_LEVEL_DECODER,
  specialToken,
  type TokenizerJson,
  type TokenizerPart,
} from './tokenizer-json.ts'

/** tokenizer.ggml.token_type */
const NORMAL = 1
const UNKNOWN = 2
const CONTROL = 3
const USER_DEFINED = 4

/** Builds the tokenizer that a GGUF file describes; throws `incompatible` naming a kind it does not support. */
export function fromGguf(metadata: GgufMetadata): Tokenizer {
  return fromTokenizerJson(ggufTokenizerJson(metadata))
}

/** The tokenizer.json that says what the metadata of a GGUF file says. */
function ggufTokenizerJson(metadata: GgufMetadata): TokenizerJson {
  const model = metadata.get('tokenizer.ggml.model')
  if (model === 'gpt2') return byteLevelJson(metadata)
  if (model === 'llama') return sentencePieceJson(metadata)
  throw new EngineError('incompatible', `The GGUF file has a tokenizer of model ${String(model)}`, {
    hint: 'Supported: gpt2 (byte-level BPE) and llama (SentencePiece BPE)',
  })
}

interface Scheme {
  pre_tokenizer: TokenizerPart
  normalizer?: TokenizerPart
  ignoreMerges?: boolean
  addBos?: boolean
}

const CONTRACTIONS = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
const words = (digits: string) =>
  `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`
const byteLevel = (...patterns: string[]) => sequence(...patterns.map(splitAt), BYTE_LEVEL)

/** Words of Mistral's Tekken end before a capital letter that follows a small one. */
const CAPITALS = '\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}'
const SMALL = '\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}'
const TEKKEN =
  `[^\\r\\n\\p{L}\\p{N}]?[${CAPITALS}]*[${SMALL}]+|[^\\r\\n\\p{L}\\p{N}]?[${CAPITALS}]+[${SMALL}]*|\\p{N}|` +
  ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'

const LLAMA_3: Scheme = { pre_tokenizer: byteLevel(words('\\p{N}{1,3}')), ignoreMerges: true, addBos: true }

/** What each supported tokenizer.ggml.pre stands for. */
const SCHEMES: Record<string, Scheme> = {
  default: {
    pre_tokenizer: byteLevel('[\\p{P}\\$\\+<=>\\^~\\|]+', GPT2_PATTERN, '\\p{N}+', '[0-9][0-9][0-9]'),
  },
  'gpt-2': { pre_tokenizer: byteLevel(GPT2_PATTERN) },
  smollm: { pre_tokenizer: byteLevel('\\p{N}', GPT2_PATTERN) },
  llama3: LLAMA_3,
  'llama-v3': LLAMA_3,
  'llama-bpe': LLAMA_3,
  // SmolLM3's.
  'smaug-bpe': { pre_tokenizer: LLAMA_3.pre_tokenizer },
  tekken: { pre_tokenizer: byteLevel(TEKKEN), ignoreMerges: true, addBos: true },
  // Qwen's own tokenizer.json composes characters first; llama.cpp leaves that out.
  qwen2: { pre_tokenizer: byteLevel(words('\\p{N}')), normalizer: { type: 'NFC' } },
}

function byteLevelJson(metadata: GgufMetadata): TokenizerJson {
  const pre = metadata.get('tokenizer.ggml.pre')
  const scheme = typeof pre === 'string' && Object.hasOwn(SCHEMES, pre) ? SCHEMES[pre] : undefined
  if (!scheme) {
    throw new EngineError('incompatible', `The GGUF file has the pre-tokenizer ${String(pre)}`, {
      hint: `Supported values of tokenizer.ggml.pre: ${Object.keys(SCHEMES).join(', ')}`,
    })
  }
  const tokens = strings(metadata, 'tokenizer.ggml.tokens')
  const types = numbers(metadata, 'tokenizer.ggml.token_type', tokens.length)
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(tokens, types),
    normalizer: scheme.normalizer ?? null,
    pre_tokenizer: scheme.pre_tokenizer,
    post_processor: bosProcessor(metadata, tokens, scheme.addBos ?? false),
    decoder: BYTE_LEVEL_DECODER,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: scheme.ignoreMerges ?? false,
      vocab: vocabulary(tokens),
      merges: strings(metadata, 'tokenizer.ggml.merges'),
    },
  }
}

function sentencePieceJson(metadata: GgufMetadata): TokenizerJson {
  for (const key of ['tokenizer.ggml.precompiled_charsmap', 'tokenizer.ggml.remove_extra_whitespaces']) {
    if (metadata.get(key)) {
      throw new EngineError('incompatible', `The SentencePiece tokenizer of the GGUF file sets ${key}`, {
        hint: 'Supported: SentencePiece BPE without normalization, as in Llama and Llama 2',
      })
    }
  }
  const tokens = strings(metadata, 'tokenizer.ggml.tokens')
  const types = numbers(metadata, 'tokenizer.ggml.token_type', tokens.length)
  const scores = numbers(metadata, 'tokenizer.ggml.scores', tokens.length)
  const unknown = metadata.get('tokenizer.ggml.unknown_token_id') ?? 0
  const hasPrefix = metadata.get('tokenizer.ggml.add_space_prefix') !== false
  const spaces: TokenizerPart = { type: 'Replace', pattern: { String: ' ' }, content: '▁' }
  const strip: TokenizerPart = { type: 'Strip', content: ' ', start: 1, stop: 0 }
  const decoders: TokenizerPart[] = [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
  ]
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(tokens, types).map((token) => {
      // SentencePiece finds its user-defined pieces where spaces are ▁ already; a prefix must not become part of them.
      return { ...token, normalized: !token.special && !hasPrefix }
    }),
    normalizer: hasPrefix
      ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, spaces] }
      : spaces,
    pre_tokenizer: null,
    post_processor: bosProcessor(metadata, tokens, true),
    decoder: { type: 'Sequence', decoders: hasPrefix ? [...decoders, strip] : decoders },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: tokens[Number(unknown)] ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: vocabulary(tokens),
      merges: sentencePieceMerges(tokens, scores, (id) => types[id] === NORMAL),
    },
  }
}

function vocabulary(tokens: string[]): Record<string, number> {
  const vocab: Record<string, number> = Object.create(null)
  for (const [id, token] of tokens.entries()) {
    if (token in vocab) {
      throw new EngineError('invalid-file', `The GGUF file has the token ${JSON.stringify(token)} twice`)
    }
    vocab[token] = id
  }
  return vocab
}

function addedTokens(tokens: string[], types: number[]): AddedToken[] {
  return tokens.flatMap((content, id) => {
    if (types[id] === CONTROL || types[id] === UNKNOWN) return [specialToken(id, content)]
    return types[id] === USER_DEFINED ? [{ ...specialToken(id, content), special: false }] : []
  })
}

/** Puts bos in front of a text, when special tokens are asked for and the file says so. */
function bosProcessor(metadata: GgufMetadata, tokens: string[], byDefault: boolean): TokenizerPart | null {
  const addBos = metadata.get('tokenizer.ggml.add_bos_token') ?? byDefault
  const id = metadata.get('tokenizer.ggml.bos_token_id')
  const bos = typeof id === 'number' ? tokens[id] : undefined
  if (addBos !== true || bos === undefined) return null
  return {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: bos, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { [bos]: { id: bos, ids: [id], tokens: [bos] } },
  }
}

function strings(metadata: GgufMetadata, key: string): string[] {
  const values = list(metadata, key)
  if (values.every((value) => typeof value === 'string')) return values
  throw new EngineError('invalid-file', `${key} of the GGUF file is no list of text`)
}

function numbers(metadata: GgufMetadata, key: string, length: number): number[] {
  const values = list(metadata, key)
  if (values.length === length && values.every((value) => typeof value === 'number')) return values
  throw new EngineError('invalid-file', `${key} of the GGUF file is no list of ${length} numbers`)
}

function list(metadata: GgufMetadata, key: string): GgufValue[] {
  const values = metadata.get(key)
  if (Array.isArray(values)) return values
  throw new EngineError('invalid-file', `The GGUF file has no ${key}`)
}
