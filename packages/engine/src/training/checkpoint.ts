// A checkpoint is one safetensors file: values and moments in f32, which keeps their bits, and the position in its
// metadata. It is written beside and renamed, so a killed run finds the old one or the new one, never half.
import { existsSync } from 'node:fs'
import { EngineError } from '../errors.ts'
import { openSafetensors, writeSafetensors } from '../formats/safetensors.ts'
import type { AdamWState } from './adamw.ts'
import type { Parameter } from './learner.ts'

/** Where a run stands; the order of the examples follows from the seed and `updates`. */
export interface Progress {
  /** Digest of what the run is: a checkpoint of another recipe is refused. */
  identity: string
  updates: number
  /** Figures so far, carried over a resume. */
  history: unknown
}

export function writeCheckpoint(
  path: string,
  parameters: readonly Parameter[],
  optimizer: AdamWState,
  progress: Progress,
): void {
  const tensors = parameters.flatMap(({ name, value }) => {
    const { first, second } = optimizer.moments.get(name)!
    const shape = [value.length]
    return [
      { name: `value/${name}`, shape, dtype: 'F32' as const, data: value },
      { name: `first/${name}`, shape, dtype: 'F32' as const, data: first },
      { name: `second/${name}`, shape, dtype: 'F32' as const, data: second },
    ]
  })
  writeSafetensors(path, tensors, { progress: JSON.stringify(progress) })
}

/** Restores values and moments in place; null when there is no checkpoint. Throws when it belongs to another run. */
export function readCheckpoint(
  path: string,
  parameters: readonly Parameter[],
  optimizer: AdamWState,
  identity: string,
): Progress | null {
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
    return progress
  } finally {
    source.close()
  }
}
