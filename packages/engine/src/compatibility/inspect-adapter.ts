import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError, type EngineErrorCode } from '../errors.ts'
import { isJsonObject } from '../formats/canonical-json.ts'
import { requireJsonFile } from '../formats/hugging-face-folder.ts'
import { readAdapter } from '../formats/peft.ts'
import { openSafetensors, READABLE_DTYPES, type SafetensorsSource } from '../formats/safetensors.ts'
import { tensorMeaning } from '../formats/tensor-meaning.ts'

/** One low-rank update as it is stored. */
export interface InspectedModule {
  name: string
  rank: number
  inFeatures: number
  outFeatures: number
  /** Frobenius norms; an update whose A or B is zero changes nothing. */
  normA: number
  normB: number
}

export interface InspectedWeights {
  tensors: number
  parameters: number
  /** Stored types, most values first. */
  dtypes: string[]
  modules: InspectedModule[]
  /** Tensors that are no A or B of a linear, with what they are where that is known. */
  foreign: { name: string; meaning: string | null }[]
  /** Tensors with values that are not finite. */
  notFinite: string[]
}

export interface AdapterInspection {
  /** adapter_config.json as it stands. */
  config: Record<string, unknown>
  /** Null where there are none that can be opened. */
  weights: InspectedWeights | null
  /** Why the engine does not load it; null where it does. */
  refusal: { code: EngineErrorCode; message: string; hint: string | null } | null
}

const KEY = /^(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.[^.]+)?\.weight$/

/**
 * Says what a PEFT folder holds, also of one that the engine refuses. Nothing is unpickled.
 *
 * Throws `not-found` without an adapter_config.json, `invalid-file` when it is no JSON object.
 */
export function inspectAdapter(folder: string): AdapterInspection {
  const path = join(folder, 'adapter_config.json')
  const config = requireJsonFile(folder, 'adapter_config.json', 'Name the folder that PEFT saved.')
  if (!isJsonObject(config)) throw new EngineError('invalid-file', `${path} is no JSON object`)
  return { config, weights: inspectWeights(folder), refusal: refusalOf(folder) }
}

function refusalOf(folder: string): AdapterInspection['refusal'] {
  try {
    readAdapter(folder)
    return null
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return { code: error.code, message: error.message, hint: error.hint ?? null }
  }
}

function inspectWeights(folder: string): InspectedWeights | null {
  const path = join(folder, 'adapter_model.safetensors')
  if (!existsSync(path)) return null
  let source: SafetensorsSource
  try {
    source = openSafetensors(path)
  } catch (error) {
    if (error instanceof EngineError) return null
    throw error
  }
  try {
    return measure(source)
  } finally {
    source.close()
  }
}

function measure(source: SafetensorsSource): InspectedWeights {
  const halves = new Map<string, Partial<Record<'A' | 'B', { shape: number[]; norm: number }>>>()
  const foreign: InspectedWeights['foreign'] = []
  const notFinite: string[] = []
  const values = new Map<string, number>()
  for (const name of source.names()) {
    const shape = source.shape(name)
    const dtype = source.dtype(name)
    values.set(dtype, (values.get(dtype) ?? 0) + shape.reduce((product, size) => product * size, 1))
    const [, module, half] = KEY.exec(name) ?? []
    const isHalf = module !== undefined && shape.length === 2
    if (!isHalf) foreign.push({ name, meaning: tensorMeaning(name) })
    if (!READABLE_DTYPES.includes(dtype)) continue
    const norm = frobenius(source.read(name))
    if (!Number.isFinite(norm)) notFinite.push(name)
    if (!isHalf) continue
    halves.set(module, { ...halves.get(module), [half as 'A' | 'B']: { shape, norm } })
  }
  const modules = [...halves].flatMap(([name, { A, B }]) =>
    A && B
      ? [
          {
            ...{ name, rank: A.shape[0]!, inFeatures: A.shape[1]!, outFeatures: B.shape[0]! },
            ...{ normA: A.norm, normB: B.norm },
          },
        ]
      : [],
  )
  return {
    tensors: source.names().length,
    parameters: [...values.values()].reduce((sum, count) => sum + count, 0),
    dtypes: [...values].sort(([, a], [, b]) => b - a).map(([dtype]) => dtype),
    modules: modules.sort((a, b) => (a.name < b.name ? -1 : 1)),
    foreign,
    notFinite,
  }
}

function frobenius(values: Float32Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return Math.sqrt(sum)
}
