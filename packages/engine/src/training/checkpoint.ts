// A checkpoint is one safetensors file: values and moments in f32, which keeps their bits, and the position in its
// metadata. It is written beside and renamed, so a killed run finds the old one or the new one, never half.
import { existsSync } from 'node:fs'
import { EngineError } from '../errors.ts'
import { openSafetensors, type TensorToWrite, writeSafetensors } from '../formats/safetensors.ts'
import type { AdamWState } from './adamw.ts'
import type { Best } from './early-stopping.ts'
import type { Parameter } from './learner.ts'

/** Where a run stands; the order of the examples follows from the seed and `updates`. */
export interface Progress {
  /** Digest of what the run is: a checkpoint of another recipe is refused. */
  identity: string
  updates: number
  /** Figures so far, carried over a resume. */
  history: unknown
}

/** What a checkpoint holds beside values and moments. */
export interface Restored extends Progress {
  best: Best | null
}

/**
 * Writes values, moments, the best values so far and the position. Throws `engine-failed`, naming the file, when it
 * cannot be written (a full disk); the checkpoint before it is then still whole.
 */
export function writeCheckpoint(
  path: string,
  parameters: readonly Parameter[],
  optimizer: AdamWState,
  progress: Progress,
  best: Best | null = null,
): void {
  const tensors = parameters.flatMap(({ name, value }): TensorToWrite[] => {
    const { first, second } = optimizer.moments.get(name)!
    const arrays = { value, first, second, ...(best ? { best: best.values.get(name)! } : {}) }
    return Object.entries(arrays).map(([kind, data]) => {
      return { name: `${kind}/${name}`, shape: [value.length], dtype: 'F32', data }
    })
  })
  const metadata = {
    progress: JSON.stringify(progress),
    ...(best ? { best: JSON.stringify({ update: best.update, loss: best.loss }) } : {}),
  }
  const earlier = existsSync(path) ? 'The checkpoint before it is whole. ' : ''
  try {
    writeSafetensors(path, tensors, metadata)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('engine-failed', `The checkpoint ${path} could not be written: ${reason}`, {
      hint: `${earlier}Free space on its disk and run the same training again: it goes on from the last whole checkpoint`,
      cause,
    })
  }
}

/** Restores values and moments in place; null when there is no checkpoint. Throws when it belongs to another run. */
export function readCheckpoint(
  path: string,
  parameters: readonly Parameter[],
  optimizer: AdamWState,
  identity: string,
): Restored | null {
  if (!existsSync(path)) return null
  const source = openSafetensors(path)
  try {
    const progress = JSON.parse(source.metadata.progress ?? 'null') as Progress | null
    if (progress?.identity !== identity) {
      throw new EngineError('incompatible', `The checkpoint ${path} belongs to another run`, {
        hint: 'Remove the checkpoint to start from the beginning',
      })
    }
    for (const { name, value } of parameters) {
      const { first, second } = optimizer.moments.get(name)!
      value.set(source.read(`value/${name}`))
      first.set(source.read(`first/${name}`))
      second.set(source.read(`second/${name}`))
    }
    optimizer.updates = progress.updates
    const best = JSON.parse(source.metadata.best ?? 'null') as Omit<Best, 'values'> | null
    const values = () => new Map(parameters.map(({ name }) => [name, source.read(`best/${name}`)]))
    return { ...progress, best: best && { ...best, values: values() } }
  } finally {
    source.close()
  }
}
