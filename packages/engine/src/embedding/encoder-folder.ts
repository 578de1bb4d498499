// What is in a folder of a sentence encoder: sentence-transformers' layout (Reimers and Gurevych 2019, "Sentence-BERT")
// with the transformer exported to ONNX.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from '../errors.ts'
import { canonicalJson, isJsonObject, sha256 } from '../formats/canonical-json.ts'
import { readJsonFile, requireJsonFile } from '../formats/hugging-face-folder.ts'

/** How the vectors of the tokens become the vector of the text. */
export type Pooling = 'mean' | 'cls'

export interface EncoderFolder {
  path: string
  /** The ONNX file. */
  model: string
  tokenizer: unknown
  tokenizerConfig: unknown
  pooling: Pooling
  /** Tokens of a text that the model reads, special ones counted; what is beyond is cut off. */
  maximumTokens: number
}

const HINT =
  'An encoder folder holds model.onnx (or onnx/model.onnx), tokenizer.json and the pooling of sentence-transformers.'
const MODELS = ['model.onnx', 'onnx/model.onnx']

/**
 * Reads what a sentence-encoder folder says. `pooling` replaces what it says of pooling.
 *
 * Throws `not-found` for a missing file, `invalid-file` for a broken one, `incompatible` for a module or a pooling that
 * the engine does not know.
 */
export function openEncoderFolder(path: string, pooling?: Pooling): EncoderFolder {
  if (!existsSync(path)) throw new EngineError('not-found', `There is no folder ${path}`, { hint: HINT })
  const model = MODELS.map((name) => join(path, name)).find((file) => existsSync(file))
  if (!model) {
    const weights = readdirSync(path).filter((name) => /\.(safetensors|bin|gguf|h5)$/.test(name))
    throw new EngineError('not-found', `${path} has no ${MODELS.join(' or ')}`, {
      hint:
        weights.length === 0
          ? HINT
          : `It holds ${weights[0]}: export the model to ONNX, for example with optimum-cli export onnx --task feature-extraction.`,
    })
  }
  const tokenizer = requireJsonFile(path, 'tokenizer.json', HINT)
  const tokenizerConfig = readJsonFile(path, 'tokenizer_config.json') ?? {}
  checkModules(path)
  return {
    ...{ path, model, tokenizer, tokenizerConfig },
    pooling: pooling ?? readPooling(path),
    maximumTokens: readMaximum(path, tokenizerConfig),
  }
}

/** Digest of the weights and of all that decides what vector a text gets. */
export async function digestEncoder(folder: EncoderFolder): Promise<string> {
  const files = [folder.model, ...externalData(folder.model)]
  const weights: string[] = []
  for (const file of files) weights.push(await hashFile(file))
  const { tokenizer, tokenizerConfig, pooling, maximumTokens } = folder
  return sha256(canonicalJson({ weights, tokenizer, tokenizerConfig, pooling, maximumTokens }))
}

/** The digest of the encoder in a folder, without opening it; throws as `openEncoderFolder` does. */
export async function identifyEncoder(path: string, pooling?: Pooling): Promise<string> {
  return digestEncoder(openEncoderFolder(path, pooling))
}

/** Files beside the model that hold weights of more than 2 GB, as torch and optimum name them. */
function externalData(model: string): string[] {
  return [`${model}_data`, `${model}.data`].filter((file) => existsSync(file))
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

/** A dense layer after the pooling, for example, would be left out silently. */
function checkModules(path: string): void {
  const modules = readJsonFile(path, 'modules.json')
  if (modules === undefined) return
  if (!Array.isArray(modules) || !modules.every(isJsonObject)) {
    throw new EngineError('invalid-file', `${join(path, 'modules.json')} is no list of modules`)
  }
  for (const { type } of modules) {
    const name = String(type).split('.').at(-1)
    if (name === 'Transformer' || name === 'Pooling' || name === 'Normalize') continue
    throw new EngineError('incompatible', `The encoder ${path} has a module of type ${String(type)}`, {
      hint: 'Supported: Transformer, Pooling, Normalize',
    })
  }
}

function readPooling(path: string): Pooling {
  const config = readJsonFile(path, '1_Pooling/config.json')
  if (!isJsonObject(config)) {
    throw new EngineError('not-found', `${path} does not say how to pool: 1_Pooling/config.json is missing`, {
      hint: 'Say it in regraft.yaml: embedders.<name>.pooling: mean (or cls), as the card of the model has it.',
    })
  }
  const modes = Object.keys(config).filter((key) => key.startsWith('pooling_mode_') && config[key] === true)
  if (modes.length === 1 && modes[0] === 'pooling_mode_mean_tokens') return 'mean'
  if (modes.length === 1 && modes[0] === 'pooling_mode_cls_token') return 'cls'
  const said = config.pooling_mode
  if (modes.length === 0 && (said === 'mean' || said === 'cls')) return said
  throw new EngineError(
    'incompatible',
    `The encoder ${path} pools by ${modes.join(' and ') || String(said)}`,
    {
      hint: 'Supported: pooling_mode_mean_tokens, pooling_mode_cls_token',
    },
  )
}

/** The smallest that any file names; a model has positions for no more than config.json says. */
function readMaximum(path: string, tokenizerConfig: unknown): number {
  const at = (value: unknown, key: string) => {
    const found = isJsonObject(value) ? value[key] : undefined
    // Tokenizers without a limit say 1e30.
    return typeof found === 'number' && found > 2 && found < 1e6 ? [found] : []
  }
  const limits = [
    ...at(readJsonFile(path, 'sentence_bert_config.json'), 'max_seq_length'),
    ...at(readJsonFile(path, 'config.json'), 'max_position_embeddings'),
    ...at(tokenizerConfig, 'model_max_length'),
  ]
  if (limits.length > 0) return Math.min(...limits)
  throw new EngineError('not-found', `${path} does not say how many tokens its model reads`, {
    hint: 'Add sentence_bert_config.json with max_seq_length, or config.json with max_position_embeddings.',
  })
}
