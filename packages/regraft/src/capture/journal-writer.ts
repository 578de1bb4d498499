import { closeSync, constants, fdatasync, openSync, unlinkSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { RegraftError } from '../errors/index.ts'
import { SEGMENT_MAGIC } from './journal-frame.ts'

/** When the operating system is told to put what was written on the disk, see `openJournal`. */
export type FsyncPolicy = 'always' | 'interval' | 'never'
/**
 * What an append waits for: 'written', the kernel has it and `kill -9` does not take it away; 'synced', the disk has it
 * too, if the policy is 'always'.
 */
export type Acknowledgement = 'written' | 'synced'

export const SEGMENT_SUFFIX = '.journal'
/** How often 'interval' syncs, and so how much a power cut may take. */
const FSYNC_INTERVAL_MS = 1000
/** Of frames that no sync has covered yet; what comes on top while a sync hangs is not written a second time. */
const MOST_KEPT_BYTES = 64 * 1024 * 1024

const datasync = promisify(fdatasync)

/** A file of the journal; only its writer changes `committed` and `closed`. */
export interface Segment {
  number: number
  path: string
  openedAt: number
  /** Bytes that are written. */
  committed: number
  /** No more will be written to it. */
  closed: boolean
}

interface Active {
  segment: Segment
  file: number
  /** Its name is on the disk. */
  named: boolean
  unsynced: Unsynced[]
  syncing: Promise<void> | null
}

interface Unsynced {
  /** To be written again when the sync fails; null for the second time. */
  frame: Buffer | null
  /** Whoever waits for the sync. */
  waiting: { resolve: () => void; reject: (error: unknown) => void } | null
}

/**
 * Appends frames to segment files.
 *
 * A frame is written by the calling thread: the page cache takes it in 10 µs, also while a sync is under way, where a
 * thread pool costs five times as much and waits behind syncs. Syncs run in the background, each as soon as the last one
 * ended, for all frames that were written before it.
 *
 * A failed write or sync abandons the segment: after a failed sync nobody knows which pages reached the disk, so nothing
 * is ever synced behind them. Frames that were acknowledged as written are written again to the next segment, once.
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
  #keptBytes = 0
  readonly #ending = new Set<Promise<void>>()
  readonly #stopped = new AbortController()

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
  }

  /** Resolves once the frame is acknowledged; rejects with 'unavailable' when it is not. */
  async append(frame: Buffer, until: Acknowledgement): Promise<void> {
    if (this.#stopped.signal.aborted) throw new RegraftError('unavailable', 'The journal is closed.')
    const active = this.#write(frame)
    if (this.#fsync === 'never') return
    const { promise, ...waiting } = Promise.withResolvers<void>()
    const waits = this.#fsync === 'always' && until === 'synced'
    this.#expectSync(active, { frame: this.#kept(frame), waiting: waits ? waiting : null })
    if (waits) await promise
  }

  /** Ends a segment that is older than an age, so that it can be deleted once it is drained. */
  retire(segment: Segment, age: number): void {
    const active = this.#active
    if (active?.segment !== segment || Date.now() - segment.openedAt < age) return
    this.#end(active)
  }

  async close(): Promise<void> {
    this.#stopped.abort()
    while (this.#active || this.#ending.size > 0) {
      if (this.#active) this.#end(this.#active)
      await Promise.all(this.#ending)
    }
  }

  #write(bytes: Buffer): Active {
    try {
      if (this.#active && this.#active.segment.committed >= this.#segmentBytes) this.#end(this.#active)
      this.#active ??= this.#begin()
      const { file, segment } = this.#active
      writeAt(file, bytes, segment.committed)
      segment.committed += bytes.length
      this.#onCommit()
      return this.#active
    } catch (cause) {
      if (this.#active) this.#end(this.#active)
      throw this.#failure('written', cause)
    }
  }

  #begin(): Active {
    const number = this.#nextNumber++
    const path = join(this.#directory, `${String(number).padStart(10, '0')}${SEGMENT_SUFFIX}`)
    const { O_WRONLY, O_CREAT, O_EXCL } = constants
    const file = openSync(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    try {
      writeAt(file, SEGMENT_MAGIC, 0)
    } catch (error) {
      closeSync(file)
      unlinkSync(path)
      throw error
    }
    const segment = { number, path, openedAt: Date.now(), committed: SEGMENT_MAGIC.length, closed: false }
    this.#onSegment(segment)
    return { segment, file, named: false, unsynced: [], syncing: null }
  }

  /** Closes a segment when what was written to it is synced. */
  #end(active: Active): void {
    const { segment, file } = active
    segment.closed = true
    if (this.#active === active) this.#active = null
    const ending = (async () => {
      await active.syncing
      try {
        closeSync(file)
      } catch (cause) {
        this.#onProblem(`${segment.path} could not be closed`, cause)
      }
    })().finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }

  #kept(frame: Buffer): Buffer | null {
    if (this.#keptBytes + frame.length > MOST_KEPT_BYTES) return null
    this.#keptBytes += frame.length
    return frame
  }

  #expectSync(active: Active, unsynced: Unsynced): void {
    active.unsynced.push(unsynced)
    active.syncing ??= this.#sync(active)
  }

  async #sync(active: Active): Promise<void> {
    while (active.unsynced.length > 0) {
      if (this.#fsync === 'interval') await this.#sleep(FSYNC_INTERVAL_MS)
      const group = active.unsynced.splice(0)
      try {
        await datasync(active.file)
        if (!active.named) await syncDirectory(this.#directory)
        active.named = true
        for (const { waiting } of group) waiting?.resolve()
      } catch (cause) {
        if (!active.segment.closed) this.#end(active)
        group.push(...active.unsynced.splice(0))
        this.#writeAgain(active, group, cause)
      }
      for (const { frame } of group) this.#keptBytes -= frame?.length ?? 0
    }
    active.syncing = null
  }

  /** Whoever waits for the sync is told that it failed; what was acknowledged before goes to the next segment. */
  #writeAgain({ segment }: Active, unsynced: Unsynced[], cause: unknown): void {
    const failure = this.#failure('synced', cause)
    let lost = 0
    for (const { frame, waiting } of unsynced) {
      if (waiting) waiting.reject(failure)
      else if (frame) {
        try {
          this.#expectSync(this.#write(frame), { frame: null, waiting: null })
        } catch {
          lost++
        }
      } else lost++
    }
    const taken = lost === 0 ? '' : `; records that a power cut may take: ${lost}`
    this.#onProblem(`${segment.path} could not be synced${taken}`, cause)
  }

  #failure(what: 'written' | 'synced', cause: unknown): RegraftError {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new RegraftError('unavailable', `The journal cannot be ${what}: ${reason}`, {
      hint: `Check the free space and the permissions of ${this.#directory}.`,
      cause,
    })
  }

  async #sleep(milliseconds: number): Promise<void> {
    await sleep(milliseconds, null, { signal: this.#stopped.signal, ref: false }).catch(() => {})
  }
}

function writeAt(file: number, bytes: Buffer, position: number): void {
  let written = 0
  while (written < bytes.length)
    written += writeSync(file, bytes, written, bytes.length - written, position + written)
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
