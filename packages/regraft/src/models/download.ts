import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { RegraftError } from '../errors/index.ts'
import { type RequestOptions, Retries, reasonOf, requestOnce } from './http-retries.ts'
import type { RemoteFile } from './hub.ts'

/** A connection that gives no byte for so long is given up, in milliseconds. */
const STALL = 60_000

export interface Download {
  url: string
  headers: Record<string, string>
  file: RemoteFile
  /** Where the whole file shall lie; until then it grows in `<target>.part`. */
  target: string
  /** Bytes that are there, as they come. */
  onBytes?: (bytes: number) => void
  /** The error that an answer other than the bytes stands for. */
  explain(response: Response): Promise<RegraftError>
}

/** Size in bytes, and hashes in hexadecimal. */
interface Hashed {
  size: number
  sha256: string
  gitBlob: string
}

/**
 * Fetches a file, going on where an earlier attempt was cut off, and renames it once its checksum is right.
 *
 * What is missing is asked for by Range, with If-Range where the server gave a strong ETag (RFC 9110, 13.1.5), so that
 * a file that changed starts anew. Throws 'digest-mismatch' (the bytes are removed), 'disk-full', 'unavailable', or
 * what `explain` makes of a refusal.
 */
export async function downloadFile(download: Download, options: RequestOptions): Promise<Hashed> {
  const { target, file, onBytes } = download
  await mkdir(dirname(target), { recursive: true })
  const there = await stat(target).catch(() => null)
  if (there) {
    const stored = await hashFile(target)
    if (matches(file, stored)) return stored
    await rm(target)
  }
  const part = `${target}.part`
  const retries = new Retries(options)
  let expected = file
  for (;;) {
    const before = await sizeOf(part)
    onBytes?.(before)
    if (before > 0 && before === expected.size) break
    const headers = { ...download.headers, ...(await rangeHeaders(part, before)) }
    const answered = await requestOnce(download.url, headers, options.signal, retries)
    if (!answered) continue
    const { response } = answered
    if (response.status === 416) {
      await startAnew(part)
      if (before === 0) throw await download.explain(response)
      continue
    }
    if (response.status !== 200 && response.status !== 206) throw await download.explain(response)
    expected = withLinkedTag(expected, answered.header('x-linked-etag'), answered.header('x-linked-size'))
    const goesOn = response.status === 206 && rangeStart(response) === before
    if (response.status === 206 && !goesOn) {
      await response.body?.cancel().catch(() => {})
      await startAnew(part)
      continue
    }
    try {
      await keepTag(part, response.headers.get('etag'))
      await receive(response, part, goesOn ? before : 0, options.signal, (bytes) => {
        retries.reset()
        onBytes?.(bytes)
      })
      const after = await sizeOf(part)
      if (expected.size === null || after >= expected.size) break
      await retries.wait(file.path, 'the connection ended early', null)
    } catch (error) {
      options.signal.throwIfAborted()
      if (error instanceof RegraftError) throw error
      throwIfDiskFull(error, part)
      await retries.wait(file.path, reasonOf(error), null, error)
    }
  }
  const stored = await hashFile(part)
  if (!matches(expected, stored)) {
    await startAnew(part)
    const [wanted, found] = mismatch(expected, stored)
    throw new RegraftError(
      'digest-mismatch',
      `${file.path} came with ${found}, not ${wanted}; it was removed`,
      {
        hint: 'run the command again; if it happens again, something between here and the hub changes the bytes',
      },
    )
  }
  await rename(part, target)
  await rm(tagFile(part), { force: true })
  return stored
}

/** Writes an answer's body to the file, after its first `offset` bytes. */
async function receive(
  response: Response,
  part: string,
  offset: number,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const handle = await open(part, offset > 0 ? 'r+' : 'w')
  const reader = response.body?.getReader()
  let position = offset
  try {
    while (reader) {
      const { done, value } = await orStalled(reader.read(), signal)
      if (done) break
      await writeAll(handle, value, position)
      position += value.length
      onBytes(position)
    }
    await handle.sync()
  } finally {
    await reader?.cancel().catch(() => {})
    await handle.close()
  }
}

/** `write` may take less than it was given, and the rest then fails with the reason. */
async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

async function orStalled<T>(read: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const stalled = Promise.withResolvers<never>()
  const timer = setTimeout(() => stalled.reject(new Error(`no byte for ${STALL / 1_000} s`)), STALL)
  const onAbort = () => stalled.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([read, stalled.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

async function rangeHeaders(part: string, size: number): Promise<Record<string, string>> {
  // Compressed on the way, positions would mean something else.
  const plain = { 'accept-encoding': 'identity' }
  if (size === 0) return plain
  const tag = await readFile(tagFile(part), 'utf8').catch(() => null)
  return { ...plain, range: `bytes=${size}-`, ...(tag ? { 'if-range': tag } : {}) }
}

/** Keeps a strong ETag beside the half file; a weak one proves nothing about bytes. */
async function keepTag(part: string, tag: string | null): Promise<void> {
  if (tag?.startsWith('"')) await writeFile(tagFile(part), tag)
  else await rm(tagFile(part), { force: true })
}

function tagFile(part: string): string {
  return `${part}.etag`
}

async function startAnew(part: string): Promise<void> {
  await rm(part, { force: true })
  await rm(tagFile(part), { force: true })
}

/** The first byte's position of a 206; null when the server does not say. */
function rangeStart(response: Response): number | null {
  const match = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')
  return match ? Number(match[1]) : null
}

/** What the redirect of a large file says about it, where the listing said nothing. */
function withLinkedTag(file: RemoteFile, tag: string | null, size: string | null): RemoteFile {
  const sha256 = /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(tag ?? '')?.[1] ?? null
  return {
    ...file,
    sha256: file.sha256 ?? sha256,
    size: file.size ?? (size !== null && /^\d+$/.test(size) ? Number(size) : null),
  }
}

/** sha256, size and git blob id of a file. */
export async function hashFile(path: string): Promise<Hashed> {
  const { size } = await stat(path)
  const sha256 = createHash('sha256')
  const git = createHash('sha1').update(`blob ${size}\0`)
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) {
    sha256.update(bytes as Buffer)
    git.update(bytes as Buffer)
  }
  return { size, sha256: sha256.digest('hex'), gitBlob: git.digest('hex') }
}

function matches(file: RemoteFile, { size, sha256, gitBlob }: Hashed): boolean {
  if (file.size !== null && file.size !== size) return false
  if (file.sha256 !== null) return file.sha256 === sha256
  return file.gitBlob === null || file.gitBlob === gitBlob
}

function mismatch(file: RemoteFile, { size, sha256, gitBlob }: Hashed): [wanted: string, found: string] {
  if (file.size !== null && file.size !== size) return [`${file.size}`, `${size} bytes`]
  if (file.sha256 !== null) return [`${file.sha256.slice(0, 12)}…`, `sha256 ${sha256.slice(0, 12)}…`]
  return [`${file.gitBlob?.slice(0, 12)}…`, `git blob id ${gitBlob.slice(0, 12)}…`]
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0
}

/** Says what to do when the disk is full, whoever met it. */
export function throwIfDiskFull(error: unknown, path: string): void {
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return
  throw new RegraftError('disk-full', `the disk is full: ${path} could not be written to its end`, {
    hint: 'make room, then run the command again: what has been fetched is kept',
    cause: error,
  })
}
