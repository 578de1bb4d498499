// What the two acknowledgements of the journal wait for, with a disk that hangs or fails when it is to sync.
import { fdatasync, type NoParamCallback } from 'node:fs'
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import type { NewFeedback } from '../store/types.ts'
import { memoryStore } from './fixtures/memory-store.ts'
import { openJournal } from './journal.ts'
import { decodeRecord, readFrames } from './journal-frame.ts'
import type { FsyncPolicy } from './journal-writer.ts'
import { rowId } from './row-ids.ts'

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  return { ...fs, fdatasync: vi.fn(fs.fdatasync) }
})
const real = (await vi.importActual<typeof import('node:fs')>('node:fs')).fdatasync
const disk = vi.mocked(fdatasync)
afterEach(() => {
  disk.mockReset()
  disk.mockImplementation(real)
})

const MAGIC_BYTES = 8
const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'regraft-journal-sync-'))
  folders.push(folder)
  return folder
}

function comment(number: number): { kind: 'feedback'; row: NewFeedback } {
  const occurredAt = new Date(1_740_837_906_000 + number)
  const id = rowId(occurredAt, ['comment', number])
  const payload = { type: 'comment', value: `comment ${number}`, author: null } as const
  return { kind: 'feedback', row: { id, inferenceId: id, occurredAt, derivedFrom: [id], payload } }
}

const idOf = (number: number) => comment(number).row.id

/** Ids of the rows in each segment, in order. */
async function segmentsIn(folder: string): Promise<string[][]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.journal')).sort()
  return await Promise.all(
    names.map(async (name) => {
      const file = await open(join(folder, name), 'r')
      const { size } = await stat(join(folder, name))
      const { payloads } = await readFrames(file, MAGIC_BYTES, size)
      await file.close()
      return payloads.map((payload) => decodeRecord(payload)!.row.id)
    }),
  )
}

const failOnce = () =>
  disk.mockImplementationOnce((_file: number, done: NoParamCallback) =>
    queueMicrotask(() => done(new Error('EIO: i/o error, fdatasync'))),
  )

test('while a sync hangs, what is written is acknowledged and drained; what is to be synced waits for the disk', async () => {
  const held: (() => void)[] = []
  disk.mockImplementation((file: number, done: NoParamCallback) => void held.push(() => real(file, done)))
  const { store, rows } = memoryStore()
  const journal = await openJournal(await newFolder(), { store })
  for (let number = 0; number < 20; number++) await journal.append(comment(number), 'written')
  const synced = vi.fn()
  const waiting = journal.append(comment(20)).then(synced)
  await journal.drained()
  expect([rows.size, held.length, synced.mock.calls.length]).toEqual([21, 1, 0])
  // The sync that was under way began before the last record was written, and does not count for it.
  held.shift()!()
  await expect.poll(() => held.length).toBe(1)
  expect(synced).not.toHaveBeenCalled()
  held.shift()!()
  await waiting
  expect(journal.status().acknowledged).toBe(21)
  await journal.close()
})

test('after a failed sync the segment is left, and what was acknowledged as written is in the next one too', async () => {
  failOnce()
  const folder = await newFolder()
  const { store, rows } = memoryStore()
  const problems: string[] = []
  const journal = await openJournal(folder, { store, onProblem: (message) => problems.push(message) })
  await Promise.all([0, 1].map((number) => journal.append(comment(number), 'written')))
  await expect.poll(() => problems.length).toBe(1)
  expect(problems[0]).toMatch(/0000000001\.journal could not be synced$/)
  await journal.append(comment(2))
  expect(await segmentsIn(folder)).toEqual([
    [idOf(0), idOf(1)],
    [idOf(0), idOf(1), idOf(2)],
  ])
  await journal.drained()
  expect([...rows.keys()]).toEqual([idOf(0), idOf(1), idOf(2)])
  expect(journal.status()).toMatchObject({ acknowledged: 3, inserted: 3, duplicates: 2 })
  await journal.close()
})

test('a sync that fails is told to whoever waits for it', async () => {
  failOnce()
  const folder = await newFolder()
  const { store } = memoryStore()
  const journal = await openJournal(folder, { store })
  await expect(journal.append(comment(0))).rejects.toMatchObject({
    code: 'unavailable',
    message: 'The journal cannot be synced: EIO: i/o error, fdatasync',
  })
  await journal.append(comment(1))
  expect(await segmentsIn(folder)).toEqual([[idOf(0)], [idOf(1)]])
  expect(journal.status().acknowledged).toBe(1)
  await journal.close()
})

test('a disk that goes on failing is told of, with what a power cut may take, and not written to for ever', async () => {
  failOnce()
  failOnce()
  const folder = await newFolder()
  const { store, rows } = memoryStore()
  const problems: string[] = []
  const journal = await openJournal(folder, { store, onProblem: (message) => problems.push(message) })
  await journal.append(comment(0), 'written')
  await expect.poll(() => problems.length).toBe(2)
  expect(problems[1]).toMatch(
    /0000000002\.journal could not be synced; records that a power cut may take: 1$/,
  )
  await journal.drained()
  expect([...rows.keys()]).toEqual([idOf(0)])
  await journal.close()
  expect(await segmentsIn(folder)).toEqual([[idOf(0)], [idOf(0)]])
  expect(disk).toHaveBeenCalledTimes(2)
})

test('a journal that is closed while its sync fails closes what it has written again', async () => {
  const folder = await newFolder()
  const journal = await openJournal(folder, { store: memoryStore().store })
  failOnce()
  await journal.append(comment(0), 'written')
  await journal.close()
  expect(await segmentsIn(folder)).toEqual([[idOf(0)], [idOf(0)]])
  expect(disk).toHaveBeenCalledTimes(2)
})

test.each<[FsyncPolicy, number]>([
  ['interval', 1],
  ['never', 0],
])('nobody waits for the disk with %s; at its end the journal has synced %i times', async (fsync, times) => {
  const { store } = memoryStore()
  const journal = await openJournal(await newFolder(), { store, fsync })
  for (let number = 0; number < 5; number++) await journal.append(comment(number))
  expect(disk).not.toHaveBeenCalled()
  await journal.close()
  expect(disk).toHaveBeenCalledTimes(times)
})
