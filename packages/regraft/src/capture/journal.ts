// Every served inference and every feedback event goes through the journal: appended, acknowledged, then drained into
// the store. One path, whether the database is up or not. See JournalOptions.fsync for what an acknowledgement means.
import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type DrainFigures, JournalDrainer } from './journal-drainer.ts'
import { encodeFrame, type JournalRecord, SEGMENT_MAGIC, type StoredRecord } from './journal-frame.ts'
import {
  type Acknowledgement,
  type FsyncPolicy,
  JournalWriter,
  SEGMENT_SUFFIX,
  type Segment,
} from './journal-writer.ts'
import type { RowSink } from './row-sink.ts'

const SEGMENT_BYTES = 4 * 1024 * 1024
/** Linux writes dirty pages after 30 s (vm.dirty_expire_centisecs); twice that is on the safe side. */
const KEEP_DRAINED_MS = 60_000

export interface JournalOptions {
  store: RowSink
  /**
   * What an acknowledged record survives. All three survive `kill -9`: what was written belongs to the kernel.
   *
   * 'always' (default): a power cut takes nothing that was acknowledged as synced, and of what was acknowledged as written
   * what came during the last two syncs; each begins as soon as the last one ended, for all records that were written before.
   * 'interval': it takes at most the last second and the sync. 'never': what the kernel had not written, some 30 s.
   */
  fsync?: FsyncPolicy
  /** A segment that has grown this far is followed by a new one. */
  segmentBytes?: number
  /** How long a drained segment is kept, in milliseconds; see JournalDrainer. */
  keepDrainedMs?: number
  /** Told of refused rows, damaged segments and failed attempts to drain; nothing of that is lost. */
  onProblem?: (message: string, cause?: unknown) => void
}

export interface JournalStatus extends DrainFigures {
  fsync: FsyncPolicy
  acknowledged: number
  undrainedBytes: number
  segments: number
}

export interface Journal {
  /** Resolves once the record is acknowledged, by default when it is synced; rejects with 'unavailable' when it is not. */
  append(record: JournalRecord, until?: Acknowledgement): Promise<void>
  /** Resolves when everything acknowledged so far is in the store. */
  drained(): Promise<void>
  status(): JournalStatus
  /** See `JournalDrainer.dropDrained` and `removeRejected`. */
  dropDrained(): Promise<number>
  removeRejected(isErased: (line: string) => boolean): Promise<number>
  /** Writes what is waiting and stops; what is not drained is drained at the next start. */
  close(): Promise<void>
}

/**
 * Opens the journal of one project and begins to drain what an earlier process left.
 *
 * Only one process may have a journal open: the lock of the data directory sees to that.
 */
export async function openJournal(directory: string, options: JournalOptions): Promise<Journal> {
  const { store, fsync = 'always', segmentBytes = SEGMENT_BYTES, keepDrainedMs = KEEP_DRAINED_MS } = options
  const onProblem = options.onProblem ?? (() => {})
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { segments, nextNumber } = await findSegments(directory, onProblem)
  let acknowledged = 0
  const drainer: JournalDrainer = new JournalDrainer({
    store,
    directory,
    segments,
    keepDrainedMs,
    retire: (segment, age) => writer.retire(segment, age),
    onProblem,
  })
  const writer = new JournalWriter({
    directory,
    fsync,
    segmentBytes,
    nextNumber,
    onSegment: (segment) => drainer.add(segment),
    onCommit: () => drainer.wake(),
    onProblem,
  })
  return {
    async append(record, until = 'synced') {
      await writer.append(encodeFrame(await sealed(store, record)), until)
      acknowledged += 1
    },
    drained: () => drainer.drained(),
    dropDrained: () => drainer.dropDrained(),
    removeRejected: (isErased) => drainer.removeRejected(isErased),
    status: () => ({
      ...drainer.figures,
      fsync,
      acknowledged,
      undrainedBytes: drainer.undrainedBytes(),
      segments: drainer.segments(),
    }),
    async close() {
      await writer.close()
      await drainer.stop()
    },
  }
}

async function sealed(store: RowSink, record: JournalRecord): Promise<StoredRecord> {
  return record.kind === 'inference'
    ? { kind: 'inference', row: await store.inferences.seal(record.row) }
    : { kind: 'feedback', row: await store.feedback.seal(record.row) }
}

/** Lists what an earlier process left, oldest first; its segments are never written to again. */
async function findSegments(
  directory: string,
  onProblem: (message: string) => void,
): Promise<{ segments: Segment[]; nextNumber: number }> {
  const segments: Segment[] = []
  let nextNumber = 1
  for (const name of (await readdir(directory)).sort()) {
    const number = Number.parseInt(name, 10)
    if (Number.isNaN(number)) continue
    nextNumber = Math.max(nextNumber, number + 1)
    if (!name.endsWith(SEGMENT_SUFFIX)) continue
    const path = join(directory, name)
    const { size, mtimeMs } = await stat(path)
    if (size >= SEGMENT_MAGIC.length && !(await hasMagic(path))) {
      onProblem(`${path} is not a journal segment of this version and stays where it is`)
      continue
    }
    segments.push({ number, path, openedAt: mtimeMs, committed: size, closed: true })
  }
  return { segments, nextNumber }
}

async function hasMagic(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { buffer } = await file.read(Buffer.alloc(SEGMENT_MAGIC.length), 0, SEGMENT_MAGIC.length, 0)
    return buffer.equals(SEGMENT_MAGIC)
  } finally {
    await file.close()
  }
}
