import type { Artifact, Execution, ProjectStore } from '../store/index.ts'
import { shortDigest } from './digest.ts'

const PARAMETERS_WIDTH = 72

interface Branch {
  role: string | null
  digest: string
}

/**
 * The lineage of an artifact as an indented tree: kind, short digest, and below it the step with its duration and
 * parameters, then the step's inputs by role. `downstream` shows what was made from it instead.
 * What has been shown above is not repeated. No trailing newline.
 */
export async function renderLineage(
  project: ProjectStore,
  digest: string,
  options: { direction?: 'upstream' | 'downstream' } = {},
): Promise<string> {
  const shown = new Set<string>()
  const output: string[] = []
  const direction = options.direction ?? 'upstream'

  async function show(branch: Branch, head: string, indent: string): Promise<void> {
    const artifact = await project.artifacts.get(branch.digest)
    const executions =
      direction === 'upstream'
        ? await makers(project, branch.digest)
        : await project.executions.consuming(branch.digest)
    const again = shown.has(branch.digest) && executions.length > 0
    shown.add(branch.digest)
    const outside = direction === 'upstream' && executions.length === 0 && artifact ? ', from outside' : ''
    const role = branch.role && branch.role !== artifact?.kind ? `${branch.role}: ` : ''
    output.push(`${head}${role}${describe(branch.digest, artifact)}${outside}${again ? ', shown above' : ''}`)
    if (again) return
    for (const [index, execution] of executions.entries()) {
      const last = index === executions.length - 1
      output.push(`${indent}${last ? '└─' : '├─'} ${describeExecution(execution)}`)
      const deeper = `${indent}${last ? '   ' : '│  '}`
      const branches = direction === 'upstream' ? execution.inputs : execution.outputs
      for (const [position, next] of branches.entries()) {
        const end = position === branches.length - 1
        await show(next, `${deeper}${end ? '└─ ' : '├─ '}`, `${deeper}${end ? '   ' : '│  '}`)
      }
    }
  }

  await show({ role: null, digest }, '', '')
  return output.join('\n')
}

async function makers(project: ProjectStore, digest: string): Promise<Execution[]> {
  const maker = await project.executions.makerOf(digest)
  return maker ? [maker] : []
}

function describe(digest: string, artifact: Artifact | null): string {
  return artifact ? `${artifact.kind} ${shortDigest(digest)}` : `${shortDigest(digest)}, MISSING`
}

function describeExecution(execution: Execution): string {
  const seconds = (execution.finishedAt.getTime() - execution.startedAt.getTime()) / 1000
  const seed = execution.seed === null || execution.seed === undefined ? '' : `, seed ${execution.seed}`
  const parameters = describeParameters(execution.parameters)
  return `${execution.step} v${execution.version} (${duration(seconds)}${seed})${parameters && `  ${parameters}`}`
}

function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}

function describeParameters(parameters: unknown): string {
  if (typeof parameters !== 'object' || parameters === null) return ''
  const text = Object.entries(parameters)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
    .replaceAll(/\s+/g, ' ')
  return text.length <= PARAMETERS_WIDTH ? text : `${text.slice(0, PARAMETERS_WIDTH - 1)}…`
}
