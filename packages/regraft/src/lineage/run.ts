import { cpus } from 'node:os'
import { v7 as uuidv7 } from 'uuid'
import manifest from '../../package.json' with { type: 'json' }
import { RegraftError } from '../errors/index.ts'
import type { Edge, Execution, ProjectStore } from '../store/index.ts'
import { filesOf } from './files.ts'
import { ResponseLedger } from './ledger.ts'
import {
  type ResolvedCall,
  resolveCall,
  type Step,
  type StepCall,
  type StepOutput,
  type StepResult,
} from './step.ts'

/** Where steps run. */
export interface StepContext {
  project: ProjectStore
  /** Versions of what computes (engine, runtime, code), recorded with each execution. */
  environment?: Record<string, unknown>
  signal?: AbortSignal
  report?: (progress: unknown) => void
  /** The clock; the system's by default. */
  now?: () => Date
}

/**
 * Runs a step, or returns what an earlier execution of the same call made.
 *
 * Pure and seeded calls are answered from the cache by their key while every output and every file of it still
 * exists; `bypassCache` runs them all the same (a drill), or unless it accepts the execution that is there. External steps always run. Outputs are stored first and the
 * execution last, so that an interrupted step leaves nothing that lineage would show.
 * Throws 'invalid-input' for bad parameters or a bad output, 'not-found' for a missing input.
 */
export async function runStep<Parameters>(
  context: StepContext,
  step: Step<Parameters>,
  call: StepCall,
  options: { bypassCache?: boolean | ((earlier: Execution) => boolean) } = {},
): Promise<StepResult> {
  const { project } = context
  const resolved = resolveCall(step, call)
  const { bypassCache = false } = options
  if (step.determinism !== 'external' && bypassCache !== true) {
    const earlier = await project.executions.findByStepKey(resolved.stepKey)
    const wanted = earlier && (bypassCache === false || !bypassCache(earlier))
    if (wanted && (await outputsExist(project, earlier))) return resultOf(earlier, true)
  }
  for (const { role, digest } of resolved.inputs) {
    if (!(await project.artifacts.get(digest))) {
      throw new RegraftError('not-found', `${step.name}: the input '${role}' is missing: ${digest}`)
    }
  }
  const now = context.now ?? (() => new Date())
  const ledger = new ResponseLedger(project.responses)
  const startedAt = now()
  const facts: Record<string, unknown> = {}
  const made = await step.run({
    ...resolved,
    ...readers(project, step.name, resolved),
    project,
    blobs: project.blobs,
    ledger,
    signal: context.signal ?? new AbortController().signal,
    report: context.report ?? (() => {}),
    recordEnvironment: (more) => Object.assign(facts, more),
  })
  const outputs: Edge[] = []
  for (const output of made) {
    checkOutput(step, output)
    const { digest } = await project.artifacts.put(output)
    outputs.push({ role: output.role, digest })
  }
  const execution: Execution = {
    id: uuidv7(),
    step: step.name,
    version: step.version,
    determinism: step.determinism,
    stepKey: resolved.stepKey,
    parameters: resolved.parameters,
    seed: resolved.seed,
    inputs: resolved.inputs,
    outputs,
    environment: {
      ...machine(),
      ...context.environment,
      ...facts,
      ...(step.determinism === 'external' ? { ledger: ledger.counts() } : {}),
    },
    startedAt,
    finishedAt: now(),
  }
  await project.executions.record(execution)
  return resultOf(execution, false)
}

function readers<Parameters>(project: ProjectStore, name: string, call: ResolvedCall<Parameters>) {
  const readAll = async <T>(role: string): Promise<T[]> => {
    const values: T[] = []
    for (const edge of call.inputs) {
      if (edge.role === role) values.push(await project.artifacts.read<T>(edge.digest))
    }
    return values
  }
  const read = async <T>(role: string): Promise<T> => {
    const edges = call.inputs.filter((edge) => edge.role === role)
    const [only] = edges
    if (!only || edges.length > 1) {
      throw new RegraftError('invalid-input', `${name} takes one input '${role}', and got ${edges.length}`)
    }
    return await project.artifacts.read<T>(only.digest)
  }
  return { read, readAll }
}

function checkOutput<Parameters>(step: Step<Parameters>, output: StepOutput): void {
  const parsed = step.output?.[output.role]?.safeParse(output.value)
  if (parsed && !parsed.success) {
    throw new RegraftError('internal', `${step.name} made a bad '${output.role}': ${parsed.error.message}`)
  }
}

async function outputsExist(project: ProjectStore, execution: Execution): Promise<boolean> {
  for (const { digest } of execution.outputs) {
    if (!(await project.artifacts.get(digest))) return false
    for (const file of filesOf(await project.artifacts.read(digest))) {
      if (!(await project.blobs.has(file.digest))) return false
    }
  }
  return true
}

function resultOf(execution: Execution, cached: boolean): StepResult {
  return {
    execution,
    outputs: execution.outputs,
    cached,
    digest(role) {
      const edges = execution.outputs.filter((edge) => edge.role === role)
      const [only] = edges
      if (!only || edges.length > 1) {
        throw new RegraftError(
          'internal',
          `${execution.step} made ${edges.length} outputs '${role}', not one`,
        )
      }
      return only.digest
    },
  }
}

function machine(): Record<string, unknown> {
  return {
    regraft: manifest.version,
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    cpu: cpus()[0]?.model ?? 'unknown',
  }
}
