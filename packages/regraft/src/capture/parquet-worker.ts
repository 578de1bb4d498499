import { isUtf8 } from 'node:buffer'
import { parentPort, workerData } from 'node:worker_threads'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  type ParquetParsers,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet'
import { RegraftError } from '../errors/index.ts'
import type { FileRecord } from './json-records.ts'
import type { ParquetAnswer, ParquetMessage, ParquetTask } from './parquet-messages.ts'

/** Records that are sent at once. */
const BATCH = 500
/** What a page may grow to: a file that claims more is refused before memory is given out. */
const MAX_PAGE_BYTES = 1024 * 1024 * 1024
const BAD_UTF8 = Symbol('bytes that are not UTF-8')

const bounded = (outputLength: number) => ({ maxOutputLength: Math.min(outputLength, MAX_PAGE_BYTES) || 1 })

/** Snappy and uncompressed pages are read by hyparquet itself. */
const COMPRESSORS: Compressors = {
  ZSTD: (input, length) => zstdDecompressSync(input, bounded(length)),
  GZIP: (input, length) => gunzipSync(input, bounded(length)),
  BROTLI: (input, length) => brotliDecompressSync(input, bounded(length)),
}

/** A text with bytes that are not UTF-8 rejects its row: hyparquet would put U+FFFD for them. */
const PARSERS: Partial<ParquetParsers> = {
  stringFromBytes: (bytes: Uint8Array | undefined) =>
    bytes && (isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : BAD_UTF8),
  jsonFromBytes: (bytes: Uint8Array | undefined) => {
    if (!bytes) return bytes
    return isUtf8(bytes) ? JSON.parse(Buffer.from(bytes).toString('utf8')) : BAD_UTF8
  },
}

const { size, task } = workerData as ParquetTask
const port = parentPort!
const waiting: { slices: Map<number, (bytes: Uint8Array) => void>; more: (() => void) | null } = {
  slices: new Map(),
  more: null,
}
let asked = 0

port.on('message', (answer: ParquetAnswer) => {
  if ('more' in answer) waiting.more?.()
  else waiting.slices.get(answer.id)?.(answer.bytes)
})

const send = (message: ParquetMessage) => port.postMessage(message)

const file: AsyncBuffer = {
  byteLength: size,
  slice: async (start, end = size) => {
    if (!(start >= 0 && end >= start && end <= size)) throw new Error('a page lies outside of the file')
    const id = asked++
    const bytes = await new Promise<Uint8Array>((resolve) => {
      waiting.slices.set(id, resolve)
      send({ ask: { id, start, end } })
    })
    waiting.slices.delete(id)
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  },
}

async function sendRecords(metadata: FileMetaData): Promise<void> {
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const options = { file, metadata, rowStart, rowEnd, geoparquet: false }
    const rows = await parquetReadObjects({ ...options, compressors: COMPRESSORS, parsers: PARSERS })
    for (let at = 0; at < rows.length; at += BATCH) {
      const records = rows.slice(at, at + BATCH).map((row, index) => toRecord(rowStart + at + index + 1, row))
      const more = new Promise<void>((resolve) => {
        waiting.more = resolve
      })
      send({ records })
      await more
    }
    rowStart = rowEnd
  }
}

function checkCompressions({ row_groups }: FileMetaData): void {
  for (const { columns } of row_groups) {
    for (const { meta_data } of columns) {
      const codec = meta_data?.codec
      if (codec === undefined || codec === 'UNCOMPRESSED' || codec === 'SNAPPY' || COMPRESSORS[codec])
        continue
      throw new RegraftError('invalid-file', `The file is compressed with ${codec}, which cannot be read.`, {
        hint: 'Write it again with the compression zstd, snappy or gzip.',
      })
    }
  }
}

function toRecord(number: number, row: Record<string, unknown>): FileRecord {
  const bad = { found: false }
  const value = plain(row, bad)
  return bad.found ? { number, reason: 'is not valid UTF-8' } : { number, value }
}

/** What JSON would say: no nulls in objects, no dates, no big integers. */
function plain(value: unknown, bad: { found: boolean }): unknown {
  if (value === BAD_UTF8) {
    bad.found = true
    return ''
  }
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : String(value)
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? String(value) : value.toISOString()
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array)
  if (Array.isArray(value)) return value.map((entry) => plain(entry, bad))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined)
  return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner, bad)]))
}

try {
  const metadata = await parquetMetadataAsync(file, { parsers: PARSERS, geoparquet: false })
  checkCompressions(metadata)
  if (task === 'columns') {
    send({ columns: parquetSchema(metadata).children.map(({ element }) => element.name) })
  } else await sendRecords(metadata)
  send({ done: true })
} catch (error) {
  if (error instanceof RegraftError) send({ error: { message: error.message, hint: error.hint } })
  else send({ error: { message: error instanceof Error ? error.message : String(error) } })
}
port.close()
