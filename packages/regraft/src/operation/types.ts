import type { z } from 'zod'
import type { Config } from '../config/schema.ts'
import type { ProjectStore } from '../store/types.ts'
import type { Outcome } from '../verdict/index.ts'
import type { Scope } from './scope.ts'

/** How far a job or a stream has come; the one shape of progress from the runner to every face. */
export interface ProgressEvent {
  /** What is being done, for example 'train' or 'read rows'. */
  stage: string
  done?: number
  /** Same unit as `done`; absent when the end is not known. */
  total?: number
  /** Plural noun, for example 'rows' or 'updates'. */
  unit?: string
  message?: string
  /** Figures of this moment, for example `{ loss: 1.25 }`. */
  metrics?: Record<string, number>
  /** The last values of a metric, oldest first, for a curve beside it. */
  recent?: Record<string, number[]>
}

/** What a terminal can show. */
export interface TextStyle {
  colour: boolean
  /** Characters of a line. */
  width: number
}

/** Messages for the operator of the process; `warn` of a job also reaches whoever follows the job. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

export interface Principal {
  /** 'local' for whoever can reach the data directory, 'open' over a port without keys, else the id of the API key. */
  id: string
  scopes: Scope[]
}

/**
 * What is assembled once at the top and handed to every operation.
 *
 * A module adds its part beside the code that provides it:
 * `declare module '../operation/types.ts' { interface Services { engine: EngineHost } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging.
export interface Services {}

/** What an operation may use; nothing else of the process. */
export interface OperationContext {
  store: ProjectStore
  principal: Principal
  config: Config
  /** Aborted when the caller goes away or the job is cancelled. */
  signal: AbortSignal
  progress(event: ProgressEvent): void
  log: Log
  services: Services
  /** Id of the job that runs this; null in the modes 'call' and 'stream'. */
  jobId: string | null
  /** 1 at first; above 1 when a job resumes after its runner died. */
  attempt: number
}

type Effect = 'read' | 'write' | 'destroy'

/** 'call' answers at once, 'job' is durable and resumes, 'stream' sends progress while the caller listens. */
type Mode = 'call' | 'job' | 'stream'

/** A verb: defined once, it is a CLI command, an HTTP route and an OpenAPI entry. */
export interface Operation<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodType = z.ZodType> {
  /** Noun and verb separated by one space ('datasets build'), or a single word ('import'). */
  name: string
  effect: Effect
  /** What an API key must hold to call it. */
  scope: Scope
  mode: Mode
  /** One sentence without a full stop, for `--help` and OpenAPI. */
  summary: string
  input: Input
  output: Output
  /** Input fields that the CLI takes by position; an array field may only come last. */
  positionals: (keyof z.output<Input> & string)[]
  /** A command line that works, shown by `--help`. */
  example: string
  /** Takes most of the machine (a training): of such jobs a process runs one at a time. */
  heavy: boolean
  /**
   * Reads only `config`, `services.configuration` and files that it is given: the CLI answers without opening the data
   * directory.
   */
  offline: boolean
  /**
   * For what cannot be undone: the question that the CLI asks first, and that HTTP wants a header for; null when there is
   * nothing to ask.
   */
  confirm?(input: z.output<Input>): string | null
  /** What of the input may be written down: called once, before the record of a job is made from what it returns. */
  prepare?(context: Pick<OperationContext, 'store'>, input: z.output<Input>): Promise<z.input<Input>>
  /**
   * For an answer that a script acts on (a check in CI): what decides the exit code of the command line. Without it every
   * answer ends with 0.
   */
  outcome?(output: z.output<Output>): Outcome
  /** Text for a terminal; without it the output is rendered field by field. */
  render?(output: z.output<Output>, style: TextStyle): string
  /** Answers; a job's `run` is called again with the same input after a crash and must resume. */
  run(context: OperationContext, input: z.output<Input>): Promise<z.input<Output>>
}
