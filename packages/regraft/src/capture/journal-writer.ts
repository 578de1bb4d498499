import { constants } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RegraftError } from '../errors/index.ts'
import { SEGMENT_MAGIC } from './journal-frame.ts'

/** When the operating system is told to put what was written on the disk, see `openJournal`. */
export type FsyncPolicy = 'always' | 'interval' | 'never'

export const SEGMENT_SUFFIX = '.journal'
/**
 * A segment grows by this much at once, in zeros that frames then replace: a sync that only replaces blocks writes no
 * metadata of the file system, and so waits for nobody else's.
 */
const ALLOCATED_BYTES = 1024 * 1024
/** A file opened so is synced by each write as by `fdatasync` (POSIX), in one call instead of two; Windows has no such flag. */
const WRITE_AND_SYNC: number | undefined = constants.O_DSYNC
/** How often 'interval' calls fsync, and so how much a power cut may take. */
const FSYNC_INTERVAL_MS = 1000

/** A file of the journal; only its writer changes `committed` and `closed`. */
export interface Segment {
  number: number
  path: string
  openedAt: number
  /** Bytes that are acknowledged. */
  committed: number
  /** No more will be written to it. */
  closed: boolean
}

interface Active {
  segment: Segment
  file: FileHandle
  /** Size of the file. */
  allocated: number
  /** Holds bytes that 'interval' has yet to sync. */
  unsynced: boolean
}

interface Waiting {
  frame: Buffer
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * Appends frames to segment files; frames that arrive while a write is under way share the next write and fsync.
 *
 * A failed write or fsync rejects its whole group and abandons the segment: after a failed fsync nobody knows which
 * pages reached the disk, so nothing is ever acknowledged behind them.
 */
export class JournalWriter {
  readonly #directory: string
  readonly #fsync: FsyncPolicy
  readonly #segmentBytes: number
  readonly #onSegment: (segment: Segment) => void
  readonly #onCommit: () => void
  readonly #onProblem: (message: string, cause: unknown) => void
  #nextNumber: number
  #active: Active | null = null
  #waiting: Waiting[] = []
  #flushing: Promise<void> | null = null
  #stopped = new AbortController()
  #syncing: Promise<void>

  constructor(options: {
    directory: string
    fsync: FsyncPolicy
    segmentBytes: number
    nextNumber: number
    onSegment: (segment: Segment) => void
    onCommit: () => void
    onProblem: (message: string, cause: unknown) => void
  }) {
    this.#directory = options.directory
    this.#fsync = options.fsync
    this.#segmentBytes = options.segmentBytes
    this.#nextNumber = options.nextNumber
    this.#onSegment = options.onSegment
    this.#onCommit = options.onCommit
    this.#onProblem = options.onProblem
    this.#syncing = options.fsync === 'interval' ? this.#syncEveryInterval() : Promise.resolve()
  }

  /** Resolves once the frame is acknowledged after the policy; rejects with 'unavailable' when it is not. */
  append(frame: Buffer): Promise<void> {
    if (this.#stopped.signal.aborted) {
      return Promise.reject(new RegraftError('unavailable', 'The journal is closed.'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ frame, resolve, reject })
      this.#flushing ??= this.#flush().finally(() => {
        this.#flushing = null
      })
    })
  }

  /** Ends a segment that is older than an age, so that it can be deleted once it is drained. */
  retire(segment: Segment, age: number): void {
    const active = this.#active
    if (active?.segment !== segment || this.#flushing || Date.now() - segment.openedAt < age) return
    this.#active = null
    void this.#end(active)
  }

  async close(): Promise<void> {
    this.#stopped.abort()
    await this.#flushing
    await this.#syncing
    const active = this.#active
    this.#active = null
    if (active) await this.#end(active)
  }

  async #flush(): Promise<void> {
    // One turn of the microtask queue, so that all appends of this tick form the first group.
    await null
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      try {
        await this.#write(Buffer.concat(group.map(({ frame }) => frame)))
        for (const { resolve } of group) resolve()
        this.#onCommit()
      } catch (cause) {
        const failed = this.#active
        this.#active = null
        if (failed) await this.#end(failed)
        const reason = cause instanceof Error ? cause.message : String(cause)
        const error = new RegraftError('unavailable', `The journal cannot be written: ${reason}`, {
          hint: `Check the free space and the permissions of ${this.#directory}.`,
          cause,
        })
        for (const { reject } of group) reject(error)
      }
    }
  }

  async #write(bytes: Buffer): Promise<void> {
    if (this.#active && this.#active.segment.committed >= this.#segmentBytes) {
      const full = this.#active
      this.#active = null
      await this.#end(full)
    }
    this.#active ??= await this.#begin()
    const { file, segment, allocated } = this.#active
    const end = segment.committed + bytes.length
    if (this.#fsync === 'always' && end > allocated) {
      const grown = Math.ceil(end / ALLOCATED_BYTES) * ALLOCATED_BYTES
      await writeAt(file, Buffer.concat([bytes, Buffer.alloc(grown - end)]), segment.committed)
      this.#active.allocated = grown
    } else await writeAt(file, bytes, segment.committed)
    if (this.#fsync === 'always' && WRITE_AND_SYNC === undefined) await file.datasync()
    this.#active.unsynced = this.#fsync === 'interval'
    segment.committed += bytes.length
  }

  async #begin(): Promise<Active> {
    const number = this.#nextNumber++
    const path = join(this.#directory, `${String(number).padStart(10, '0')}${SEGMENT_SUFFIX}`)
    const syncs = this.#fsync === 'always' ? (WRITE_AND_SYNC ?? 0) : 0
    const { O_WRONLY, O_CREAT, O_EXCL } = constants
    const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | syncs, 0o600)
    try {
      await writeAt(file, SEGMENT_MAGIC, 0)
      if (this.#fsync !== 'never') await syncDirectory(this.#directory)
    } catch (error) {
      await file.close()
      await unlink(path)
      throw error
    }
    const segment = { number, path, openedAt: Date.now(), committed: SEGMENT_MAGIC.length, closed: false }
    this.#onSegment(segment)
    return { segment, file, allocated: SEGMENT_MAGIC.length, unsynced: false }
  }

  async #end({ segment, file, allocated, unsynced }: Active): Promise<void> {
    segment.closed = true
    try {
      if (allocated > segment.committed) await file.truncate(segment.committed)
      if (unsynced) await file.datasync()
      await file.close()
    } catch (cause) {
      this.#onProblem(`${segment.path} could not be synced and closed`, cause)
    }
  }

  async #syncEveryInterval(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      await sleep(FSYNC_INTERVAL_MS, null, { signal: this.#stopped.signal, ref: false }).catch(() => {})
      const active = this.#active
      if (!active?.unsynced) continue
      active.unsynced = false
      await active.file.datasync().catch((cause) => {
        active.unsynced = true
        this.#onProblem(`${active.segment.path} could not be synced`, cause)
      })
    }
  }
}

async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const result = await file.write(bytes, written, bytes.length - written, position + written)
    written += result.bytesWritten
  }
}

/** Makes a new file's name durable; file systems that cannot open a folder need no such call. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => null)
  if (!directory) return
  try {
    await directory.sync()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EPERM' || error.code === 'EINVAL')))
      throw error
  } finally {
    await directory.close()
  }
}
