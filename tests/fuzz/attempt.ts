import { EngineError } from '@regraft/engine'
import { expect } from 'vitest'
import type { TensorSource } from '../../packages/engine/src/formats/types.ts'

/** No example may take longer, in milliseconds: a count that a file lies about must not be looped over. */
const LONGEST = 5_000

/** Runs a reader; what it may throw is an EngineError. Returns whether it read to the end. */
export function attempt(read: () => void): boolean {
  const started = performance.now()
  let succeeded = true
  try {
    read()
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    expect(['invalid-file', 'incompatible', 'invalid-input', 'not-found']).toContain(error.code)
    expect(error.message.length).toBeGreaterThan(10)
    succeeded = false
  }
  expect(performance.now() - started).toBeLessThan(LONGEST)
  return succeeded
}

/** Reads every tensor that can be read: as many values as its shape says, and no more than the file can hold. */
export function readAll(source: TensorSource, fileSize: number): void {
  try {
    for (const name of source.names()) {
      const size = source.shape(name).reduce((product, length) => product * length, 1)
      let values: Float32Array
      try {
        values = source.read(name)
      } catch (error) {
        if (error instanceof EngineError) continue
        throw error
      }
      expect(values.length).toBe(size)
      // The densest type has half a byte a value.
      expect(size).toBeLessThanOrEqual(2 * fileSize)
    }
  } finally {
    source.close()
  }
}
