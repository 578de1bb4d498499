// The trainer protocol, version 3. In: a job folder with job.json and examples, one per line, in the form that the loss
// wants (see JOB_FILES). Out: an adapter folder inside it, in PEFT's layout. Beside that, one JSON object per line on
// standard output (events) and standard input (commands). Tensors never cross the pipe.
import type { EngineErrorCode } from '../errors.ts'
import type { BaseDigests } from '../formats/types.ts'
import type { TrainingEvent, TrainingSummary } from '../training/fine-tune.ts'
import type { PreviewedExample } from '../training/preview.ts'
import type { LearningRateRange, RangeOptions } from '../training/range-test.ts'
import type { TrainingRecipe } from '../training/recipe.ts'

export const PROTOCOL_VERSION = 3

export const JOB_FILES = {
  job: 'job.json',
  /**
   * sft, distill: {messages, completion}; dpo, orpo, simpo: {messages, chosen, rejected}; kto: with a label. Each may have a
   * weight and a probability.
   */
  train: 'train.jsonl',
  validation: 'validation.jsonl',
  /** dpo and kto: {chosen, rejected} or {completion, mismatched}, one line per line of train.jsonl. */
  reference: 'reference.jsonl',
  validationReference: 'validation-reference.jsonl',
  checkpoint: 'checkpoint.safetensors',
  adapter: 'adapter',
} as const

interface BaseFile {
  name: string
  path: string
  digests: BaseDigests
}

interface JobCommon {
  protocol: typeof PROTOCOL_VERSION
  base: BaseFile
  recipe: TrainingRecipe
  /** What this run is (a digest); it guards the checkpoint against another recipe or data. */
  identity: string
  checkpointSeconds: number
  /** The model whose logits are learned; for `distill`, and for no other loss. */
  teacher?: { base: BaseFile; adapter?: string }
  /** Folder of a PEFT adapter from which the training starts; its shape must be that of `recipe.lora`. */
  initialAdapter?: string
}

/** The content of job.json: train an adapter, try learning rates, or show what would be learned. */
export type TrainerJob = TrainingJob | RangeJob | PreviewJob

export interface TrainingJob extends JobCommon {
  kind: 'lora'
}

export interface RangeJob extends JobCommon {
  kind: 'learning-rate-range'
  range: RangeOptions
}

export interface PreviewJob extends JobCommon {
  kind: 'preview'
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
  | ({ event: 'example' } & PreviewedExample)
  | {
      event: 'finished'
      summary: TrainingSummary
      peakMemoryBytes: number
      seconds: number
      /** Time on processors, in user and system mode, of this process: not of one that was killed before. */
      cpuSeconds: number
    }
  | { event: 'range-finished'; range: LearningRateRange; peakMemoryBytes: number; seconds: number }
  | { event: 'preview-finished'; examples: number }
  | { event: 'error'; code: EngineErrorCode; message: string; hint?: string }

export type TrainerCommand = { command: 'cancel' }
