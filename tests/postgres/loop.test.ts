// The command line on Postgres: the first half of the loop, by separate processes that share one database.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import { type TestEngine, testEngines } from '../../packages/regraft/src/store/testing.ts'
import { type CliProcess, runJson, startServer } from '../cli-process.ts'

const [, postgres] = (await testEngines()) as [TestEngine, TestEngine?]
const skipped = postgres ? postgres.skipped : 'REGRAFT_TEST_POSTGRES is not set'
const folder = mkdtempSync(join(tmpdir(), 'regraft-postgres-loop-'))
let databaseUrl = ''
let server: CliProcess | undefined
const run = <T>(...args: string[]) => runJson<T>(folder, args, { DATABASE_URL: databaseUrl })

beforeAll(async () => {
  if (skipped === null) databaseUrl = (await postgres!.options()).databaseUrl!
})
afterAll(async () => {
  await server?.kill('SIGKILL')
  await postgres?.stop()
  rmSync(folder, { recursive: true, force: true })
})

test.skipIf(skipped !== null)(
  `import and build on Postgres${skipped ? ` (SKIPPED: ${skipped})` : ''}`,
  async () => {
    writeFileSync(join(folder, 'regraft.yaml'), 'project: default\n')
    const lines = Array.from({ length: 40 }, (_, row) => `ticket ${row} about a parcel,queue ${row % 3}\n`)
    writeFileSync(join(folder, 'rows.csv'), `text,label\n${lines.join('')}`)
    const command = ['import', 'rows.csv', '--text', 'text', '--label', 'label']
    expect(await run('import', ...command.slice(1))).toMatchObject({ inferences: 40, feedback: 40 })
    expect(await run('import', ...command.slice(1))).toMatchObject({ inferences: 0, duplicates: 40 })
    const built = await run<{ snapshot: string; train: number; validation: number }>('datasets', 'build')
    expect(built.train + built.validation).toBe(32)
    // With a server on the same database a command's job is run by one of them, and the result is the same.
    server = await startServer(folder, { DATABASE_URL: databaseUrl })
    expect((await run<{ snapshot: string }>('datasets', 'build')).snapshot).toBe(built.snapshot)

    const store = await openStore({ dataDirectory: join(folder, '.regraft'), databaseUrl })
    expect(await store.project('default').inferences.count()).toBe(40)
    expect(await store.project('default').examples.count()).toBe(32)
    await store.close()
  },
)
