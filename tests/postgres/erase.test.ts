// Erasing a person whose rows are on Postgres: what was sealed is nowhere, and what an agent wrote in the clear is found in the
// server's log.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import { type TestEngine, testEngines } from '../../packages/regraft/src/store/testing.ts'
import { type CliProcess, runJson, startServer } from '../cli-process.ts'

interface Erased {
  certificate: string
  own: Record<string, number>
  derived: Record<string, number>
  verdict: { outcome: string; reason: string }
  notCovered: string[]
}

const [, postgres] = (await testEngines()) as [TestEngine, TestEngine?]
const skipped = postgres ? postgres.skipped : 'REGRAFT_TEST_POSTGRES is not set'
const folder = mkdtempSync(join(tmpdir(), 'regraft-postgres-erase-'))
let databaseUrl = ''
let server: CliProcess | undefined
const run = <T>(...args: string[]) => runJson<T>(folder, args, { DATABASE_URL: databaseUrl })

beforeAll(async () => {
  if (skipped !== null) return
  databaseUrl = (await postgres!.options()).databaseUrl!
  writeFileSync(join(folder, 'regraft.yaml'), 'project: default\n')
  const lines = Array.from(
    { length: 20 },
    (_, row) => `ticket ${row} about a parcel,queue ${row % 3},user ${row}\n`,
  )
  const people =
    'the hedge of allotment 4471 burns,fire,ada\nthe gate of allotment 99 stands open,gate,grace\n'
  writeFileSync(join(folder, 'rows.csv'), `text,label,user\n${lines.join('')}${people}`)
  server = await startServer(folder, { DATABASE_URL: databaseUrl })
  await run('import', 'rows.csv', '--text', 'text', '--label', 'label', '--subject', 'user')
  await run('datasets', 'build', '--validation', '0')
})
afterAll(async () => {
  await server?.kill('SIGKILL')
  await postgres?.stop()
  rmSync(folder, { recursive: true, force: true })
})

test.skipIf(skipped !== null)(
  `what was only ever sealed is in no file of the server${skipped ? ` (SKIPPED: ${skipped})` : ''}`,
  async () => {
    const erased = await run<Erased>('datasets', 'erase', '--subject', 'ada', '--yes')
    expect(erased.verdict.reason).toContain('distinctive pieces')
    expect(erased.verdict.outcome).toBe('pass')
    expect(erased.own).toMatchObject({ inferences: 1, feedback: 1 })
    const { certificate } = await run<{ certificate: { drill: { files: number; finds: unknown[] } } }>(
      ...['datasets', 'certificate', erased.certificate],
    )
    // Its own connection has read the server's tables and log.
    expect(certificate.drill.files).toBeGreaterThan(300)
    expect(certificate.drill.finds).toEqual([])
  },
)

test.skipIf(skipped !== null)(
  `what was written in the clear is found in the server's log${skipped ? ` (SKIPPED: ${skipped})` : ''}`,
  async () => {
    const store = await openStore({ dataDirectory: join(folder, '.regraft'), databaseUrl })
    const project = store.project('default')
    const subject = await project.keys.subjectOf('grace')
    for await (const { id } of project.inferences.links({ subject })) {
      const payload = {
        type: 'comment',
        value: 'he told us that lot 99 has no gate at all',
        author: null,
      } as const
      await project.feedback.insert([
        { id: randomUUID(), inferenceId: id, derivedFrom: [id], occurredAt: new Date(), payload },
      ])
    }
    await store.close()
    const erased = await run<Erased>('datasets', 'erase', '--subject', 'grace', '--yes')
    expect(erased.derived.feedback).toBe(1)
    expect(erased.verdict.outcome).toBe('fail')
    const { certificate } = await run<{ certificate: { drill: { finds: { file: string }[] } } }>(
      ...['datasets', 'certificate', erased.certificate],
    )
    const files = certificate.drill.finds.map(({ file }) => file)
    expect(files.length).toBeGreaterThan(0)
    expect(files.filter((file) => !file.startsWith('database server: pg_wal/'))).toEqual([])
  },
)
