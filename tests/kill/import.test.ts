// An import that is killed in the middle leaves whole rows only, and run again it has each row exactly once.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { JobView } from '../../packages/regraft/src/jobs/index.ts'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import { CliProcess, runJson } from '../cli-process.ts'
import { waitForShare } from './job-progress.ts'
import { moments } from './moments.ts'

const ROWS = 20_000

const folder = mkdtempSync(join(tmpdir(), 'regraft-kill-import-'))
const file = join(folder, 'rows.csv')
const lines = Array.from(
  { length: ROWS },
  (_, row) => `ticket number ${row} about a late parcel,queue ${row % 7}\n`,
)
writeFileSync(file, `text,label\n${lines.join('')}`)
const command = ['import', file, '--text', 'text', '--label', 'label']
const running: CliProcess[] = []
afterAll(async () => {
  for (const one of running) await one.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** What is in the store; reading a row checks the digest of its bytes. */
async function stored(dataDirectory: string) {
  const store = await openStore({ dataDirectory })
  const texts: string[] = []
  let labels = 0
  for await (const { payload } of store.project('default').inferences.select())
    texts.push(payload.messages[0]!.content)
  for await (const { payload } of store.project('default').feedback.select())
    labels += payload.type === 'label' ? 1 : 0
  await store.close()
  return { inferences: texts.length, texts: new Set(texts).size, labels }
}

test.each(moments('import', 3))('killed in the middle (%f), the same import completes it', async (moment) => {
  const home = join(folder, String(moment))
  const dataDirectory = join(home, '.regraft')
  mkdirSync(home)
  writeFileSync(join(home, 'regraft.yaml'), 'project: default\n')
  const killed = new CliProcess(home, command)
  running.push(killed)
  const job = await waitForShare(dataDirectory, 'import', 'store', moment * 0.6)
  expect((await killed.kill('SIGKILL')).signal).toBe('SIGKILL')

  const half = await stored(dataDirectory)
  expect(half.inferences).toBeGreaterThan(0)
  expect(half.inferences).toBeLessThan(ROWS)
  expect(half.texts).toBe(half.inferences)
  const again = await runJson<{ inferences: number; duplicates: number }>(home, command)
  expect(again).toMatchObject({
    inferences: ROWS - half.inferences,
    duplicates: half.inferences,
    rejectedRows: 0,
  })
  const followed = await runJson<JobView>(home, ['jobs', 'follow', job])
  expect(followed).toMatchObject({ state: 'succeeded', result: { inferences: 0, duplicates: ROWS } })
  expect(await stored(dataDirectory)).toEqual({ inferences: ROWS, texts: ROWS, labels: ROWS })
})
