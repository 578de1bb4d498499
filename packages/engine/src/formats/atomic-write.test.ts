import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { writeFileAtomically } from './atomic-write.ts'

const folder = mkdtempSync(join(tmpdir(), 'atomic-'))
afterAll(() => rmSync(folder, { recursive: true }))

const path = join(folder, 'file.bin')

function* failingChunks(): Iterable<Uint8Array> {
  yield Buffer.from('new, but ')
  throw new Error('out of chunks')
}

test('replaces a file whole', () => {
  writeFileAtomically(path, [Buffer.from('old')])
  writeFileAtomically(path, [Buffer.from('ne'), Buffer.alloc(0), Buffer.from('w')])
  expect(readFileSync(path, 'utf8')).toBe('new')
})

test('a write that fails halfway leaves the old file and nothing else', () => {
  writeFileAtomically(path, [Buffer.from('old')])
  expect(() => writeFileAtomically(path, failingChunks())).toThrow('out of chunks')
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(readdirSync(folder)).toEqual(['file.bin'])
})
