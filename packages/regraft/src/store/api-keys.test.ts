import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiKeyStore } from './api-keys.ts'
import { type Database, openPglite } from './database.ts'
import { ENGINES } from './engines.ts'
import { migrate } from './migrations/index.ts'
import { ensurePgliteDirectory } from './pglite/template.ts'
import { ProjectScope } from './scope.ts'
import { Statistics } from './statistics.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-keys-'))
let database: Database
let now = 0
const open = () => {
  const statistics = new Statistics(database.kysely)
  return new ApiKeyStore(new ProjectScope('p', database.kysely, ENGINES.pglite, statistics), () => now)
}

beforeAll(async () => {
  const directory = join(folder, 'database')
  await ensurePgliteDirectory(directory)
  database = await openPglite(directory)
  await migrate(database.kysely)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a key that was found is good for 30 s, or until it is revoked here', async () => {
  const [here, elsewhere] = [open(), open()]
  const { key, record } = await here.create('product', ['infer'])
  expect(await here.verify(key)).toEqual(record)
  await elsewhere.revoke(record.id)
  now += 29_000
  expect(await here.verify(key)).toEqual(record)
  // That one asked again, in the background.
  await expect.poll(() => here.verify(key)).toBe(null)

  const other = await here.create('other', ['infer'])
  expect(await here.verify(other.key)).toEqual(other.record)
  await here.revoke(other.record.id)
  expect(await here.verify(other.key)).toBe(null)
})

test('a database that is slow or gone holds up nobody whose key was found, for an hour', async () => {
  const keys = open()
  const { key, record } = await keys.create('product', ['infer'])
  expect(await keys.verify(key)).toEqual(record)
  now += 60_000
  let ended = false
  const slow = sql`select pg_sleep(1)`.execute(database.kysely).then(() => {
    ended = true
  })
  expect(await keys.verify(key)).toEqual(record)
  expect(ended).toBe(false)
  await slow
  await keys.verify(key)

  await database.close()
  now += 3_000_000
  expect(await keys.verify(key)).toEqual(record)
  now += 3_000_000
  await expect(keys.verify(key)).rejects.toThrow()
  await expect(keys.verify('rg_unknown')).rejects.toThrow()
})
