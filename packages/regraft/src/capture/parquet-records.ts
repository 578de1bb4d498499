import { isUtf8 } from 'node:buffer'
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
import type { StoredFile } from '../store/types.ts'
import type { FileRecord } from './json-records.ts'

const MAGIC = 'PAR1'
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

export interface ParquetTable {
  columns: string[]
  /** Rows with the row groups as units of memory. Dates become ISO 8601; nulls are left out. */
  records(): AsyncGenerator<FileRecord>
}

/** Says whether a file begins as Parquet does. */
export function isParquet(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, MAGIC.length)).toString('latin1') === MAGIC
}

/** Opens a Parquet file. Throws 'invalid-file' for a damaged one and for compressions that cannot be read (LZ4, LZO). */
export async function openParquet(file: StoredFile): Promise<ParquetTable> {
  const buffer: AsyncBuffer = {
    byteLength: file.size,
    slice: async (start, end = file.size) => {
      if (!(start >= 0 && end >= start && end <= file.size)) throw new Error('a page outside of the file')
      const bytes = await file.slice(start, end)
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
    },
  }
  const metadata = await reading(() => parquetMetadataAsync(buffer, { parsers: PARSERS, geoparquet: false }))
  const columns = await reading(() => {
    checkCompressions(metadata)
    return parquetSchema(metadata).children.map(({ element }) => element.name)
  })
  return {
    columns,
    async *records() {
      let rowStart = 0
      for (const group of metadata.row_groups) {
        const rowEnd = rowStart + Number(group.num_rows)
        const range = { file: buffer, metadata, rowStart, rowEnd }
        const rows = await reading(() =>
          parquetReadObjects({ ...range, compressors: COMPRESSORS, parsers: PARSERS, geoparquet: false }),
        )
        for (const [index, row] of rows.entries()) yield toRecord(rowStart + index + 1, row)
        rowStart = rowEnd
      }
    },
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

async function reading<Result>(read: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await read()
  } catch (cause) {
    if (cause instanceof RegraftError) throw cause
    const what = cause instanceof Error ? cause.message : String(cause)
    throw new RegraftError('invalid-file', `The Parquet file cannot be read: ${what}.`, {
      hint: 'Write the file again; `parquet-tools inspect` or pyarrow say what is wrong with it.',
      cause,
    })
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
