/** What config.json says of each layer's attention: windows and rotary embeddings, in the spelling of transformers 4 or 5. */
import { EngineError } from '../errors.ts'
import { isJsonObject } from './canonical-json.ts'
import type { Family } from './hugging-face-families.ts'
import { type RopeScaling, ropeFactors } from './rope-scaling.ts'
import type { AttentionKind, DecoderConfig, Rope } from './types.ts'

type Json = Record<string, unknown>

/** For each layer what its attention sees. */
export function layerKinds(
  config: Json,
  family: Family,
  plain: DecoderConfig,
  path: string,
): AttentionKind[] {
  const layers = Array.from({ length: plain.numHiddenLayers }, (_, layer) => layer)
  const sliding = slidingLayers(config, family, plain.numHiddenLayers, path)
  const window = sliding.includes(true) ? slidingWindow(config, family, path) : null
  if (family.architecture === 'gemma3') {
    const { local, global } = gemmaRopes(config, family, plain, path)
    return sliding.map((slides) => (slides ? { window, rope: local } : { window: null, rope: global }))
  }
  const rope = readRope(
    ropeParameters(config, path),
    config.rope_theta,
    family.ropeTheta,
    config,
    plain,
    path,
  )
  const turned =
    family.architecture === 'smollm3'
      ? ropedLayers(config, plain.numHiddenLayers, path)
      : layers.map(() => true)
  return layers.map((layer) => ({
    window: sliding[layer] ? window : null,
    rope: turned[layer] ? rope : null,
  }))
}

/** For each layer whether its attention sees a sliding window only. */
function slidingLayers(config: Json, family: Family, count: number, path: string): boolean[] {
  const none = new Array<boolean>(count).fill(false)
  const { architecture } = family
  if (architecture === 'llama') return none
  if (architecture === 'mistral') return none.fill(config.sliding_window !== null)
  const types = config.layer_types
  if (types !== undefined && types !== null) {
    const known = ['full_attention', 'sliding_attention']
    const unknown = Array.isArray(types) ? types.find((type) => !known.includes(type)) : types
    if (unknown !== undefined) {
      throw new EngineError('incompatible', `${path} has layers of type ${String(unknown)}`, {
        hint: `Supported: ${known.join(', ')}`,
      })
    }
    if ((types as unknown[]).length !== count) {
      throw new EngineError(
        'invalid-file',
        `config.json of ${path} has ${(types as unknown[]).length} layer_types for ${count} layers`,
      )
    }
    return (types as string[]).map((type) => type === 'sliding_attention')
  }
  if (architecture === 'gemma3') {
    const every = positiveInteger(config, 'sliding_window_pattern', 6, path)
    return none.map((_, layer) => (layer + 1) % every !== 0)
  }
  if (config.use_sliding_window !== true) return none
  if (architecture === 'smollm3') {
    const slides = (config.sliding_window ?? null) !== null
    return ropedLayers(config, count, path).map((turned) => slides && !turned)
  }
  const from = config.max_window_layers === 0 ? 0 : positiveInteger(config, 'max_window_layers', 28, path)
  return none.map((_, layer) => config.sliding_window !== null && layer >= from)
}

function slidingWindow(config: Json, family: Family, path: string): number {
  return positiveInteger(config, 'sliding_window', family.architecture === 'smollm3' ? null : 4096, path)
}

function positiveInteger(config: Json, key: string, fallback: number | null, path: string): number {
  const value = config[key] === undefined ? fallback : config[key]
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number
  throw new EngineError('invalid-file', `The ${key} of ${path} is ${String(value)}`)
}

/** For each layer of SmolLM3 whether it knows positions; `no_rope_layers` holds 1 where it does. */
function ropedLayers(config: Json, count: number, path: string): boolean[] {
  const given = config.no_rope_layers
  if (Array.isArray(given)) {
    if (given.length >= count) return given.slice(0, count).map(Boolean)
    throw new EngineError(
      'invalid-file',
      `config.json of ${path} has ${given.length} no_rope_layers for ${count} layers`,
    )
  }
  const every = positiveInteger(config, 'no_rope_layer_interval', 4, path)
  return Array.from({ length: count }, (_, layer) => (layer + 1) % every !== 0)
}

/** transformers 5 moved rope_theta and the scaling into rope_parameters; rope_scaling still wins. */
function ropeParameters(config: Json, path: string): RopeScaling {
  for (const parameters of [config.rope_scaling, config.rope_parameters]) {
    if (!isJsonObject(parameters)) continue
    const nested = Object.keys(parameters).find((key) => isJsonObject(parameters[key]))
    if (nested === undefined) return parameters
    throw new EngineError('incompatible', `${path} has rope parameters of its own for ${nested}`, {
      hint: 'Supported: rope parameters per kind of layer in Gemma3ForCausalLM only',
    })
  }
  return {}
}

function gemmaRopes(config: Json, family: Family, plain: DecoderConfig, path: string) {
  const { rope_parameters: parameters, rope_scaling: scaling } = config
  const kind = (name: string): RopeScaling => {
    if (!isJsonObject(parameters)) return {}
    const own = parameters[name] ?? {}
    if (isJsonObject(own) && !('rope_theta' in parameters)) return own
    throw new EngineError(
      'incompatible',
      `${path} has rope_parameters that are not given per kind of layer`,
      {
        hint: 'Supported: rope_parameters with full_attention and sliding_attention',
      },
    )
  }
  const full = { ...kind('full_attention'), ...(isJsonObject(scaling) ? scaling : {}) }
  return {
    global: readRope(full, config.rope_theta, family.ropeTheta, config, plain, path),
    local: readRope(kind('sliding_attention'), config.rope_local_base_freq, 10_000, config, plain, path),
  }
}

function readRope(
  parameters: RopeScaling,
  theta: unknown,
  fallback: number,
  config: Json,
  plain: DecoderConfig,
  path: string,
): Rope {
  const partial = parameters.partial_rotary_factor ?? config.partial_rotary_factor ?? 1
  if (partial !== 1) {
    throw new EngineError('incompatible', `${path} has partial_rotary_factor = ${String(partial)}`, {
      hint: 'Supported: heads that are rotated whole',
    })
  }
  const base = (parameters.rope_theta ?? theta ?? fallback) as number
  const context =
    config.original_max_position_embeddings ??
    parameters.original_max_position_embeddings ??
    plain.maxPositionEmbeddings
  const scaling = { ...parameters, original_max_position_embeddings: context }
  return { theta: base, factors: ropeFactors(scaling, base, plain.headDim, path) }
}
