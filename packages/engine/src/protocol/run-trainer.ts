import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { EngineError } from '../errors.ts'
import type { TrainingSummary } from '../training/fine-tune.ts'
import type { PreviewedExample } from '../training/preview.ts'
import type { LearningRateRange } from '../training/range-test.ts'
import { readJsonLines, writeJsonLine } from './lines.ts'
import type { MachineLock, TrainerEvent } from './messages.ts'
import { trainerEnvironment } from './trainer-environment.ts'

export interface TrainerResult {
  summary: TrainingSummary
  lock: MachineLock
  peakMemoryBytes: number
  seconds: number
  cpuSeconds: number
}

/** A command line, and the environment that its process gets. */
export interface TrainerLaunch {
  command: readonly string[]
  environment: NodeJS.ProcessEnv
}

export interface TrainerOptions {
  onEvent?: (event: TrainerEvent) => void
  signal?: AbortSignal
  /** How the command line of the trainer is really started; as it is, with the environment of this process, by default. */
  launch?: (command: readonly string[]) => TrainerLaunch
}

type FinalEvent = 'finished' | 'range-finished' | 'preview-finished'
type EventOf<Name extends TrainerEvent['event']> = Extract<TrainerEvent, { event: Name }>

/** Time that a cancelled trainer has to stop between two layers before it is killed. */
const GRACE_MILLISECONDS = 10_000

/**
 * Trains a job folder of kind 'lora' in a child process; on success the folder holds the adapter.
 * An abort cancels the run, whose checkpoint stays: running the same folder again resumes it.
 */
export async function runTrainer(folder: string, options: TrainerOptions = {}): Promise<TrainerResult> {
  const { lock, final } = await runJob(folder, 'finished', options)
  const { summary, peakMemoryBytes, seconds, cpuSeconds } = final
  return { summary, lock, peakMemoryBytes, seconds, cpuSeconds }
}

/** Runs a job folder of kind 'learning-rate-range' in a child process. */
export async function runRangeTest(folder: string, options: TrainerOptions = {}): Promise<LearningRateRange> {
  const { final } = await runJob(folder, 'range-finished', options)
  return final.range
}

/** Runs a job folder of kind 'preview' in a child process; an abort kills a template that does not end. */
export async function runPreview(folder: string, options: TrainerOptions = {}): Promise<PreviewedExample[]> {
  const examples: PreviewedExample[] = []
  const onEvent = (message: TrainerEvent) => {
    if (message.event === 'example') {
      const { event: _, ...example } = message
      examples.push(example)
    }
    options.onEvent?.(message)
  }
  await runJob(folder, 'preview-finished', { ...options, onEvent })
  return examples
}

/** The command line that trains a job folder. */
export function trainerCommand(folder: string): string[] {
  return [process.execPath, fileURLToPath(new URL('./trainer-process.ts', import.meta.url)), folder]
}

function asItIs(command: readonly string[]): TrainerLaunch {
  return { command, environment: process.env }
}

function runJob<Name extends FinalEvent>(
  folder: string,
  finalEvent: Name,
  { onEvent, signal, launch = asItIs }: TrainerOptions,
): Promise<{ lock: MachineLock; final: EventOf<Name> }> {
  const {
    command: [program, ...argv],
    environment,
  } = launch(trainerCommand(folder))
  return new Promise((resolve, reject) => {
    const child = spawn(program!, argv, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: trainerEnvironment(environment),
    })
    let lock: MachineLock | null = null
    let final: EventOf<Name> | null = null
    let failure: EngineError | null = null
    let complaints = ''
    child.stderr.setEncoding('utf8')
    const complain = (text: string) => {
      complaints = (complaints + text).slice(-4000)
    }
    child.stderr.on('data', complain)
    child.stdin.on('error', () => {})
    const onMessage = (message: object) => {
      const event = message as TrainerEvent
      if (event.event === 'started') lock = event.lock
      if (event.event === finalEvent) final = event as EventOf<Name>
      if (event.event === 'error') failure = new EngineError(event.code, event.message, { hint: event.hint })
      onEvent?.(event)
    }
    readJsonLines(child.stdout, { onMessage, onMalformed: (line) => complain(`${line}\n`) })
    let killer: NodeJS.Timeout | undefined
    const cancel = () => {
      writeJsonLine(child.stdin, { command: 'cancel' })
      killer = setTimeout(() => child.kill('SIGKILL'), GRACE_MILLISECONDS)
    }
    if (signal?.aborted) cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    child.on('error', (error) => {
      reject(new EngineError('engine-failed', 'The trainer could not be started', { cause: error }))
    })
    child.on('close', (code, killedBy) => {
      clearTimeout(killer)
      signal?.removeEventListener('abort', cancel)
      if (code === 0 && final && lock) resolve({ lock, final })
      else if (failure) reject(failure)
      else if (signal?.aborted) reject(new EngineError('cancelled', 'The training was cancelled'))
      else {
        const how = killedBy ? `was killed by ${killedBy}` : `ended with exit code ${code}`
        reject(
          new EngineError(
            'engine-failed',
            `The trainer ${how}${complaints ? `: ${complaints.trim()}` : ''}`,
            {
              hint: 'Run the same training again: it resumes from its checkpoint',
            },
          ),
        )
      }
    })
  })
}
