import type { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import type { ArtifactKind, BlobStore, Determinism, Edge, Execution, ProjectStore } from '../store/index.ts'
import { canonicalBytes, digestOf } from '../store/index.ts'
import type { ResponseLedger } from './ledger.ts'

/** What a step makes: an artifact's value under a role. Files go to `blobs` first and are named in `value.files`. */
export interface StepOutput {
  role: string
  kind: ArtifactKind
  schemaVersion: number
  value: unknown
}

/** What a running step may use. What it makes may depend on nothing else. */
export interface StepRun<Parameters> {
  parameters: Parameters
  /** Of a seeded step. */
  seed: number | null
  inputs: Edge[]
  /** The value of the only input with this role. Throws 'invalid-input' when there is none or several. */
  read<T>(role: string): Promise<T>
  /** The values of all inputs with this role, in their order. */
  readAll<T>(role: string): Promise<T[]>
  project: ProjectStore
  blobs: BlobStore
  /** For external steps: every call of a hosted model or a person goes through it. */
  ledger: ResponseLedger
  signal: AbortSignal
  report(progress: unknown): void
  /** Adds facts about this run (versions, times, memory) to its execution; they never enter the outputs. */
  recordEnvironment(facts: Record<string, unknown>): void
}

/** A step: a named, versioned function from artifacts and parameters to artifacts. */
export interface Step<Parameters> {
  name: string
  /** Raised whenever the output for the same inputs changes; a fixture test (step-fixture.ts) watches over it. */
  version: number
  /**
   * `pure`: the same inputs and parameters give the same bytes. `seeded`: so does the same seed. Both are cached.
   * `external`: a hosted model or a person answers; never cached, but every answer is kept in the ledger.
   */
  determinism: Determinism
  /** Schema of the parameters; its defaults are filled in before they are hashed and recorded. */
  input: z.ZodType<Parameters>
  /** Schemas of the outputs by role. */
  output?: Record<string, z.ZodType>
  run(run: StepRun<Parameters>): Promise<StepOutput[]>
}

/** Declares a step; its parameter type follows from the schema. */
export function defineStep<Parameters>(step: Step<Parameters>): Step<Parameters> {
  return step
}

/** What a step is called with. */
export interface StepCall {
  /** In the order that matters to the step: it is part of the key. */
  inputs: Edge[]
  parameters?: unknown
  /** Required by seeded steps, refused by others. */
  seed?: number
}

/** A call whose parameters are checked and complete, and the key under which its result is cached. */
export interface ResolvedCall<Parameters> {
  inputs: Edge[]
  parameters: Parameters
  seed: number | null
  /** Digest of the step's name and version, inputs with roles, parameters and seed. */
  stepKey: string
}

/** Checks a call and computes its key. Throws 'invalid-input' naming each bad parameter. */
export function resolveCall<Parameters>(step: Step<Parameters>, call: StepCall): ResolvedCall<Parameters> {
  const parsed = step.input.safeParse(call.parameters ?? {})
  if (!parsed.success) {
    const faults = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.') || 'parameters'}: ${message}`,
    )
    throw new RegraftError('invalid-input', `${step.name}: ${faults.join('; ')}`, { cause: parsed.error })
  }
  const seed = call.seed ?? null
  if ((step.determinism === 'seeded') !== (seed !== null)) {
    const problem = seed === null ? 'needs a seed' : `is ${step.determinism} and takes no seed`
    throw new RegraftError('invalid-input', `${step.name} ${problem}`)
  }
  const inputs = call.inputs.map(({ role, digest }) => ({ role, digest }))
  const identity = { step: step.name, version: step.version, inputs, parameters: parsed.data, seed }
  return {
    inputs,
    parameters: parsed.data,
    seed,
    stepKey: digestOf('step-key', 1, canonicalBytes(identity)),
  }
}

/** What came of a call: the execution that made the outputs, now or earlier. */
export interface StepResult {
  execution: Execution
  outputs: Edge[]
  /** True when an earlier execution's outputs were returned. */
  cached: boolean
  /** Digest of the only output with this role. */
  digest(role: string): string
}
