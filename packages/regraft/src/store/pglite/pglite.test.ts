import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, test } from 'vitest'
import { openPglite } from '../database.ts'
import { MIGRATIONS } from '../migrations/index.ts'
import { openStore } from '../open.ts'
import { ensurePgliteDirectory } from './template.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-pglite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the first database makes the template, the next ones copy it, and stale templates go', async () => {
  const cache = join(folder, 'cache')
  const stale = join(cache, 'pglite-0.0.1-old')
  mkdirSync(stale, { recursive: true })
  utimesSync(stale, 0, 0)
  await ensurePgliteDirectory(join(folder, 'one', 'database'), cache)
  const [template, ...others] = readdirSync(cache)
  expect(others).toEqual([])
  expect(template).toMatch(/^pglite-\d+\.\d+\.\d+-[0-9a-f]{16}$/)
  const { mtimeMs } = statSync(join(cache, template!))
  await ensurePgliteDirectory(join(folder, 'two', 'database'), cache)
  expect(statSync(join(cache, template!)).mtimeMs).toBe(mtimeMs)
  expect(readdirSync(join(folder, 'two'))).toEqual(['database'])
  const database = await openPglite(join(folder, 'two', 'database'))
  const { rows } = await database.pool.query('select name from regraft_migrations')
  expect(rows).toEqual(MIGRATIONS.map(({ name }) => ({ name })))
  await database.close()
})

test('files that are no database are refused in words', async () => {
  const broken = join(folder, 'broken')
  mkdirSync(join(broken, 'database'), { recursive: true })
  writeFileSync(join(broken, 'database', 'PG_VERSION'), '9\n')
  await expect(openStore({ dataDirectory: broken })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining(join(broken, 'database')),
  })
  rmSync(join(broken, 'database', 'PG_VERSION'))
  writeFileSync(join(broken, 'database', 'notes.txt'), 'not Postgres')
  await expect(openStore({ dataDirectory: broken })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('holds files, but no database'),
  })
  expect(readdirSync(broken)).toEqual(['database'])
})

test.runIf(process.platform === 'linux')('the thread of a database gives way to the others', async () => {
  const yielding = () =>
    readdirSync('/proc/self/task').filter((thread) => getPriority(Number(thread)) === getPriority() + 10)
  const before = yielding().length
  const store = await openStore({ dataDirectory: join(folder, 'nice') })
  expect(yielding()).toHaveLength(before + 1)
  await store.close()
  expect(yielding()).toHaveLength(before)
})

test('what was acknowledged before a kill -9 is there when the directory is opened again', async () => {
  const dataDirectory = join(folder, 'killed')
  const script = `
    import { openStore } from ${JSON.stringify(new URL('../open.ts', import.meta.url).href)}
    const { jobs } = (await openStore({ dataDirectory: process.argv[1] })).project('default')
    for (;;) console.log((await jobs.create({ operation: 'x', input: 'y'.repeat(2000), principal: 'p' })).id)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dataDirectory])
  const acknowledged: string[] = []
  for await (const id of createInterface(child.stdout)) {
    if (acknowledged.push(id) === 150) child.kill('SIGKILL')
  }
  await once(child, 'exit').catch(() => {})
  const store = await openStore({ dataDirectory })
  const stored = new Set((await store.project('default').jobs.list({ limit: 100_000 })).map(({ id }) => id))
  await store.close()
  expect(acknowledged.length).toBeGreaterThanOrEqual(150)
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
})
