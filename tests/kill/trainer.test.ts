// A trainer that is killed at any moment and started again in its folder makes the bytes that it would have made.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  JOB_FILES,
  openBase,
  PROTOCOL_VERSION,
  runTrainer,
  type TrainerEvent,
  type TrainingJob,
} from '@regraft/engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import { readJsonLines } from '../../packages/engine/src/protocol/lines.ts'
import { picoRecipe } from '../../packages/engine/src/training/pico-recipe.ts'
import { moments } from './moments.ts'

const TRAINER = join(import.meta.dirname, '../../packages/engine/src/protocol/trainer-process.ts')
const folder = mkdtempSync(join(tmpdir(), 'regraft-kill-trainer-'))
const children: ChildProcess[] = []

/** Of a run that nobody disturbs: its updates, the time of one in milliseconds, and what it makes. */
let updates = 0
let updateTime = 0
let expected = ''

beforeAll(async () => {
  writePicoBase(join(folder, 'base'))
  writeJob(join(folder, 'job'))
  const whole = copyOfJob('undisturbed')
  const { summary, seconds } = await runTrainer(whole)
  updates = summary.updates
  updateTime = (seconds * 1000) / updates
  expected = digestOf(whole)
})
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function writeJob(path: string): void {
  const base = openBase(join(folder, 'base'))
  const job: TrainingJob = {
    protocol: PROTOCOL_VERSION,
    kind: 'lora',
    base: { name: 'pico', path: base.path, digests: base.digests },
    // Dropout masks, micro-batches and the best values so far must survive too.
    recipe: picoRecipe({
      loss: { name: 'orpo', beta: 0.1 },
      lora: { targetModules: ['q_proj', 'v_proj', 'down_proj'], dropout: 0.1 },
      epochs: 40,
      learningRate: 1e-2,
      microBatchTokens: 128,
      earlyStopping: { patience: 40 },
    }),
    identity: 'kill',
    // After every update, so that many moments lie inside the writing of a checkpoint.
    checkpointSeconds: 0,
  }
  base.close()
  const examples = ['card', 'error', 'other', 'there', 'that', 'where', 'the'].flatMap((word) => [
    { messages: [{ role: 'user', content: `where is the ${word}` }], chosen: word, rejected: 'no' },
    {
      messages: [{ role: 'user', content: `is the ${word} there` }],
      chosen: `the ${word}`,
      rejected: 'that',
    },
  ])
  const lines = examples.map((example) => JSON.stringify(example))
  mkdirSync(path)
  writeFileSync(join(path, JOB_FILES.job), JSON.stringify(job))
  writeFileSync(join(path, JOB_FILES.train), lines.slice(2).join('\n'))
  writeFileSync(join(path, JOB_FILES.validation), lines.slice(0, 2).join('\n'))
}

function copyOfJob(name: string): string {
  const path = join(folder, name)
  cpSync(join(folder, 'job'), path, { recursive: true })
  return path
}

/** sha256 over names and bytes of the adapter folder. */
function digestOf(job: string): string {
  const adapter = join(job, JOB_FILES.adapter)
  const hash = createHash('sha256')
  for (const name of readdirSync(adapter).sort()) hash.update(name).update(readFileSync(join(adapter, name)))
  return hash.digest('hex')
}

/** Starts the trainer and kills it somewhere in the update that begins at this share of all updates. */
async function killAt(job: string, moment: number): Promise<void> {
  const child = spawn(process.execPath, [TRAINER, job], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const ended = new Promise((resolve) => child.once('close', (_code, signal) => resolve(signal)))
  let seen = 0
  const reached = new Promise<void>((resolve) => {
    const onMessage = (message: object) => {
      const event = message as TrainerEvent
      if (event.event === 'update') seen = event.update
      if (seen >= moment * updates) resolve()
    }
    readJsonLines(child.stdout, { onMessage, onMalformed() {} })
  })
  await reached
  await sleep(((moment * 1000) % 1) * updateTime)
  child.kill('SIGKILL')
  expect(await ended).toBe('SIGKILL')
}

async function resume(job: string): Promise<number | null> {
  let update: number | null = null
  const onEvent = (event: TrainerEvent) => {
    if (event.event === 'resumed') update = event.update
  }
  await runTrainer(job, { onEvent })
  return update
}

test.each(moments('trainer', 3))(
  'killed after %f of its updates, the trainer resumes to the same bytes',
  async (moment) => {
    const job = copyOfJob(`killed-${moment}`)
    await killAt(job, moment * 0.9)
    expect(existsSync(join(job, JOB_FILES.adapter))).toBe(false)
    const update = await resume(job)
    if (moment > 0.2) expect(update).toBeGreaterThan(0)
    expect(digestOf(job)).toBe(expected)
  },
)

test('killed three times in one run, it still makes the same bytes', async () => {
  const job = copyOfJob('killed-often')
  for (const moment of moments('trainer again', 3)) await killAt(job, moment / 4)
  expect(await resume(job)).toBeGreaterThan(0)
  expect(digestOf(job)).toBe(expected)
})
