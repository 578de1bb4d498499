import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RegraftError } from '../errors/index.ts'
import { digestOfBytes, isDigest } from './digest.ts'
import type { BlobStore, StoredFile } from './types.ts'

/** Where a blob is written until its digest is known. */
const INCOMING = 'incoming'
const READ_BYTES = 1024 * 1024
/** No upload pauses that long between two writes. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000

/** Blobs in a folder, `<root>/ab/cdef…` by the hex digits of their digest. */
export class BlobFolder implements BlobStore {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  async put(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<{ digest: string; size: number }> {
    const incoming = join(this.#root, INCOMING, randomUUID())
    return await this.#write(incoming, bytes instanceof Uint8Array ? [bytes] : bytes, (digest) => {
      return this.#path(digest)
    })
  }

  async putFile(path: string): Promise<{ digest: string; size: number }> {
    return await this.put(await openForReading(path))
  }

  async has(digest: string): Promise<boolean> {
    if (!isDigest(digest)) return false
    return await access(this.#path(digest)).then(
      () => true,
      () => false,
    )
  }

  async read(digest: string): Promise<Uint8Array> {
    let bytes: Buffer
    try {
      bytes = await readFile(this.#path(digest))
    } catch (error) {
      throw isMissing(error) ? missing(digest) : error
    }
    const actual = digestOfBytes(bytes)
    if (actual !== digest) throw mismatch(digest, actual)
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  async open(digest: string): Promise<StoredFile> {
    const path = this.#path(digest)
    const found = await stat(path).catch(() => null)
    if (!found) throw missing(digest)
    const chunks = () => createReadStream(path, { highWaterMark: READ_BYTES })
    const hash = createHash('sha256')
    for await (const chunk of chunks()) hash.update(chunk)
    const actual = `sha256:${hash.digest('hex')}`
    if (actual !== digest) throw mismatch(digest, actual)
    return {
      size: found.size,
      chunks,
      slice: (start, end = found.size) => readSlice(path, start, Math.min(end, found.size)),
    }
  }

  async copyTo(digest: string, path: string): Promise<void> {
    const source = this.#path(digest)
    if (!(await this.has(digest))) throw missing(digest)
    await this.#write(`${path}.${randomUUID()}.part`, createReadStream(source), (actual) => {
      if (actual !== digest) throw mismatch(digest, actual)
      return path
    })
  }

  async remove(digest: string): Promise<void> {
    await rm(this.#path(digest), { force: true })
  }

  /** Writes and flushes a temporary file, then renames it: a reader sees the whole file or none, after a crash too. */
  async #write(
    temporary: string,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    destination: (digest: string) => string,
  ): Promise<{ digest: string; size: number }> {
    await mkdir(dirname(temporary), { recursive: true })
    const hash = createHash('sha256')
    let size = 0
    try {
      const file = await open(temporary, 'wx')
      try {
        for await (const chunk of chunks) {
          hash.update(chunk)
          size += chunk.byteLength
          await file.writeFile(chunk)
        }
        await file.sync()
      } finally {
        await file.close()
      }
      const digest = `sha256:${hash.digest('hex')}`
      const path = destination(digest)
      await mkdir(dirname(path), { recursive: true })
      await rename(temporary, path)
      await syncDirectory(dirname(path))
      return { digest, size }
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }

  #path(digest: string): string {
    if (!isDigest(digest)) {
      throw new RegraftError('invalid-input', `'${digest}' is not a digest (sha256: and 64 hex digits)`)
    }
    const hex = digest.slice('sha256:'.length)
    return join(this.#root, hex.slice(0, 2), hex.slice(2))
  }
}

/** Deletes what killed processes left half-written: `root` holds the blob folder of each project. */
export async function sweepIncoming(root: string): Promise<void> {
  for (const project of await entriesOf(root)) {
    const incoming = join(root, project, INCOMING)
    for (const name of await entriesOf(incoming)) {
      const path = join(incoming, name)
      // What is gone by now has become a blob.
      const written = await stat(path).catch(() => null)
      if (written && Date.now() - written.mtimeMs > ABANDONED_AFTER_MS) await rm(path, { force: true })
    }
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function readSlice(path: string, start: number, end: number): Promise<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const bytes = new Uint8Array(Math.max(0, end - start))
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  } finally {
    await file.close()
  }
}

async function openForReading(path: string): Promise<AsyncIterable<Uint8Array>> {
  const found = await stat(path).catch(() => null)
  if (!found?.isFile()) throw new RegraftError('not-found', `There is no file ${path}`)
  return createReadStream(path)
}

/** A rename is durable once its folder is; Windows cannot open folders and does not need it. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function missing(digest: string): RegraftError {
  return new RegraftError('not-found', `There is no file ${digest}`, { details: { digest } })
}

function mismatch(digest: string, actual: string): RegraftError {
  return new RegraftError('digest-mismatch', `The stored file ${digest} has changed: it is ${actual} now`, {
    hint: 'Restore it from a backup, or store the original again.',
    details: { expected: digest, actual },
  })
}
