import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import type { NewFeedback } from '../store/types.ts'
import { memoryStore } from './fixtures/memory-store.ts'
import { openJournal } from './journal.ts'
import type { FsyncPolicy } from './journal-writer.ts'
import { rowId } from './row-ids.ts'
import type { RowSink } from './row-sink.ts'

/** Of a segment's head. */
const MAGIC_BYTES = 8

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'regraft-journal-'))
  folders.push(folder)
  return folder
}

const refuse = { insert: () => Promise.reject(new Error('down')), seal: async <Row>(row: Row) => row }
const down: RowSink = { inferences: refuse, feedback: refuse }

function comment(number: number, value = `comment ${number} ✓`): { kind: 'feedback'; row: NewFeedback } {
  const occurredAt = new Date(1_740_837_906_000 + number)
  const id = rowId(occurredAt, ['comment', number])
  const payload = { type: 'comment', value, author: null } as const
  return { kind: 'feedback', row: { id, inferenceId: id, occurredAt, derivedFrom: [id], payload } }
}

const segmentsIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.endsWith('.journal'))

test('what is appended reaches the store unchanged, and drained segments are deleted', async () => {
  const folder = await newFolder()
  const { store, rows, state } = memoryStore()
  const journal = await openJournal(folder, { store, segmentBytes: 4096, keepDrainedMs: 0 })
  const records = Array.from({ length: 200 }, (_, number) => comment(number))
  await Promise.all(records.map((record) => journal.append(record)))
  await journal.drained()
  expect([...rows.values()]).toEqual(records.map(({ row }) => row))
  expect(state.inserts).toBeLessThan(20)
  await expect.poll(() => segmentsIn(folder)).toEqual([])
  await journal.append(comment(200))
  await journal.drained()
  expect(rows.size).toBe(201)
  await journal.close()
  await expect(journal.append(comment(201))).rejects.toThrow('The journal is closed.')
})

test('while the store is down appends go on, and everything is drained when it is back', async () => {
  const folder = await newFolder()
  const { store, rows, state } = memoryStore()
  state.down = true
  const problems: string[] = []
  const journal = await openJournal(folder, { store, onProblem: (message) => problems.push(message) })
  for (let number = 0; number < 50; number += 1) await journal.append(comment(number))
  await expect.poll(() => journal.status().lastError).toBe('connection refused')
  expect([journal.status().acknowledged, rows.size]).toEqual([50, 0])
  state.down = false
  await journal.drained()
  expect(rows.size).toBe(50)
  expect(problems).toEqual(['The journal cannot be drained: connection refused'])
  await expect.poll(() => journal.status().lastError).toBe(null)
  await journal.close()
})

test('a closed journal that was not drained is drained by the next one', async () => {
  const folder = await newFolder()
  const first = await openJournal(folder, { store: down })
  for (let number = 0; number < 5; number += 1) await first.append(comment(number))
  await first.close()
  const { store, rows } = memoryStore()
  const second = await openJournal(folder, { store })
  await second.append(comment(5))
  await second.drained()
  expect([...rows.values()].map(({ occurredAt }) => occurredAt.getTime() % 1000)).toEqual([0, 1, 2, 3, 4, 5])
  await second.close()
})

test('a segment that is cut anywhere gives back every record before the cut', async () => {
  const folder = await newFolder()
  const journal = await openJournal(folder, { store: down })
  const ends: number[] = []
  for (let number = 0; number < 4; number += 1) {
    await journal.append(comment(number))
    ends.push(MAGIC_BYTES + journal.status().undrainedBytes)
  }
  const [name] = await segmentsIn(folder)
  await journal.close()
  const bytes = await readFile(join(folder, name!))
  expect(bytes.length).toBe(ends.at(-1))
  for (let size = bytes.length; size >= 0; size -= 7) {
    const copy = await newFolder()
    await writeFile(join(copy, name!), bytes.subarray(0, size))
    // Blocks that the file system allotted but never wrote read as zeros.
    if (size % 2 === 0) await truncate(join(copy, name!), size + 4096)
    const { store, rows } = memoryStore()
    const reopened = await openJournal(copy, { store })
    await reopened.drained()
    const whole = ends.filter((end) => end <= size).length
    const { undrainedBytes, damaged } = reopened.status()
    const cut = size > 8 && !ends.includes(size) && size !== bytes.length
    expect([size, rows.size, undrainedBytes, damaged > 0]).toEqual([size, whole, 0, cut])
    await reopened.close()
  }
})

test('a damaged record costs only itself, and its segment is kept aside', async () => {
  const folder = await newFolder()
  const first = await openJournal(folder, { store: down })
  for (let number = 0; number < 3; number += 1) await first.append(comment(number))
  await first.close()
  const [name] = await segmentsIn(folder)
  const bytes = await readFile(join(folder, name!))
  bytes[bytes.indexOf('comment 1')] = 0x58
  await writeFile(join(folder, name!), bytes)
  const { store, rows } = memoryStore()
  const problems: string[] = []
  const second = await openJournal(folder, {
    store,
    keepDrainedMs: 0,
    onProblem: (text) => problems.push(text),
  })
  await expect.poll(() => readdir(folder)).toEqual([`${name}.damaged`])
  expect([...rows.keys()]).toEqual([comment(0).row.id, comment(2).row.id])
  expect(problems).toHaveLength(1)
  await second.close()
})

test('a row that the store refuses is kept beside the segments, the others are stored', async () => {
  const folder = await newFolder()
  const { store, rows } = memoryStore()
  const journal = await openJournal(folder, { store })
  await Promise.all([
    journal.append(comment(0)),
    journal.append(comment(1, 'a\0b')),
    journal.append(comment(2)),
  ])
  await journal.drained()
  expect(rows.size).toBe(2)
  const kept = JSON.parse(await readFile(join(folder, 'rejected.jsonl'), 'utf8'))
  expect(kept).toMatchObject({ id: comment(1).row.id, reason: 'NUL', row: { payload: { value: 'a\0b' } } })
  await journal.close()
})

test('an append that cannot be written is refused, and later ones work again', async () => {
  const folder = await newFolder()
  const { store, rows } = memoryStore()
  const journal = await openJournal(folder, { store })
  await rm(folder, { recursive: true })
  await expect(journal.append(comment(0))).rejects.toMatchObject({ code: 'unavailable' })
  await appendFile(folder, 'in the way')
  await expect(journal.append(comment(1))).rejects.toMatchObject({ code: 'unavailable' })
  await rm(folder)
  await mkdir(folder)
  await journal.append(comment(2))
  await journal.drained()
  expect([...rows.keys()]).toEqual([comment(2).row.id])
  await journal.close()
})

test.each<FsyncPolicy>(['always', 'interval', 'never'])(
  'kill -9 at random moments loses no acknowledged record (fsync: %s)',
  async (fsync) => {
    const folder = await newFolder()
    const storePath = join(await newFolder(), 'ids.txt')
    await writeFile(storePath, '')
    const acknowledged: string[] = []
    for (let round = 0; round < 4; round += 1) {
      const program = fileURLToPath(new URL('./fixtures/append-until-killed.ts', import.meta.url))
      const child = spawn(process.execPath, [program, folder, storePath, String(round), fsync], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let output = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
      await once(child.stdout, 'data')
      await sleep(randomInt(5, 150))
      child.kill('SIGKILL')
      await once(child, 'close')
      // The last line may be cut short by the kill.
      acknowledged.push(...output.split('\n').slice(0, -1))
    }
    const { store, rows } = memoryStore()
    const journal = await openJournal(folder, { store })
    await journal.drained()
    const stored = new Set([...rows.keys(), ...(await readFile(storePath, 'utf8')).split('\n')])
    expect(acknowledged.length).toBeGreaterThan(100)
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
    await journal.close()
  },
)

test('drained segments go at once when they are to, and those that are not drained stay', async () => {
  const folder = await newFolder()
  const { store, state } = memoryStore()
  const journal = await openJournal(folder, { store, segmentBytes: 1024 })
  for (let number = 0; number < 20; number++) await journal.append(comment(number))
  await journal.drained()
  expect((await segmentsIn(folder)).length).toBeGreaterThan(1)
  expect(await journal.dropDrained()).toBe(0)
  expect(await segmentsIn(folder)).toEqual([])
  await journal.append(comment(20))
  await journal.drained()
  expect(state.inserts).toBeGreaterThan(0)
  await journal.close()
})

test('lines of refused rows are removed, and refusals of the same moment are not lost', async () => {
  const folder = await newFolder()
  const { store } = memoryStore()
  const refusing: RowSink = {
    ...store,
    feedback: {
      ...store.feedback,
      insert: async (rows) => {
        return { inserted: 0, duplicates: 0, rejected: rows.map(({ id }) => ({ id, reason: 'no' })) }
      },
    },
  }
  const journal = await openJournal(folder, { store: refusing })
  await Promise.all([0, 1, 2].map((number) => journal.append(comment(number))))
  await journal.drained()
  const later = journal.append(comment(3))
  expect(await journal.removeRejected((line) => line.includes('comment 1 '))).toBe(1)
  await later
  await journal.drained()
  const lines = (await readFile(join(folder, 'rejected.jsonl'), 'utf8')).trim().split('\n')
  expect(lines.map((line) => JSON.parse(line).row.payload.value)).toEqual(
    [0, 2, 3].map((number) => `comment ${number} ✓`),
  )
  expect(await journal.removeRejected(() => false)).toBe(0)
  await journal.close()
})
