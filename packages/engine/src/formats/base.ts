import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { EngineError } from '../errors.ts'
import { fromGguf } from '../tokenizer/gguf-tokenizer.ts'
import { fromTokenizerJson } from '../tokenizer/json-tokenizer.ts'
import { isJsonObject, sha256 } from './canonical-json.ts'
import { checkTensors, linearPrecision } from './decoder-config.ts'
import { plainNorms } from './gemma-norms.ts'
import { openGguf } from './gguf.ts'
import { parseGgufConfig } from './gguf-config.ts'
import { READABLE_TYPE_NAMES } from './gguf-types.ts'
import { parseHuggingFaceConfig } from './hugging-face-config.ts'
import {
  openWeights,
  readChatTemplate,
  readJsonFile,
  readSpecialTokens,
  requireJsonFile,
  weightFiles,
} from './hugging-face-folder.ts'
import { RandomAccessFile } from './random-access-file.ts'
import { READABLE_DTYPES } from './safetensors.ts'
import type { Base, BaseDigests, DecoderConfig, TensorSource } from './types.ts'

/**
 * Opens a base model: a Hugging Face folder, or a GGUF file with its tokenizer and chat template inside.
 *
 * Nothing but headers and the tokenizer is read; digests are computed when they are first asked for. Throws
 * `not-found` when the path or a file of the folder is missing, `invalid-file` when a file is truncated or
 * corrupt, `incompatible` naming an architecture, option, tensor or type that the engine does not support.
 */
export function openBase(path: string): Base {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats) throw new EngineError('not-found', `There is no base at ${path}`)
  if (stats.isDirectory()) return openFolder(path)
  if (path.toLowerCase().endsWith('.gguf')) return openGgufBase(path)
  throw new EngineError('incompatible', `${path} is neither a folder nor a .gguf file`, {
    hint: 'Supported: a Hugging Face folder with config.json, or a .gguf file',
  })
}

type Parts = Omit<Base, 'digests' | 'precision' | 'close'> & {
  weightPaths: string[]
  readableTypes: readonly string[]
}

function openFolder(path: string): Base {
  const hint = 'A base folder holds config.json, tokenizer.json and model.safetensors.'
  const config = requireJsonFile(path, 'config.json', hint)
  const decoderConfig = parseHuggingFaceConfig(config, readJsonFile(path, 'generation_config.json'), path)
  const tokenizerConfig = readJsonFile(path, 'tokenizer_config.json')
  const tokenizerJson = requireJsonFile(path, 'tokenizer.json', hint)
  const tokenizer = fromTokenizerJson(withoutPictures(tokenizerJson, decoderConfig), tokenizerConfig)
  const files = weightFiles(path)
  const specialTokens = readSpecialTokens(tokenizerConfig)
  const eos = specialTokens.eos === null ? null : tokenizer.tokenId(specialTokens.eos)
  if (decoderConfig.eosTokenIds.length === 0 && eos !== null) decoderConfig.eosTokenIds = [eos]
  const weights = plainNorms(openWeights(path, files), decoderConfig.architecture)
  return assemble(weights, (tensors) => ({
    path,
    format: 'huggingface',
    config: decoderConfig,
    tensors,
    tokenizer,
    chatTemplate: readChatTemplate(path, tokenizerConfig),
    specialTokens,
    weightPaths: files.map((file) => join(path, file)),
    readableTypes: READABLE_DTYPES,
  }))
}

/** Small Gemma 3 models share the tokenizer of those that see pictures; their vocabulary ends before its picture token. */
function withoutPictures(json: unknown, { architecture, vocabSize }: DecoderConfig): unknown {
  if (architecture !== 'gemma3' || !isJsonObject(json) || !Array.isArray(json.added_tokens)) return json
  const isPicture = (token: unknown) =>
    isJsonObject(token) && token.id === vocabSize && token.content === '<image_soft_token>'
  return { ...json, added_tokens: json.added_tokens.filter((token) => !isPicture(token)) }
}

function openGgufBase(path: string): Base {
  return assemble(openGguf(path), (source) => {
    const { metadata } = source
    const tokens = metadata.get('tokenizer.ggml.tokens')
    const text = (key: string): string | null => {
      const id = metadata.get(`tokenizer.ggml.${key}_token_id`)
      const token = Array.isArray(tokens) && typeof id === 'number' ? tokens[id] : undefined
      return typeof token === 'string' ? token : null
    }
    const chatTemplate = metadata.get('tokenizer.chat_template')
    return {
      path,
      format: 'gguf',
      config: parseGgufConfig(source, path),
      tensors: source,
      tokenizer: fromGguf(metadata),
      // Files of bases often lack it; one beside them stands in.
      chatTemplate: typeof chatTemplate === 'string' ? chatTemplate : readChatTemplate(dirname(path), null),
      specialTokens: { bos: text('bos'), eos: text('eos'), unk: text('unknown'), pad: text('padding') },
      weightPaths: [path],
      readableTypes: READABLE_TYPE_NAMES,
    }
  })
}

function assemble<Source extends TensorSource>(source: Source, describe: (source: Source) => Parts): Base {
  try {
    const { weightPaths, readableTypes, ...parts } = describe(source)
    const { config, tokenizer, path } = parts
    checkTensors(source, config, readableTypes, path)
    if (tokenizer.vocabSize > config.vocabSize) {
      throw new EngineError(
        'incompatible',
        `The tokenizer of ${path} has ${tokenizer.vocabSize} tokens, its weights know ${config.vocabSize}`,
      )
    }
    const digests = lazyDigests(weightPaths, parts)
    return { ...parts, precision: linearPrecision(source), digests, close: () => source.close() }
  } catch (error) {
    source.close()
    throw error
  }
}

function lazyDigests(
  weightPaths: string[],
  { tokenizer, chatTemplate }: Pick<Base, 'tokenizer' | 'chatTemplate'>,
) {
  let weights: string | null = null
  return {
    get weights(): string {
      weights ??= weightsDigest(weightPaths)
      return weights
    },
    get tokenizer(): string {
      return tokenizer.digest
    },
    get chatTemplate(): string {
      return chatTemplate === null ? '' : sha256(chatTemplate)
    },
  } satisfies BaseDigests
}

/** sha256 of the weight file, as sha256sum prints it; of several, of their digests in the order of their names. */
function weightsDigest(paths: readonly string[]): string {
  const digests = paths.map(fileDigest)
  return digests.length === 1 ? digests[0]! : sha256(digests.join('\n'))
}

function fileDigest(path: string): string {
  const file = new RandomAccessFile(path)
  try {
    const hash = createHash('sha256')
    const block = new Uint8Array(1 << 22)
    for (let offset = 0; offset < file.size; offset += block.length) {
      const part = block.subarray(0, Math.min(block.length, file.size - offset))
      file.readInto(part, offset)
      hash.update(part)
    }
    return hash.digest('hex')
  } finally {
    file.close()
  }
}
