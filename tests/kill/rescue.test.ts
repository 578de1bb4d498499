// A rescue that is killed while the adapter labels prompts goes on where it was, and asks nothing twice.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import type { JobView } from '../../packages/regraft/src/jobs/index.ts'
import { CliProcess, runJson } from '../cli-process.ts'
import { waitForShare } from './job-progress.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-kill-rescue-'))
const WORDS = ['card', 'error', 'other', 'that']
const PROMPTS = 1_200
/** Prompts that are stored together. */
const TOGETHER = 64
const running: CliProcess[] = []

beforeAll(async () => {
  writePicoBase(join(folder, 'pico'))
  cpSync(join(folder, 'pico'), join(folder, 'next'), { recursive: true })
  const settings = join(folder, 'next', 'tokenizer_config.json')
  const changed = JSON.parse(readFileSync(settings, 'utf8')) as { chat_template: string }
  changed.chat_template = changed.chat_template.replaceAll('<|im_end|>\\n', '<|im_end|>')
  writeFileSync(settings, JSON.stringify(changed))
  writeFileSync(
    join(folder, 'regraft.yaml'),
    [
      'bases: { pico: { path: pico }, next: { path: next } }',
      'tasks: { desk: { evaluation: desk, consent: by contract } }',
      'suites: { desk: { maxTokens: 4 } }',
      'owners: { owner: ada, deputy: grace }',
      '',
    ].join('\n'),
  )
  const question = (i: number, verb: string) => `${verb} the ${WORDS[i % 4]} ${Math.floor(i / 4)}`
  const labelled = Array.from({ length: 48 }, (_, i) => `${question(i, 'where is')},card\n`)
  writeFileSync(join(folder, 'rows.csv'), `text,label\n${labelled.join('')}`)
  const items = Array.from({ length: 60 }, (_, i) => `${question(i, 'is')},card\n`)
  writeFileSync(join(folder, 'items.csv'), `text,label\n${items.join('')}`)
  const prompts = Array.from({ length: PROMPTS }, (_, i) => `${question(i, 'there is')}\n`)
  writeFileSync(join(folder, 'prompts.csv'), `text\n${prompts.join('')}`)
  const run = (line: string) => runJson(folder, line.split(' '))
  await run('import rows.csv --text text --label label --task desk')
  await run('datasets seal items.csv --as desk --text text --label label')
  await run('datasets build --task desk --near-duplicates 0 --embedder none')
  await run('training run --base pico --rank 8 --epochs 10 --batch-size 8 --learning-rate 0.02 --threads 1')
  await run('gates check')
  await run('fleet register desk')
  await run('import prompts.csv --text text --task desk')
}, 300_000)
afterAll(async () => {
  for (const one of running) await one.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

test('killed while prompts are labelled, it asks only those that had no answer yet', async () => {
  const command = `fleet rescue desk --to next --rows ${PROMPTS} --epochs 1 --keep-rate`
  const killed = new CliProcess(folder, command.split(' '))
  running.push(killed)
  const id = await waitForShare(join(folder, '.regraft'), 'fleet rescue', 'let desk answer', 0.3)
  expect((await killed.kill('SIGKILL')).signal).toBe('SIGKILL')
  const job = await runJson<JobView>(folder, ['jobs', 'follow', id])
  expect(job).toMatchObject({ state: 'succeeded', attempts: 2 })
  const { rows } = job.result as { rows: { prompts: number; asked: number } }
  const before = rows.prompts - rows.asked
  expect(before).toBeGreaterThanOrEqual(rows.prompts * 0.3 - TOGETHER)
  expect(before % TOGETHER).toBe(0)
  expect(rows.asked).toBeGreaterThan(0)
})
