import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers'
import { EngineError } from '../errors.ts'
import { canonicalJson, isJsonObject, sha256 } from '../formats/canonical-json.ts'
import type { Tokenizer } from '../formats/types.ts'
import { alphabetToBytes } from './byte-alphabet.ts'
import { exactPreTokenizer } from './pre-tokenizer.ts'
import { StreamDecoder } from './stream-decoder.ts'
import type { TokenizerJson } from './tokenizer-json.ts'

/**
 * Builds a tokenizer from the parsed tokenizer.json and tokenizer_config.json of a Hugging Face folder.
 *
 * Supports BPE models that decode bytes by GPT-2's alphabet or in SentencePiece's way; throws `incompatible`
 * naming anything else, `invalid-file` when the definition is broken.
 */
export function fromTokenizerJson(json: unknown, config: unknown = {}): Tokenizer {
  const { definition, vocabSize } = checkDefinition(json)
  const settings = isJsonObject(config) ? config : {}
  const scheme = decodingScheme(definition.decoder)
  let library: LibraryTokenizer
  try {
    library = new LibraryTokenizer(
      { ...definition, pre_tokenizer: exactPreTokenizer(definition.pre_tokenizer) },
      settings,
    )
  } catch (cause) {
    if (cause instanceof EngineError) throw cause
    throw new EngineError('invalid-file', `tokenizer.json cannot be used: ${(cause as Error).message}`, {
      cause,
    })
  }
  return new JsonTokenizer(definition, vocabSize, library, scheme)
}

type DecodingScheme = 'byte-level' | 'sentencepiece' | 'sentencepiece-with-prefix'

class JsonTokenizer implements Tokenizer {
  readonly vocabSize: number
  readonly dropsFirstSpace: boolean
  readonly #definition: TokenizerJson
  readonly #library: LibraryTokenizer
  readonly #scheme: DecodingScheme
  readonly #added: Map<number, { content: string; special: boolean }>
  readonly #bytes: (Uint8Array | undefined)[]
  #digest: string | null = null

  constructor(
    definition: TokenizerJson,
    vocabSize: number,
    library: LibraryTokenizer,
    scheme: DecodingScheme,
  ) {
    this.#definition = definition
    this.#library = library
    this.#scheme = scheme
    this.#added = new Map(definition.added_tokens.map((token) => [token.id, token]))
    this.dropsFirstSpace = scheme === 'sentencepiece-with-prefix'
    this.vocabSize = vocabSize
    this.#bytes = new Array(this.vocabSize)
  }

  encode(text: string, options: { addSpecialTokens?: boolean } = {}): number[] {
    return this.#library.encode(text, { add_special_tokens: options.addSpecialTokens ?? false }).ids
  }

  decode(ids: readonly number[], options: { skipSpecialTokens?: boolean } = {}): string {
    const decoder = new StreamDecoder(this, options)
    let text = ''
    for (const id of ids) text += decoder.push(id)
    return text + decoder.end()
  }

  tokenId(token: string): number | null {
    return this.#library.token_to_id(token) ?? null
  }

  tokenBytes(id: number): Uint8Array {
    if (!Number.isInteger(id) || id < 0) throw new EngineError('invalid-input', `${id} is no token id`)
    const known = this.#bytes[id]
    if (known) return known
    const bytes = this.#computeBytes(id)
    if (id < this.vocabSize) this.#bytes[id] = bytes
    return bytes
  }

  isSpecial(id: number): boolean {
    return this.#added.get(id)?.special ?? false
  }

  get digest(): string {
    this.#digest ??= sha256(canonicalJson(this.#definition))
    return this.#digest
  }

  #computeBytes(id: number): Uint8Array {
    const added = this.#added.get(id)
    if (added) return Buffer.from(added.content)
    const token = this.#library.id_to_token(id)
    if (token === undefined) return new Uint8Array(0)
    if (this.#scheme === 'byte-level') return alphabetToBytes(token) ?? Buffer.from(token)
    const byte = /^<0x([0-9A-F]{2})>$/.exec(token)
    return byte ? Uint8Array.of(Number.parseInt(byte[1]!, 16)) : Buffer.from(token.replaceAll('▁', ' '))
  }
}

function checkDefinition(json: unknown): { definition: TokenizerJson; vocabSize: number } {
  const fail = (problem: string): never => {
    throw new EngineError('invalid-file', `tokenizer.json ${problem}`)
  }
  if (!isJsonObject(json) || !isJsonObject(json.model)) return fail('has no model')
  const { type, vocab, merges } = json.model
  if (type !== undefined && type !== 'BPE') {
    throw new EngineError('incompatible', `tokenizer.json has a model of type ${String(type)}`, {
      hint: 'Supported: BPE',
    })
  }
  if (!isJsonObject(vocab)) return fail('has no valid vocabulary')
  let vocabSize = 0
  for (const token in vocab) {
    const id = vocab[token]
    if (!isTokenId(id)) return fail('has no valid vocabulary')
    if (id >= vocabSize) vocabSize = id + 1
  }
  if (!Array.isArray(merges)) return fail('has no merges')
  const added = json.added_tokens ?? []
  const isAddedToken = (token: unknown) =>
    isJsonObject(token) && isTokenId(token.id) && typeof token.content === 'string'
  if (!Array.isArray(added) || !added.every(isAddedToken)) return fail('has invalid added tokens')
  for (const { id } of added) vocabSize = Math.max(vocabSize, id + 1)
  const parts = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null }
  const definition = { ...parts, ...json, added_tokens: added } as unknown as TokenizerJson
  return { definition, vocabSize }
}

function isTokenId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** How tokens become bytes, read off the decoder's description. */
function decodingScheme(decoder: unknown): DecodingScheme {
  const steps = isJsonObject(decoder) && Array.isArray(decoder.decoders) ? decoder.decoders : [decoder]
  const types = steps.map((step) => (isJsonObject(step) ? String(step.type) : 'none'))
  if (types.length === 1 && types[0] === 'ByteLevel') return 'byte-level'
  const [replace, , , strip] = steps
  const isSentencePiece =
    /^Replace,ByteFallback,Fuse(,Strip)?$/.test(types.join()) &&
    canonicalJson(replace) === '{"content":" ","pattern":{"String":"▁"},"type":"Replace"}' &&
    (strip === undefined || canonicalJson(strip) === '{"content":" ","start":1,"stop":0,"type":"Strip"}')
  if (isSentencePiece) return strip === undefined ? 'sentencepiece' : 'sentencepiece-with-prefix'
  throw new EngineError('incompatible', `tokenizer.json decodes by ${types.join(' + ')}`, {
    hint: 'Supported: ByteLevel, and Replace + ByteFallback + Fuse (+ Strip) of SentencePiece models',
  })
}
