// The trainer as a process: its kinds of jobs, and a disk that is full while it writes.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBase } from '../formats/index.ts'
import { writePicoBase } from '../formats/pico-base.ts'
import { picoRecipe } from '../training/pico-recipe.ts'
import { readJsonLines } from './lines.ts'
import { JOB_FILES, PROTOCOL_VERSION, type TrainerEvent, type TrainerJob } from './messages.ts'
import { runPreview, runRangeTest, runTrainer } from './run-trainer.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-trainer-'))
beforeAll(() => writePicoBase(join(folder, 'base')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const rows = Array.from({ length: 8 }, (_, i) => {
  return { messages: [{ role: 'user', content: `where is ${i}` }], completion: i % 2 ? 'card' : 'error' }
})

type Kind = { kind: 'lora' | 'preview' } | { kind: 'learning-rate-range'; range: object }

function writeJob(name: string, kind: Kind, changes: Parameters<typeof picoRecipe>[0] = {}): string {
  const path = join(folder, name)
  const base = openBase(join(folder, 'base'))
  const job = {
    protocol: PROTOCOL_VERSION,
    ...kind,
    base: { name: 'pico', path: base.path, digests: base.digests },
    recipe: picoRecipe(changes),
    identity: 'same',
    checkpointSeconds: 0,
  } as TrainerJob
  base.close()
  mkdirSync(path)
  writeFileSync(join(path, JOB_FILES.job), JSON.stringify(job))
  writeFileSync(join(path, JOB_FILES.train), rows.map((row) => JSON.stringify(row)).join('\n'))
  return path
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

test('previews and range tests run as jobs and leave no adapter', async () => {
  const preview = writeJob('preview', { kind: 'preview' })
  const examples = await runPreview(preview)
  expect(examples.map(({ index }) => index)).toEqual(rows.map((_, i) => i))
  expect(examples[1]!.parts[0]!.tokens.at(-1)).toMatchObject({ text: '<|im_end|>', learned: true })
  const range = writeJob('range', {
    kind: 'learning-rate-range',
    range: { from: 1e-3, to: 0.1, updates: 6 },
  })
  const found = await runRangeTest(range)
  expect(found.curve.map(({ learningRate }) => learningRate).at(-1)).toBeCloseTo(0.1, 9)
  for (const job of [preview, range]) expect(readdirSync(job)).not.toContain(JOB_FILES.adapter)
})

test('a job of another protocol or with missing references is refused by name', async () => {
  const job = writeJob('old', { kind: 'lora' })
  const text = readFileSync(join(job, JOB_FILES.job), 'utf8')
  writeFileSync(join(job, JOB_FILES.job), text.replace('"protocol":3', '"protocol":1'))
  await expect(runTrainer(job)).rejects.toThrow(/speaks protocol 3 .* protocol 1 and kind 'lora'/)
  const kto = { name: 'kto', beta: 0.1, desirableWeight: 1, undesirableWeight: 1 } as const
  const rated = writeJob('rated', { kind: 'lora' }, { loss: kto })
  writeFileSync(
    join(rated, JOB_FILES.train),
    rows.map((row) => JSON.stringify({ ...row, label: true })).join('\n'),
  )
  await expect(runTrainer(rated)).rejects.toThrow(/'kto' needs reference log-probabilities/)
})

/** Runs the trainer under a limit on the size of files, which a write then meets as it meets a full disk. */
function runLimited(job: string, blocks: number): Promise<TrainerEvent[]> {
  const program = join(import.meta.dirname, 'trainer-process.ts')
  const shell = ['-c', `ulimit -f ${blocks} && exec "$0" "$1" "$2"`, process.execPath, program, job]
  const child = spawn('sh', shell, { stdio: ['pipe', 'pipe', 'ignore'] })
  const events: TrainerEvent[] = []
  readJsonLines(child.stdout, { onMessage: (event) => events.push(event as TrainerEvent), onMalformed() {} })
  return new Promise((resolve) => child.once('close', () => resolve(events)))
}

test.skipIf(process.platform === 'win32')(
  'a full disk at the end: the error names the adapter, and no half of one is left',
  async () => {
    const job = writeJob('no-room', { kind: 'lora' }, { epochs: 1 })
    const path = join(job, JOB_FILES.job)
    writeFileSync(path, readFileSync(path, 'utf8').replace('"checkpointSeconds":0', '"checkpointSeconds":60'))
    const events = await runLimited(job, 8)
    const adapter = join(job, JOB_FILES.adapter)
    expect(events.at(-1)).toMatchObject({
      code: 'engine-failed',
      message: expect.stringContaining(`The adapter ${adapter} could not be written`),
    })
    expect(readdirSync(job).sort()).toEqual([JOB_FILES.job, JOB_FILES.train].sort())
  },
)

test.skipIf(process.platform === 'win32')(
  'a full disk while checkpointing: the checkpoint before survives, the error names it, and the run goes on later',
  async () => {
    const job = writeJob('whole', { kind: 'lora' })
    const cut = join(folder, 'cut')
    cpSync(job, cut, { recursive: true })
    await runTrainer(job)
    const stop = new AbortController()
    const onEvent = (event: TrainerEvent) => {
      if (event.event === 'checkpoint' && event.update === 2) stop.abort()
    }
    await expect(runTrainer(cut, { onEvent, signal: stop.signal })).rejects.toMatchObject({
      code: 'cancelled',
    })
    const checkpoint = join(cut, JOB_FILES.checkpoint)
    const before = digestOf(checkpoint)
    const events = await runLimited(cut, 8)
    expect(events.at(-1)).toMatchObject({
      event: 'error',
      code: 'engine-failed',
      message: expect.stringContaining(`The checkpoint ${checkpoint} could not be written`),
      hint: expect.stringMatching(/checkpoint before it is whole.*Free space/),
    })
    expect(digestOf(checkpoint)).toBe(before)
    expect(readdirSync(cut).sort()).toEqual([JOB_FILES.checkpoint, JOB_FILES.job, JOB_FILES.train].sort())
    await runTrainer(cut)
    const weights = (path: string) => digestOf(join(path, JOB_FILES.adapter, 'adapter_model.safetensors'))
    expect(weights(cut)).toBe(weights(job))
  },
)
