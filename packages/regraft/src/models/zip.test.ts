import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { writeZip } from './fixtures/write-zip.ts'
import { openZip } from './zip.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-zip-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

async function contentsOf(path: string): Promise<Record<string, string>> {
  const zip = await openZip(path)
  const contents: Record<string, string> = {}
  try {
    for (const entry of zip.entries) {
      const chunks: Uint8Array[] = []
      for await (const chunk of zip.read(entry)) chunks.push(chunk)
      contents[entry.name] = Buffer.concat(chunks).toString('utf8')
    }
  } finally {
    await zip.close()
  }
  return contents
}

// Both by Python 3.13's zipfile. The first holds a stored, a deflated, an empty entry and one with a ZIP64 local header
// (force_zip64=True), and a comment. The second was written with zipfile.ZIP64_LIMIT = 10 and ZIP_FILECOUNT_LIMIT = 1,
// so that its directory is ZIP64.
const PLAIN =
  'UEsDBBQAAAAAAAAAIVo8QlUPEAAAABAAAAAOAAAAcGtnL3N0b3JlZC50eHRzdG9yZWQgYXMgaXQgaXMKUEsDBBQAAAAIAAAAIVpFpYFNKgAAAOAVAAAQAAAAcGtnL2RlZmxhdGVkLnR4dO3HsQkAIBAEsFV+NUFbDyx+fnEMIV2SXqfGnpWHmJmZmZmZmZmZmdknu1BLAwQtAAAIAAAAACFa0Odvlv//////////DwAUAHBrZy/DvG1sYXV0LnR4dAEAEAASAAAAAAAAABIAAAAAAAAAemlwNjQgbG9jYWwgaGVhZGVyUEsDBBQAAAAAAAAAIVoAAAAAAAAAAAAAAAAJAAAAcGtnL2VtcHR5UEsBAhQDFAAAAAAAAAAhWjxCVQ8QAAAAEAAAAA4AAAAAAAAAAAAAAIABAAAAAHBrZy9zdG9yZWQudHh0UEsBAhQDFAAAAAgAAAAhWkWlgU0qAAAA4BUAABAAAAAAAAAAAAAAAIABPAAAAHBrZy9kZWZsYXRlZC50eHRQSwECLQMtAAAIAAAAACFa0OdvlhIAAAASAAAADwAAAAAAAAAAAAAAgAGUAAAAcGtnL8O8bWxhdXQudHh0UEsBAhQDFAAAAAAAAAAhWgAAAAAAAAAAAAAAAAkAAAAAAAAAAAAAAIAB5wAAAHBrZy9lbXB0eVBLBQYAAAAABAAEAO4AAAAOAQAACQBhIGNvbW1lbnQ='
const ZIP64 =
  'UEsDBC0AAAAAAAAAIVqe/4sh//////////8HABQAb25lLnR4dAEAEAAVAAAAAAAAABUAAAAAAAAAZWxldmVuIGJ5dGVzIGFuZCBtb3JlUEsDBBQAAAAAAAAAIVqikCiPBQAAAAUAAAAHAAAAdHdvLnR4dHNob3J0UEsBAi0DLQAAAAAAAAAhWp7/iyH//////////wcAFAAAAAAAAAAAAIABAAAAAG9uZS50eHQBABAAFQAAAAAAAAAVAAAAAAAAAFBLAQItAy0AAAAAAAAAIVqikCiPBQAAAAUAAAAHAAwAAAAAAAAAAACAAf////90d28udHh0AQAIAE4AAAAAAAAAUEsGBiwAAAAAAAAALQAtAAAAAAAAAAAAAgAAAAAAAAACAAAAAAAAAIoAAAAAAAAAeAAAAAAAAABQSwYHAAAAAAIBAAAAAAAAAQAAAFBLBQYAAAAAAgACAIoAAAB4AAAAAAA='

test('archives of Python’s zipfile are read: stored, deflated, empty, and ZIP64', async () => {
  expect(await contentsOf(file('plain.zip', Buffer.from(PLAIN, 'base64')))).toEqual({
    'pkg/stored.txt': 'stored as it is\n',
    'pkg/deflated.txt': 'over and over '.repeat(400),
    'pkg/ümlaut.txt': 'zip64 local header',
    'pkg/empty': '',
  })
  expect(await contentsOf(file('zip64.zip', Buffer.from(ZIP64, 'base64')))).toEqual({
    'one.txt': 'eleven bytes and more',
    'two.txt': 'short',
  })
})

test('no flipped byte and no cut goes unnoticed or does worse than an error that names the file', async () => {
  const path = join(folder, 'good.zip')
  writeZip(path, { 'a.txt': 'some text', 'b.txt': 'more text '.repeat(30) })
  const good = await contentsOf(path)
  const { readFileSync } = await import('node:fs')
  const bytes = readFileSync(path)
  let refused = 0
  const check = async (changed: Buffer) => {
    try {
      const contents = await contentsOf(file('bad.zip', changed))
      // Times, versions and names carry no checksum; what was packed does.
      for (const text of Object.values(contents)) expect(Object.values(good)).toContain(text)
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid-file', message: expect.stringContaining('bad.zip') })
      refused++
    }
  }
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 1 << (at % 8)
    await check(changed)
  }
  for (let length = 0; length < bytes.length; length += 7) await check(bytes.subarray(0, length))
  expect(refused).toBeGreaterThan(100)
})
