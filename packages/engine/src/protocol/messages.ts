// The trainer protocol, version 1. In: a job folder with job.json, train.jsonl and validation.jsonl (one
// {"messages", "completion"} per line). Out: an adapter folder inside it, in PEFT's layout. Beside that, one JSON
// object per line on standard output (events) and standard input (commands). Tensors never cross the pipe.
import type { EngineErrorCode } from '../errors.ts'
import type { BaseDigests } from '../formats/types.ts'
import type { TrainingEvent, TrainingSummary } from '../training/fine-tune.ts'
import type { TrainingRecipe } from '../training/recipe.ts'

export const PROTOCOL_VERSION = 1

export const JOB_FILES = {
  job: 'job.json',
  train: 'train.jsonl',
  validation: 'validation.jsonl',
  checkpoint: 'checkpoint.safetensors',
  adapter: 'adapter',
} as const

/** The content of job.json. */
export interface TrainingJob {
  protocol: typeof PROTOCOL_VERSION
  kind: 'lora-sft'
  base: { name: string; path: string; digests: BaseDigests }
  recipe: TrainingRecipe
  /** What this run is (a digest); it guards the checkpoint against another recipe or data. */
  identity: string
  checkpointSeconds: number
}

/** What must be equal for two trainings to give equal bits. */
export interface MachineLock {
  engine: string
  runtime: string
  node: string
  platform: string
  cpu: string
  threads: number
}

export type TrainerEvent =
  | { event: 'started'; protocol: number; lock: MachineLock }
  | TrainingEvent
  | { event: 'finished'; summary: TrainingSummary; peakMemoryBytes: number; seconds: number }
  | { event: 'error'; code: EngineErrorCode; message: string; hint?: string }

export type TrainerCommand = { command: 'cancel' }
