import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from '../errors.ts'
import { writeFileAtomically } from './atomic-write.ts'
import { requireJsonFile } from './hugging-face-folder.ts'
import { formatLoraConfig, isTargeted, parseLoraConfig, resolveLora } from './lora-config.ts'
import { openSafetensors, type SafetensorsSource, type StoredFloat, writeSafetensors } from './safetensors.ts'
import { tensorMeaning } from './tensor-meaning.ts'
import type { Adapter, Base, LoraTensors } from './types.ts'

const CONFIG = 'adapter_config.json'
const WEIGHTS = 'adapter_model.safetensors'
const PREFIX = 'base_model.model.'

/**
 * Reads a LoRA adapter from a PEFT folder.
 *
 * Throws `not-found` when a file is missing, `incompatible` naming an option or tensor it does not support (DoRA,
 * biases, saved modules, …), `invalid-file` when tensors and configuration contradict each other.
 */
export function readAdapter(folder: string): Adapter {
  const json = requireJsonFile(folder, CONFIG, `A PEFT folder holds ${CONFIG} and ${WEIGHTS}.`)
  const path = join(folder, WEIGHTS)
  if (!existsSync(path) && existsSync(join(folder, 'adapter_model.bin'))) {
    throw new EngineError('incompatible', `${folder} holds a pickled adapter_model.bin`, {
      hint: 'Load it with PEFT and save it again with safe_serialization=True.',
    })
  }
  const source = openSafetensors(path)
  try {
    const names = moduleNames(source, path)
    const config = parseLoraConfig(json, names, join(folder, CONFIG))
    const modules = new Map(
      names.map((name) => [name, readModule(source, name, resolveLora(config, name), path)] as const),
    )
    return { config, modules }
  } finally {
    source.close()
  }
}

function moduleNames(source: SafetensorsSource, path: string): string[] {
  const modules = new Set<string>()
  for (const name of source.names()) {
    const module = /^base_model\.model\.(.+)\.lora_[AB]\.weight$/.exec(name)?.[1]
    if (module === undefined) {
      const meaning = tensorMeaning(name)
      throw new EngineError(
        'incompatible',
        `${path} has the tensor ${name}${meaning ? `: ${meaning}` : ''}`,
        {
          hint: `Supported: ${PREFIX}<module>.lora_A.weight and ${PREFIX}<module>.lora_B.weight`,
        },
      )
    }
    modules.add(module)
  }
  if (modules.size === 0) throw new EngineError('invalid-file', `${path} holds no tensors`)
  return [...modules].sort()
}

function readModule(
  source: SafetensorsSource,
  module: string,
  { rank, scale }: { rank: number; scale: number },
  path: string,
): LoraTensors {
  const [nameA, nameB] = [`${PREFIX}${module}.lora_A.weight`, `${PREFIX}${module}.lora_B.weight`]
  for (const name of [nameA, nameB]) {
    if (!source.has(name)) throw new EngineError('invalid-file', `${path} has no tensor ${name}`)
  }
  const [shapeA, shapeB] = [source.shape(nameA), source.shape(nameB)]
  if (shapeA.length !== 2 || shapeB.length !== 2 || shapeA[0] !== rank || shapeB[1] !== rank) {
    throw new EngineError(
      'invalid-file',
      `${module} has A [${shapeA.join(', ')}] and B [${shapeB.join(', ')}], the configuration says rank ${rank}`,
    )
  }
  return {
    a: source.read(nameA),
    b: source.read(nameB),
    rank,
    inFeatures: shapeA[1]!,
    outFeatures: shapeB[0]!,
    scale,
  }
}

export interface WriteAdapterOptions {
  /** Precision of the stored tensors; F32 unless told. */
  dtype?: StoredFloat
}

/**
 * Writes a LoRA adapter as a PEFT folder; equal adapters give equal bytes.
 *
 * The configuration is written last, so a folder with one is whole. Throws `invalid-input` when PEFT would not
 * load the same update: a module that the configuration does not name, or gives another rank or scale.
 */
export function writeAdapter(folder: string, adapter: Adapter, options: WriteAdapterOptions = {}): void {
  const dtype = options.dtype ?? 'F32'
  const tensors = [...adapter.modules].flatMap(([module, lora]) => {
    checkAgainstConfig(adapter, module, lora)
    return [
      { name: `${PREFIX}${module}.lora_A.weight`, shape: [lora.rank, lora.inFeatures], dtype, data: lora.a },
      { name: `${PREFIX}${module}.lora_B.weight`, shape: [lora.outFeatures, lora.rank], dtype, data: lora.b },
    ]
  })
  mkdirSync(folder, { recursive: true })
  writeSafetensors(join(folder, WEIGHTS), tensors, { format: 'pt' })
  writeFileAtomically(join(folder, CONFIG), [Buffer.from(formatLoraConfig(adapter.config))])
}

function checkAgainstConfig({ config }: Adapter, module: string, lora: LoraTensors): void {
  const expected = resolveLora(config, module)
  const fail = (problem: string): never => {
    throw new EngineError('invalid-input', `The adapter's configuration ${problem} of ${module}`)
  }
  if (!isTargeted(config.targetModules, module)) fail('lacks the name')
  if (expected.rank !== lora.rank) fail(`says rank ${expected.rank}, not the ${lora.rank}`)
  if (Math.abs(expected.scale - lora.scale) > 1e-6 * Math.abs(expected.scale)) {
    fail(`says scale ${expected.scale}, not the ${lora.scale}`)
  }
}

/** Throws `incompatible` naming the first module of an adapter whose shape does not fit the base. */
export function checkAdapterFits(adapter: Adapter, base: Pick<Base, 'tensors' | 'path'>): void {
  for (const [module, { inFeatures, outFeatures }] of adapter.modules) {
    const name = `${module}.weight`
    if (!base.tensors.has(name)) {
      throw new EngineError('incompatible', `The adapter changes ${module}, which ${base.path} does not have`)
    }
    const shape = base.tensors.shape(name)
    if (shape.length !== 2 || shape[0] !== outFeatures || shape[1] !== inFeatures) {
      throw new EngineError(
        'incompatible',
        `The adapter's ${module} is [${outFeatures}, ${inFeatures}], that of ${base.path} is [${shape.join(', ')}]`,
        { hint: 'The adapter was trained on another base; use that one.' },
      )
    }
  }
}
