// A journal segment is the magic, then frames: length (u32 LE), CRC-32 of the payload (u32 LE), payload (JSON, UTF-8).
// After kill -9 or a power cut the last group of frames may be cut short, or its blocks may be zero.
import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { NewFeedback, NewInference, SealedRow } from '../store/types.ts'

export const SEGMENT_MAGIC = Buffer.from('RGJRNL1\n', 'latin1')
const FRAME_HEADER_BYTES = 8
const READ_BYTES = 256 * 1024

/** What is handed to the journal. */
export type JournalRecord = { kind: 'inference'; row: NewInference } | { kind: 'feedback'; row: NewFeedback }

/** What its segments hold: the words of an end user only sealed. */
export type StoredRecord =
  | { kind: 'inference'; row: NewInference | SealedRow<NewInference> }
  | { kind: 'feedback'; row: NewFeedback | SealedRow<NewFeedback> }

/** Frames a record for the segment file. */
export function encodeFrame(record: StoredRecord): Buffer {
  const payload = Buffer.from(JSON.stringify(record), 'utf8')
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length)
  frame.writeUInt32LE(payload.length, 0)
  frame.writeUInt32LE(crc32(payload), 4)
  payload.copy(frame, FRAME_HEADER_BYTES)
  return frame
}

/** Reads a payload back, its time as a Date; null when it is not a record. */
export function decodeRecord(payload: Uint8Array): StoredRecord | null {
  try {
    const record: StoredRecord = JSON.parse(Buffer.from(payload).toString('utf8'))
    if (record.kind !== 'inference' && record.kind !== 'feedback') return null
    record.row.occurredAt = new Date(record.row.occurredAt)
    return record
  } catch {
    return null
  }
}

export interface FrameBatch {
  payloads: Buffer[]
  /** Where the next batch begins; the limit when nothing more can be read. */
  next: number
  /** Places that hold something else than a frame or zeros: a write that was cut short, or damage. */
  damaged: number
}

/**
 * Reads the next frames of a segment, from the boundary of a frame up to a limit.
 *
 * A frame that is cut short, or empty, ends the segment: nothing behind a write that failed was acknowledged.
 */
export async function readFrames(file: FileHandle, from: number, limit: number): Promise<FrameBatch> {
  let bytes = await readRange(file, from, Math.min(limit, from + READ_BYTES))
  const first = FRAME_HEADER_BYTES + (bytes.length < FRAME_HEADER_BYTES ? 0 : bytes.readUInt32LE(0))
  if (first > bytes.length && from + first <= limit) bytes = await readRange(file, from, from + first)
  const payloads: Buffer[] = []
  let damaged = 0
  let at = 0
  while (bytes.length - at >= FRAME_HEADER_BYTES) {
    const length = bytes.readUInt32LE(at)
    const end = at + FRAME_HEADER_BYTES + length
    if (length === 0 || end > bytes.length) break
    const payload = bytes.subarray(at + FRAME_HEADER_BYTES, end)
    if (crc32(payload) === bytes.readUInt32LE(at + 4)) payloads.push(payload)
    else damaged += 1
    at = end
  }
  if (at === 0 && bytes.some((byte) => byte !== 0)) damaged += 1
  return { payloads, next: at === 0 ? limit : from + at, damaged }
}

async function readRange(file: FileHandle, from: number, until: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(until - from)
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, from + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
