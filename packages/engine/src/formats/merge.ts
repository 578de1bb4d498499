import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from '../errors.ts'
import { writeFileAtomically } from './atomic-write.ts'
import { isJsonObject } from './canonical-json.ts'
import { openWeights, requireJsonFile, weightFiles } from './hugging-face-folder.ts'
import { checkAdapterFits } from './peft.ts'
import { writeSafetensors } from './safetensors.ts'
import type { Adapter, Base, LoraTensors, TensorSource } from './types.ts'

/**
 * A base with an adapter folded into its weights: W + scale · B·A, each sum in 64 bits and rounded once to a 32-bit float (Hu et
 * al. 2021, section 4.1). The scale is that of each module, so rsLoRA and patterns of ranks and alphas are in it. Nothing is
 * copied: tensors are merged when they are read. The digests stay those of the base.
 *
 * Throws `incompatible` naming the first module that does not fit.
 */
export function mergeAdapter(base: Base, adapter: Adapter): Base {
  checkAdapterFits(adapter, base)
  return { ...base, tensors: mergedTensors(base.tensors, adapter), precision: 'F32' }
}

/**
 * Writes a base with an adapter folded in as a Hugging Face folder in 32-bit floats; opened again it has the weights of
 * `mergeAdapter`, bit by bit. Throws `incompatible` for a GGUF base, `invalid-input` for a folder that is not empty.
 */
export function writeMerged(folder: string, base: Base, adapter: Adapter): void {
  if (base.format !== 'huggingface') {
    throw new EngineError(
      'incompatible',
      `${base.path} is no Hugging Face folder, so its merge is not written`,
      {
        hint: 'Merge with the base as it was before it became a GGUF file.',
      },
    )
  }
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new EngineError('invalid-input', `${folder} is not empty`, { hint: 'Nothing is overwritten.' })
  }
  checkAdapterFits(adapter, base)
  // As stored: the weights of an opened base may stand for others (the norms of Gemma).
  const stored = openWeights(base.path, weightFiles(base.path))
  try {
    mkdirSync(folder, { recursive: true })
    const merged = mergedTensors(stored, adapter)
    const tensors = stored.names().map((name) => ({
      ...{ name, shape: stored.shape(name), dtype: 'F32' as const },
      // Read when it is written, so that one tensor is held at a time.
      get data() {
        return merged.read(name)
      },
    }))
    writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt' })
  } finally {
    stored.close()
  }
  for (const name of BESIDE_WEIGHTS) {
    if (existsSync(join(base.path, name))) copyFileSync(join(base.path, name), join(folder, name))
  }
  writeFileAtomically(join(folder, 'config.json'), [Buffer.from(configInFloats(base.path))])
}

const BESIDE_WEIGHTS = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
]

function configInFloats(folder: string): string {
  const config = requireJsonFile(folder, 'config.json', 'A base folder holds config.json.')
  if (!isJsonObject(config)) throw new EngineError('invalid-file', `${folder}/config.json is no JSON object`)
  const types = ['dtype', 'torch_dtype'].filter((name) => name in config).map((name) => [name, 'float32'])
  return `${JSON.stringify({ ...config, ...Object.fromEntries(types) }, null, 2)}\n`
}

function mergedTensors(stored: TensorSource, adapter: Adapter): TensorSource {
  const updateOf = (name: string) =>
    name.endsWith('.weight') ? adapter.modules.get(name.slice(0, -'.weight'.length)) : undefined
  return {
    names: () => stored.names(),
    has: (name) => stored.has(name),
    shape: (name) => stored.shape(name),
    dtype: (name) => (updateOf(name) ? 'F32' : stored.dtype(name)),
    read(name) {
      const update = updateOf(name)
      return update ? addUpdate(stored.read(name), update) : stored.read(name)
    },
    quantised: (name) => (updateOf(name) ? null : (stored.quantised?.(name) ?? null)),
    close: () => stored.close(),
  }
}

/** weights [out, in] + scale · b [out, rank] · a [rank, in], in a new array. */
function addUpdate(
  weights: Float32Array,
  { a, b, rank, inFeatures, outFeatures, scale }: LoraTensors,
): Float32Array {
  const merged = new Float32Array(weights.length)
  const row = new Float64Array(inFeatures)
  for (let out = 0; out < outFeatures; out++) {
    row.fill(0)
    for (let r = 0; r < rank; r++) {
      const factor = b[out * rank + r]!
      const start = r * inFeatures
      for (let i = 0; i < inFeatures; i++) row[i]! += factor * a[start + i]!
    }
    const start = out * inFeatures
    for (let i = 0; i < inFeatures; i++) merged[start + i] = weights[start + i]! + scale * row[i]!
  }
  return merged
}
