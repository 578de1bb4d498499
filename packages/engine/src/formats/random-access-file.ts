import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { EngineError } from '../errors.ts'

/** Largest length one read system call accepts on Linux. */
const MAX_READ = 0x7ffff000

/** A file read at given offsets, without a shared position. */
export class RandomAccessFile {
  readonly path: string
  readonly size: number
  #descriptor: number | null

  constructor(path: string) {
    this.path = path
    try {
      this.#descriptor = openSync(path, 'r')
    } catch (cause) {
      throw new EngineError('not-found', `Cannot open ${path}: ${(cause as Error).message}`, { cause })
    }
    const stats = fstatSync(this.#descriptor)
    this.size = stats.size
    if (!stats.isFile()) {
      this.close()
      throw new EngineError('invalid-file', `${path} is not a file`)
    }
  }

  /** Fills `target` from `offset`; throws when the file ends before. */
  readInto(target: Uint8Array, offset: number): void {
    if (this.#descriptor === null) throw new EngineError('engine-failed', `${this.path} is already closed`)
    let filled = 0
    while (filled < target.length) {
      const length = Math.min(target.length - filled, MAX_READ)
      const count = readSync(this.#descriptor, target, filled, length, offset + filled)
      if (count === 0) {
        throw new EngineError(
          'invalid-file',
          `${this.path} ends at byte ${offset + filled}, ${target.length - filled} bytes too early`,
        )
      }
      filled += count
    }
  }

  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length)
    this.readInto(bytes, offset)
    return bytes
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor)
    this.#descriptor = null
  }
}
