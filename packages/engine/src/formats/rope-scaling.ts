/**
 * How a context is stretched beyond the one a model was pre-trained on: every frequency of the rotary embedding is
 * divided by a factor.
 *
 * linear: all by the same (Chen et al. 2023). llama3: the low frequencies by `factor`, the high ones not at all, and
 * those between by 1 / ((1 − s)/factor + s), where s runs from 0 to 1 with the turns that a pair of values makes in
 * the original context (Grattafiori et al. 2024, and transformers' modeling_rope_utils.py).
 */
import { EngineError } from '../errors.ts'

/** Scaling as in the rope_parameters (or rope_scaling) of a config.json. */
export type RopeScaling = Record<string, unknown>

/** [headDim/2] divisors of the frequencies, or null for none; throws `incompatible` naming another scaling. */
export function ropeFactors(
  scaling: RopeScaling,
  theta: number,
  headDim: number,
  path: string,
): number[] | null {
  const type = scaling.rope_type ?? scaling.type ?? 'default'
  if (type === 'default') return null
  const number = (key: string): number => {
    const value = scaling[key]
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value
    throw new EngineError('invalid-file', `The rope scaling of ${path} has the ${key} ${String(value)}`, {
      hint: `Rope scaling of type ${String(type)} needs a positive number there.`,
    })
  }
  if (type !== 'linear' && type !== 'llama3') {
    throw new EngineError('incompatible', `${path} has rope scaling of type ${String(type)}`, {
      hint: 'Supported: default (none), linear, llama3',
    })
  }
  const factor = number('factor')
  if (type === 'linear') return new Array<number>(headDim / 2).fill(factor)
  const [low, high] = [number('low_freq_factor'), number('high_freq_factor')]
  const context = number('original_max_position_embeddings')
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const turns = (context * theta ** ((-2 * i) / headDim)) / (2 * Math.PI)
    if (turns > high) return 1
    if (turns < low) return factor
    const smooth = (turns - low) / (high - low)
    return 1 / ((1 - smooth) / factor + smooth)
  })
}
