// The embedded trainer: `node trainer-process.ts <job folder>`. It ends when its standard input does, so that it
// never outlives the process that started it.
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from '../errors.ts'
import { openBase } from '../formats/base.ts'
import { writeAdapter } from '../formats/peft.ts'
import type { TrainingExample } from '../training/examples.ts'
import { fineTune } from '../training/fine-tune.ts'
import { checkDigests } from './check-digests.ts'
import { readJsonLines, writeJsonLine } from './lines.ts'
import { machineLock } from './machine-lock.ts'
import {
  JOB_FILES,
  PROTOCOL_VERSION,
  type TrainerCommand,
  type TrainerEvent,
  type TrainingJob,
} from './messages.ts'

const cancellation = new AbortController()

async function main(folder: string): Promise<void> {
  const started = performance.now()
  const job = readJob(join(folder, JOB_FILES.job))
  emit({ event: 'started', protocol: PROTOCOL_VERSION, lock: machineLock(job.recipe.threads) })
  const base = openBase(job.base.path)
  try {
    checkDigests(base, job.base.digests)
    const { adapter, summary } = await fineTune({
      base,
      recipe: job.recipe,
      examples: readExamples(join(folder, JOB_FILES.train)),
      validation: readExamples(join(folder, JOB_FILES.validation)),
      identity: job.identity,
      checkpointPath: join(folder, JOB_FILES.checkpoint),
      checkpointSeconds: job.checkpointSeconds,
      onEvent: emit,
      signal: cancellation.signal,
    })
    adapter.config.baseModelNameOrPath = job.base.name
    const target = join(folder, JOB_FILES.adapter)
    const unfinished = `${target}.unfinished`
    rmSync(unfinished, { recursive: true, force: true })
    writeAdapter(unfinished, adapter)
    rmSync(target, { recursive: true, force: true })
    renameSync(unfinished, target)
    const peakMemoryBytes = process.resourceUsage().maxRSS * 1024
    emit({ event: 'finished', summary, peakMemoryBytes, seconds: (performance.now() - started) / 1000 })
  } finally {
    base.close()
  }
}

function readJob(path: string): TrainingJob {
  const job = JSON.parse(readFileSync(path, 'utf8')) as TrainingJob
  if (job.protocol !== PROTOCOL_VERSION || job.kind !== 'lora-sft') {
    throw new EngineError(
      'incompatible',
      `This trainer speaks protocol ${PROTOCOL_VERSION} and trains 'lora-sft' jobs`,
    )
  }
  return job
}

function readExamples(path: string): TrainingExample[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as TrainingExample)
}

function emit(event: TrainerEvent): void {
  writeJsonLine(process.stdout, event)
}

readJsonLines(process.stdin, {
  onMessage: (message) => {
    if ((message as TrainerCommand).command === 'cancel') cancellation.abort()
  },
  onMalformed: (line) => console.error(`not a command: ${line}`),
  onEnd: () => cancellation.abort(),
})

main(process.argv[2] ?? '.').then(
  () => process.exit(0),
  (error: unknown) => {
    const known = error instanceof EngineError ? error : null
    emit({
      event: 'error',
      code: known?.code ?? 'engine-failed',
      message: error instanceof Error ? error.message : String(error),
      ...(known?.hint ? { hint: known.hint } : {}),
    })
    if (!known) console.error(error)
    process.stdout.write('', () => process.exit(1))
  },
)
