import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { EngineError } from '../errors.ts'
import { isJsonObject } from './canonical-json.ts'
import { openSafetensors } from './safetensors.ts'
import type { Base, TensorSource } from './types.ts'

/** Parsed JSON file of a folder, or undefined when there is none; throws `invalid-file` when it is broken. */
export function readJsonFile(folder: string, name: string): unknown {
  const path = join(folder, name)
  if (!existsSync(path)) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new EngineError('invalid-file', `${path} is no valid JSON: ${(cause as Error).message}`, { cause })
  }
}

/** Like {@link readJsonFile}, but throws `not-found` when the file is missing. */
export function requireJsonFile(folder: string, name: string, hint: string): unknown {
  const value = readJsonFile(folder, name)
  if (value === undefined) throw new EngineError('not-found', `${folder} has no ${name}`, { hint })
  return value
}

const INDEX = 'model.safetensors.index.json'

/** Names of the weight files of a folder: one, or those that the index of a sharded model lists. */
export function weightFiles(folder: string): string[] {
  if (existsSync(join(folder, 'model.safetensors'))) return ['model.safetensors']
  const hint =
    'A base folder holds config.json, tokenizer.json and model.safetensors (or its index and shards).'
  if (!existsSync(join(folder, INDEX))) {
    throw new EngineError('not-found', `${folder} has no weights: model.safetensors is missing`, { hint })
  }
  const weightMap = readWeightMap(requireJsonFile(folder, INDEX, hint), folder)
  return [...new Set(Object.values(weightMap))].sort()
}

function readWeightMap(index: unknown, folder: string): Record<string, string> {
  const weightMap = isJsonObject(index) ? index.weight_map : undefined
  const isFileName = (name: unknown) =>
    typeof name === 'string' && name === basename(name) && name.endsWith('.safetensors')
  if (!isJsonObject(weightMap) || !Object.values(weightMap).every(isFileName)) {
    throw new EngineError('invalid-file', `${join(folder, INDEX)} maps no tensors to safetensors files`)
  }
  return weightMap as Record<string, string>
}

/** Opens the weights of a folder, whether in one file or in shards. */
export function openWeights(folder: string, files: readonly string[]): TensorSource {
  const shards: TensorSource[] = []
  try {
    for (const file of files) shards.push(openSafetensors(join(folder, file)))
    return shards.length === 1 ? shards[0]! : new ShardedTensors(shards, folder)
  } catch (error) {
    for (const shard of shards) shard.close()
    throw error
  }
}

class ShardedTensors implements TensorSource {
  readonly #shards: readonly TensorSource[]
  readonly #owners = new Map<string, TensorSource>()
  readonly #folder: string

  constructor(shards: readonly TensorSource[], folder: string) {
    this.#shards = shards
    this.#folder = folder
    for (const shard of shards) {
      for (const name of shard.names()) {
        if (this.#owners.has(name))
          throw new EngineError('invalid-file', `Two shards of ${folder} hold ${name}`)
        this.#owners.set(name, shard)
      }
    }
  }

  names(): string[] {
    return [...this.#owners.keys()]
  }

  has(name: string): boolean {
    return this.#owners.has(name)
  }

  shape(name: string): number[] {
    return this.#owner(name).shape(name)
  }

  dtype(name: string): string {
    return this.#owner(name).dtype(name)
  }

  read(name: string): Float32Array {
    return this.#owner(name).read(name)
  }

  close(): void {
    for (const shard of this.#shards) shard.close()
  }

  #owner(name: string): TensorSource {
    const owner = this.#owners.get(name)
    if (!owner) throw new EngineError('not-found', `No tensor ${name} in ${this.#folder}`)
    return owner
  }
}

/** The folder's chat template: chat_template.jinja, else the (default) one of tokenizer_config.json. */
export function readChatTemplate(folder: string, tokenizerConfig: unknown): string | null {
  const path = join(folder, 'chat_template.jinja')
  if (existsSync(path)) return readFileSync(path, 'utf8')
  const template = isJsonObject(tokenizerConfig) ? tokenizerConfig.chat_template : undefined
  if (typeof template === 'string') return template
  if (!Array.isArray(template)) return null
  const named = template.find((entry) => isJsonObject(entry) && entry.name === 'default')
  return isJsonObject(named) && typeof named.template === 'string' ? named.template : null
}

/** Text of the special tokens in tokenizer_config.json, given plain or as an added token's description. */
export function readSpecialTokens(tokenizerConfig: unknown): Base['specialTokens'] {
  const text = (key: string): string | null => {
    const token = isJsonObject(tokenizerConfig) ? tokenizerConfig[key] : undefined
    const content = isJsonObject(token) ? token.content : token
    return typeof content === 'string' ? content : null
  }
  return { bos: text('bos_token'), eos: text('eos_token'), unk: text('unk_token'), pad: text('pad_token') }
}
