// The embedded trainer: `node trainer-process.ts <job folder>`. It ends when its standard input does, so that it
// never outlives the process that started it.
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from '../errors.ts'
import { openBase } from '../formats/base.ts'
import { checkAdapterFits, readAdapter, writeAdapter } from '../formats/peft.ts'
import type { Adapter } from '../formats/types.ts'
import type { AnyExample } from '../training/examples.ts'
import { fineTune } from '../training/fine-tune.ts'
import { previewExamples } from '../training/preview.ts'
import { findLearningRate } from '../training/range-test.ts'
import type { ReferenceLine } from '../training/reference.ts'
import type { SessionOptions } from '../training/training-session.ts'
import { checkDigests } from './check-digests.ts'
import { readJsonLines, writeJsonLine } from './lines.ts'
import { machineLock } from './machine-lock.ts'
import {
  JOB_FILES,
  PROTOCOL_VERSION,
  type TrainerCommand,
  type TrainerEvent,
  type TrainerJob,
} from './messages.ts'

const KINDS: readonly string[] = ['lora', 'learning-rate-range', 'preview'] satisfies TrainerJob['kind'][]

const cancellation = new AbortController()

async function main(folder: string): Promise<void> {
  const started = performance.now()
  const job = readJob(join(folder, JOB_FILES.job))
  emit({ event: 'started', protocol: PROTOCOL_VERSION, lock: machineLock(job.recipe.threads) })
  const base = openBase(job.base.path)
  let teacher: SessionOptions['teacher'] = null
  try {
    checkDigests(base, job.base.digests)
    const cost = () => ({
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      seconds: (performance.now() - started) / 1000,
    })
    const examples = readLines<AnyExample>(join(folder, JOB_FILES.train)) ?? []
    if (job.kind === 'preview') {
      const previewed = previewExamples(base, examples, job.recipe)
      for (const example of previewed) emit({ event: 'example', ...example })
      emit({ event: 'preview-finished', examples: previewed.length })
      return
    }
    teacher = openTeacher(job)
    const sources = {
      teacher,
      base,
      recipe: job.recipe,
      examples,
      validation: readLines<AnyExample>(join(folder, JOB_FILES.validation)) ?? [],
      references: readLines<ReferenceLine>(join(folder, JOB_FILES.reference)),
      validationReferences: readLines<ReferenceLine>(join(folder, JOB_FILES.validationReference)),
      startFrom: job.initialAdapter === undefined ? null : readAdapter(job.initialAdapter),
      onEvent: emit,
      signal: cancellation.signal,
      availableBytes: process.availableMemory(),
    }
    if (job.kind === 'learning-rate-range') {
      const range = await findLearningRate({ ...sources, range: job.range })
      emit({ event: 'range-finished', range, ...cost() })
      return
    }
    const { adapter, summary } = await fineTune({
      ...sources,
      identity: job.identity,
      checkpointPath: join(folder, JOB_FILES.checkpoint),
      checkpointSeconds: job.checkpointSeconds,
    })
    adapter.config.baseModelNameOrPath = job.base.name
    replaceAdapter(join(folder, JOB_FILES.adapter), adapter)
    const { userCPUTime, systemCPUTime } = process.resourceUsage()
    emit({ event: 'finished', summary, ...cost(), cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 })
  } finally {
    base.close()
    teacher?.base.close()
  }
}

function openTeacher({ teacher }: TrainerJob): SessionOptions['teacher'] {
  if (!teacher) return null
  const base = openBase(teacher.base.path)
  checkDigests(base, teacher.base.digests)
  const adapter = teacher.adapter === undefined ? null : readAdapter(teacher.adapter)
  if (adapter) checkAdapterFits(adapter, base)
  return { base, adapter }
}

/** Writes the adapter beside its place and renames it, so that a folder of that name is whole. */
function replaceAdapter(target: string, adapter: Adapter): void {
  const unfinished = `${target}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  try {
    writeAdapter(unfinished, adapter)
    rmSync(target, { recursive: true, force: true })
    renameSync(unfinished, target)
  } catch (cause) {
    rmSync(unfinished, { recursive: true, force: true })
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('engine-failed', `The adapter ${target} could not be written: ${reason}`, {
      hint: 'Free space on its disk and run the same training again: it goes on from its last checkpoint',
      cause,
    })
  }
}

function readJob(path: string): TrainerJob {
  const job = JSON.parse(readFileSync(path, 'utf8')) as TrainerJob
  if (job.protocol !== PROTOCOL_VERSION || !KINDS.includes(job.kind)) {
    throw new EngineError(
      'incompatible',
      `This trainer speaks protocol ${PROTOCOL_VERSION} and does jobs of the kinds ${KINDS.join(', ')}; this one is of protocol ${job.protocol} and kind '${job.kind}'`,
      { hint: 'Use the trainer and the control plane of one release' },
    )
  }
  return job
}

function readLines<T>(path: string): T[] | null {
  if (!existsSync(path)) return null
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  return lines.map((line, index) => {
    try {
      const value: unknown = JSON.parse(line)
      if (typeof value === 'object' && value !== null) return value as T
    } catch (cause) {
      throw new EngineError('invalid-file', `Line ${index + 1} of ${path} is no JSON`, { cause })
    }
    throw new EngineError('invalid-file', `Line ${index + 1} of ${path} is no JSON object`)
  })
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
  () => process.stdout.write('', () => process.exit(0)),
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
