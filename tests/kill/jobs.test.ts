// A training whose process is killed goes on when the next process opens the data directory, to the same adapter.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import type { JobView } from '../../packages/regraft/src/jobs/index.ts'
import { CliProcess, runJson, startServer } from '../cli-process.ts'
import { waitForShare } from './job-progress.ts'
import { moments } from './moments.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-kill-jobs-'))
const recipe = { base: 'pico', rank: 4, epochs: 60, batchSize: 4, learningRate: 0.01, threads: 1 }
const command = ['training', 'run', '--base', 'pico', '--rank', '4', '--epochs', '60', '--batch-size', '4']
command.push('--learning-rate', '0.01', '--threads', '1')
const running: CliProcess[] = []
let expected = ''

beforeAll(async () => {
  writePicoBase(join(folder, 'pico'))
  const home = join(folder, 'prepared')
  mkdirSync(home)
  writeFileSync(join(home, 'regraft.yaml'), 'bases:\n  pico: { path: ../pico }\n')
  const rows = ['card', 'error', 'other', 'there'].flatMap((word, queue) =>
    Array.from(
      { length: 8 },
      (_, day) => `where is the ${word} ${day},${word},2026-0${queue + 1}-0${day + 1}T12:00:00Z\n`,
    ),
  )
  writeFileSync(join(home, 'rows.csv'), `text,label,time\n${rows.join('')}`)
  await runJson(home, ['import', 'rows.csv', '--text', 'text', '--label', 'label', '--time', 'time'])
  await runJson(home, ['datasets', 'build'])
  expected = (await runJson<{ adapter: string }>(copyOf('undisturbed'), command)).adapter
})
afterAll(async () => {
  for (const one of running) await one.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function copyOf(name: string): string {
  const home = join(folder, name)
  cpSync(join(folder, 'prepared'), home, { recursive: true })
  return home
}

function adapterOf(job: JobView): unknown {
  return (job.result as { adapter?: unknown } | null)?.adapter
}

test.each(moments('command', 2))(
  'a command killed after %f of its training is continued by jobs follow',
  async (moment) => {
    const home = copyOf(`command-${moment}`)
    const killed = new CliProcess(home, command)
    running.push(killed)
    const id = await waitForShare(join(home, '.regraft'), 'training run', 'train', moment * 0.8)
    expect((await killed.kill('SIGKILL')).signal).toBe('SIGKILL')
    const job = await runJson<JobView>(home, ['jobs', 'follow', id])
    expect(job).toMatchObject({ state: 'succeeded', attempts: 2 })
    expect(adapterOf(job)).toBe(expected)
  },
)

test.each(moments('server job', 2))(
  'a server killed after %f of a training finishes it when it is back',
  async (moment) => {
    const home = copyOf(`server-${moment}`)
    const killed = await startServer(home)
    running.push(killed)
    const accepted = await fetch(`${killed.url}/api/training/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(recipe),
    })
    expect(accepted.status).toBe(202)
    const id = await waitForShare(join(home, '.regraft'), 'training run', 'train', moment * 0.8)
    expect((await killed.kill('SIGKILL')).signal).toBe('SIGKILL')

    const server = await startServer(home)
    running.push(server)
    let job: JobView
    do {
      await sleep(50)
      job = (await (await fetch(`${server.url}/api/jobs/${id}`)).json()) as JobView
    } while (['queued', 'running'].includes(job.state))
    expect(job).toMatchObject({ state: 'succeeded', attempts: 2 })
    expect(adapterOf(job)).toBe(expected)
  },
)
