import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { BlobFolder, sweepIncoming } from './blobs.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-blobs-'))
const root = join(folder, 'blobs')
const blobs = new BlobFolder(root)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function pathOf(digest: string): string {
  return join(root, digest.slice(7, 9), digest.slice(9))
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

test('bytes, a stream and a file of the same content are one blob under its sha256', async () => {
  const content = randomBytes(200_003)
  const expected = { digest: `sha256:${createHash('sha256').update(content).digest('hex')}`, size: 200_003 }
  const path = join(folder, 'adapter.safetensors')
  writeFileSync(path, content)
  expect(await blobs.put(content)).toEqual(expected)
  expect(await blobs.put(inPieces(content, 4096))).toEqual(expected)
  expect(await blobs.putFile(path)).toEqual(expected)
  expect(Buffer.from(await blobs.read(expected.digest)).equals(content)).toBe(true)
  expect(readFileSync(pathOf(expected.digest)).equals(content)).toBe(true)
  expect(readdirSync(join(root, 'incoming'))).toEqual([])
})

test('an opened blob is read in chunks and in slices, and a changed one is not opened', async () => {
  const content = randomBytes(2_500_000)
  const { digest } = await blobs.put(content)
  const file = await blobs.open(digest)
  const chunks: Uint8Array[] = []
  for await (const chunk of file.chunks()) chunks.push(chunk)
  expect(chunks.length).toBeGreaterThan(1)
  expect(Buffer.concat(chunks).equals(content)).toBe(true)
  expect(Buffer.from(await file.slice(100, 1_200_000)).equals(content.subarray(100, 1_200_000))).toBe(true)
  expect(await file.slice(2_499_999)).toEqual(new Uint8Array(content.subarray(2_499_999)))
  writeFileSync(pathOf(digest), 'other')
  await expect(blobs.open(digest)).rejects.toMatchObject({ code: 'digest-mismatch' })
  await expect(blobs.open(`sha256:${'1'.repeat(64)}`)).rejects.toMatchObject({ code: 'not-found' })
})

test('an empty blob is a blob', async () => {
  const { digest, size } = await blobs.put(new Uint8Array(0))
  expect(size).toBe(0)
  expect(await blobs.read(digest)).toHaveLength(0)
})

test('a changed file is not read and not copied', async () => {
  const { digest } = await blobs.put(Buffer.from('weights'))
  writeFileSync(pathOf(digest), 'weighty')
  await expect(blobs.read(digest)).rejects.toMatchObject({ code: 'digest-mismatch' })
  const copy = join(folder, 'out', 'copy.bin')
  await expect(blobs.copyTo(digest, copy)).rejects.toMatchObject({ code: 'digest-mismatch' })
  expect(readdirSync(join(folder, 'out'))).toEqual([])
  await blobs.put(Buffer.from('weights'))
  await blobs.copyTo(digest, copy)
  expect(readFileSync(copy, 'utf8')).toBe('weights')
})

test('a stream that fails leaves nothing behind', async () => {
  const failing = (async function* () {
    yield Buffer.from('half')
    throw new Error('connection lost')
  })()
  await expect(blobs.put(failing)).rejects.toThrow('connection lost')
  expect(readdirSync(join(root, 'incoming'))).toEqual([])
})

test('what was left half-written for over a day is swept, a younger upload and the blobs are not', async () => {
  const projects = join(folder, 'projects')
  await sweepIncoming(projects)
  const desk = new BlobFolder(join(projects, 'desk'))
  const { digest } = await desk.put(Buffer.from('whole'))
  const incoming = join(projects, 'desk', 'incoming')
  for (const [name, hours] of [
    ['old', 25],
    ['young', 23],
  ] as const) {
    writeFileSync(join(incoming, name), 'half')
    const at = Date.now() / 1000 - hours * 3600
    utimesSync(join(incoming, name), at, at)
  }
  await sweepIncoming(projects)
  expect(readdirSync(incoming)).toEqual(['young'])
  expect(await desk.has(digest)).toBe(true)
})

test('a missing blob, a missing file and a path for a digest are refused', async () => {
  const absent = `sha256:${'0'.repeat(64)}`
  expect(await blobs.has(absent)).toBe(false)
  expect(await blobs.has('../../etc/passwd')).toBe(false)
  await expect(blobs.read(absent)).rejects.toMatchObject({ code: 'not-found' })
  await expect(blobs.copyTo(absent, join(folder, 'x'))).rejects.toMatchObject({ code: 'not-found' })
  await expect(blobs.putFile(join(folder, 'absent'))).rejects.toMatchObject({ code: 'not-found' })
  await expect(blobs.putFile(folder)).rejects.toMatchObject({ code: 'not-found' })
  await expect(blobs.read('../../etc/passwd')).rejects.toMatchObject({ code: 'invalid-input' })
  const { digest } = await blobs.put(Buffer.from('short-lived'))
  await blobs.remove(digest)
  expect(await blobs.has(digest)).toBe(false)
})
