// Reads zip archives (PKWARE APPNOTE 6.3.10): the central directory at the end, ZIP64 records included, entries stored
// or deflated. Every length and position is checked against the file before it is used.
import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { crc32, createInflateRaw } from 'node:zlib'
import { RegraftError } from '../errors/index.ts'

export interface ZipEntry {
  name: string
  /** Bytes once unpacked. */
  size: number
  crc32: number
  method: number
  packedSize: number
  /** Position of the local header. */
  offset: number
  encrypted: boolean
}

export interface ZipFile {
  path: string
  entries: ZipEntry[]
  /** The unpacked bytes. Throws 'invalid-file' when they are not those of the directory. */
  read(entry: ZipEntry): AsyncGenerator<Uint8Array>
  close(): Promise<void>
}

const END = 0x06054b50
const END_SIZE = 22
const LOCATOR = 0x07064b50
const LOCATOR_SIZE = 20
const END_64 = 0x06064b50
const ENTRY = 0x02014b50
const ENTRY_SIZE = 46
const LOCAL = 0x04034b50
const LOCAL_SIZE = 30
const LONGEST_COMMENT = 0xffff
/** A directory larger than this is no wheel's. */
const LARGEST_DIRECTORY = 64 << 20
const [STORED, DEFLATED] = [0, 8]

/** Opens an archive and reads its directory. Throws 'invalid-file' for what is no zip archive or is damaged. */
export async function openZip(path: string): Promise<ZipFile> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    const bytes = (position: number, length: number) => readExactly(handle, path, size, position, length)
    const entries = await readDirectory(path, size, bytes)
    return { path, entries, read: (entry) => unpack(handle, path, entry, bytes), close: () => handle.close() }
  } catch (error) {
    await handle.close()
    throw error
  }
}

type ReadBytes = (position: number, length: number) => Promise<Buffer>

async function readDirectory(path: string, size: number, bytes: ReadBytes): Promise<ZipEntry[]> {
  const tailLength = Math.min(size, END_SIZE + LONGEST_COMMENT)
  const tail = await bytes(size - tailLength, tailLength)
  let end = tail.length - END_SIZE
  while (end >= 0 && tail.readUInt32LE(end) !== END) end--
  if (end < 0) throw damaged(path, 'it has no directory at its end')
  let count = tail.readUInt16LE(end + 10)
  let length = tail.readUInt32LE(end + 12)
  let start = tail.readUInt32LE(end + 16)
  const locator = end - LOCATOR_SIZE
  if (locator >= 0 && tail.readUInt32LE(locator) === LOCATOR) {
    const record = await bytes(Number(tail.readBigUInt64LE(locator + 8)), 56)
    if (record.readUInt32LE(0) !== END_64) throw damaged(path, 'its ZIP64 directory is not where it says')
    count = Number(record.readBigUInt64LE(32))
    length = Number(record.readBigUInt64LE(40))
    start = Number(record.readBigUInt64LE(48))
  }
  if (length > LARGEST_DIRECTORY) throw damaged(path, 'its directory is too large')
  const directory = await bytes(start, length)
  const entries: ZipEntry[] = []
  let position = 0
  for (let index = 0; index < count; index++) {
    if (position + ENTRY_SIZE > length || directory.readUInt32LE(position) !== ENTRY) {
      throw damaged(path, `entry ${index + 1} of its directory is cut off`)
    }
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((at) =>
      directory.readUInt16LE(position + at),
    ) as [number, number, number]
    const next = position + ENTRY_SIZE + nameLength + extraLength + commentLength
    if (next > length) throw damaged(path, `entry ${index + 1} of its directory is cut off`)
    entries.push(readEntry(directory.subarray(position, next), nameLength, extraLength))
    position = next
  }
  return entries
}

function readEntry(record: Buffer, nameLength: number, extraLength: number): ZipEntry {
  const name = record.toString('utf8', ENTRY_SIZE, ENTRY_SIZE + nameLength)
  const extra = record.subarray(ENTRY_SIZE + nameLength, ENTRY_SIZE + nameLength + extraLength)
  const sizes = {
    size: record.readUInt32LE(24),
    packedSize: record.readUInt32LE(20),
    offset: record.readUInt32LE(42),
  }
  return {
    name,
    ...withZip64(sizes, extra),
    crc32: record.readUInt32LE(16),
    method: record.readUInt16LE(10),
    encrypted: (record.readUInt16LE(8) & 1) === 1,
  }
}

/** Fields that do not fit 32 bits stand in the extra field 1, in this order. */
function withZip64<T extends { size: number; packedSize: number; offset: number }>(
  sizes: T,
  extra: Buffer,
): T {
  const fields = (['size', 'packedSize', 'offset'] as const).filter((field) => sizes[field] === 0xffffffff)
  for (let at = 0; at + 4 <= extra.length; ) {
    const [id, length] = [extra.readUInt16LE(at), extra.readUInt16LE(at + 2)]
    if (id === 1) {
      const found = { ...sizes }
      for (const [index, field] of fields.entries()) {
        const position = at + 4 + 8 * index
        if (position + 8 <= Math.min(extra.length, at + 4 + length)) {
          found[field] = Number(extra.readBigUInt64LE(position)) as T[typeof field]
        }
      }
      return found
    }
    at += 4 + length
  }
  return sizes
}

async function* unpack(
  handle: FileHandle,
  path: string,
  entry: ZipEntry,
  bytes: ReadBytes,
): AsyncGenerator<Uint8Array> {
  const { name, method, size } = entry
  if (entry.encrypted) throw damaged(path, `${name} is encrypted`)
  if (method !== STORED && method !== DEFLATED) throw damaged(path, `${name} is packed by method ${method}`)
  const local = await bytes(entry.offset, LOCAL_SIZE)
  if (local.readUInt32LE(0) !== LOCAL) throw damaged(path, `${name} is not where the directory says`)
  const start = entry.offset + LOCAL_SIZE + local.readUInt16LE(26) + local.readUInt16LE(28)
  let unpacked = 0
  let checksum = 0
  if (entry.packedSize > 0) {
    const packed = handle.createReadStream({
      start,
      end: start + entry.packedSize - 1,
      autoClose: false,
      highWaterMark: 1 << 20,
    })
    // Errors reach the loop through the last stream.
    const stream = method === STORED ? packed : pipeline(packed, createInflateRaw(), () => {})
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        unpacked += chunk.length
        if (unpacked > size) throw damaged(path, `${name} is longer than its directory says`)
        checksum = crc32(chunk, checksum)
        yield chunk
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code?.startsWith('Z_')) {
        throw damaged(path, `${name} cannot be unpacked: ${(error as Error).message}`)
      }
      throw error
    }
  }
  if (unpacked !== size || checksum !== entry.crc32) {
    throw damaged(path, `the checksum of ${name} is wrong`)
  }
}

async function readExactly(
  handle: FileHandle,
  path: string,
  size: number,
  position: number,
  length: number,
): Promise<Buffer> {
  if (!Number.isSafeInteger(position) || position < 0 || position + length > size) {
    throw damaged(path, 'it is cut off')
  }
  const bytes = Buffer.alloc(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) throw damaged(path, 'it is cut off')
    done += bytesRead
  }
  return bytes
}

function damaged(path: string, reason: string): RegraftError {
  return new RegraftError('invalid-file', `${path} is no sound zip archive: ${reason}`, {
    hint: 'fetch the file again',
  })
}
