import { createReadStream } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { ServerFile, StoredText, TraceTable } from '../../store/types.ts'
import type { Pieces } from './pieces.ts'

/** A file in which a piece was found: the first place, and how it is written there. */
export interface Find {
  /** Path below the folder that was searched, with slashes. */
  file: string
  /** Of the bytes as they are unpacked, where `packed` is set. */
  offset: number
  encoding: string
  packed?: 'gzip' | 'zstd'
}

export interface Searched {
  finds: Find[]
  files: number
  bytes: number
  /** What could not be read, and why. */
  unread: { file: string; reason: string }[]
}

const MAGIC: Record<'gzip' | 'zstd', string> = { gzip: '1f8b', zstd: '28b52ffd' }
/** Parquet packs its columns in a way of its own. */
const PARQUET = Buffer.from('PAR1').toString('hex')
const READ_BYTES = 256 * 1024

/** Looks for the pieces in every file below a folder, also inside gzip and zstd. Links are not followed. */
export async function searchFolder(
  root: string,
  pieces: Pieces,
  options: { signal: AbortSignal; onProgress?: (files: number, bytes: number) => void },
): Promise<Searched> {
  const result: Searched = { finds: [], files: 0, bytes: 0, unread: [] }
  if (pieces.count === 0) return result
  const visit = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') result.unread.push({ file: nameOf(root, folder), reason: error.message })
      return []
    })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      options.signal.throwIfAborted()
      const path = join(folder, entry.name)
      if (entry.isDirectory()) await visit(path)
      else if (entry.isFile()) {
        await searchFile(path, nameOf(root, path), pieces, result)
        options.onProgress?.(result.files, result.bytes)
      } else if (entry.isSymbolicLink()) {
        result.unread.push({ file: nameOf(root, path), reason: 'a link, which is not followed' })
      }
    }
  }
  await visit(root)
  return result
}

async function searchFile(path: string, file: string, pieces: Pieces, result: Searched): Promise<void> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    // Files of a database and of a journal come and go.
    if (error.code !== 'ENOENT') result.unread.push({ file, reason: error.message })
    return null
  })
  if (handle === null) return
  try {
    const first = Buffer.alloc(READ_BYTES)
    const { bytesRead } = await handle.read(first, 0, READ_BYTES, 0)
    const head = first.subarray(0, bytesRead)
    const rest = async function* () {
      yield head
      if (bytesRead < READ_BYTES) return
      yield* handle.createReadStream({ start: bytesRead, highWaterMark: READ_BYTES, autoClose: false })
    }
    const magic = head.subarray(0, 4).toString('hex')
    const packed = (['gzip', 'zstd'] as const).find((kind) => magic.startsWith(MAGIC[kind]))
    const found = await firstFind(rest(), pieces)
    if (found) result.finds.push({ file, ...found })
    else if (packed) {
      const unpacked = await firstFind(unpack(path, packed), pieces)
      if (unpacked) result.finds.push({ file, packed, ...unpacked })
    } else if (magic.startsWith(PARQUET)) {
      result.unread.push({ file, reason: 'Parquet, whose columns are packed' })
    }
    result.files++
    result.bytes += (await handle.stat()).size
  } catch (error) {
    result.unread.push({ file, reason: (error as Error).message })
  } finally {
    await handle.close()
  }
}

function unpack(path: string, packed: 'gzip' | 'zstd'): Readable {
  const source = createReadStream(path, { highWaterMark: READ_BYTES })
  const unpacker = packed === 'gzip' ? createGunzip() : createZstdDecompress()
  // What goes wrong in one ends the other, and whoever reads hears of it.
  return pipeline(source, unpacker, () => {})
}

async function firstFind(
  chunks: AsyncIterable<Uint8Array>,
  pieces: Pieces,
): Promise<Pick<Find, 'offset' | 'encoding'> | null> {
  const push = pieces.matcher.stream()
  for await (const chunk of chunks) {
    const [match] = push(chunk)
    if (match) return { offset: match.offset, encoding: pieces.forms[match.pattern]!.encoding }
  }
  return null
}

/** Looks for the pieces in the files of a database server, as its connection reads them. */
export async function searchServer(files: readonly ServerFile[], pieces: Pieces): Promise<Searched> {
  const result: Searched = { finds: [], files: 0, bytes: 0, unread: [] }
  for (const { path, chunks } of files) {
    const counted = async function* () {
      for await (const chunk of chunks()) {
        result.bytes += chunk.byteLength
        yield chunk
      }
    }
    try {
      const found = await firstFind(counted(), pieces)
      if (found) result.finds.push({ file: `database server: ${path}`, ...found })
      result.files++
    } catch (error) {
      result.unread.push({ file: `database server: ${path}`, reason: (error as Error).message })
    }
  }
  return result
}

/** Texts of the database beside rows that hold a piece. They are read by SQL: also those that it stores compressed. */
export async function searchTexts(
  traces: TraceTable,
  pieces: Pieces,
): Promise<(Pick<StoredText, 'table' | 'key'> & { encoding: string })[]> {
  const found: (Pick<StoredText, 'table' | 'key'> & { encoding: string })[] = []
  if (pieces.count === 0) return found
  for await (const { table, key, bytes } of traces.texts()) {
    const [match] = pieces.matcher.find(bytes)
    if (match) found.push({ table, key, encoding: pieces.forms[match.pattern]!.encoding })
  }
  return found
}

function nameOf(root: string, path: string): string {
  return relative(root, path).split(sep).join('/')
}
