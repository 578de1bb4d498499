import type { Artifact, Execution, ProjectStore } from '../store/index.ts'
import { isDigest } from '../store/index.ts'
import { type FileReference, filesOf } from './files.ts'
import { derivedRows, originRows, type WalkedRow } from './row-walks.ts'

/** An artifact met on a walk; `artifact` is null when it is gone and only the edges remember it. */
export interface WalkedArtifact {
  digest: string
  artifact: Artifact | null
  /** Upstream: the execution that made it first. Downstream: the one through which the walk came. */
  execution: Execution | null
}

export interface Closure {
  /** All that the digest needs, makers before what they make; the digest itself is last. */
  artifacts: WalkedArtifact[]
  executions: Execution[]
  /** Files in the blob store that these artifacts name, each once. */
  files: FileReference[]
  /** Rows of the snapshots and the rows they derive from; empty unless asked for. */
  rows: WalkedRow[]
  /** Digests of artifacts and ids of rows that are gone, nearest to the sources first. */
  missing: string[]
}

/**
 * Everything that is needed to make an artifact again: a walk upstream over the executions that made each first.
 * With `rows` it crosses from snapshots to their rows, and on to the rows these derive from.
 */
export async function closure(
  project: ProjectStore,
  digest: string,
  options: { rows?: boolean } = {},
): Promise<Closure> {
  const found: Closure = { artifacts: [], executions: [], files: [], rows: [], missing: [] }
  const executions = new Map<string, Execution>()
  const files = new Map<string, FileReference>()
  const entered = new Set<string>([digest])
  // Depth first with an explicit stack: an artifact is listed when its inputs have been.
  const stack = [await enter(project, digest)]
  while (stack.length > 0) {
    const top = stack.at(-1)!
    const next = top.inputs.pop()
    if (next !== undefined) {
      // What has been entered already is listed, or is being walked: then this is a cycle, and it stops here.
      if (!entered.has(next)) stack.push(await enter(project, next))
      entered.add(next)
      continue
    }
    stack.pop()
    found.artifacts.push(top.walked)
    const { artifact, execution } = top.walked
    if (execution) executions.set(execution.id, execution)
    if (!artifact) found.missing.push(top.walked.digest)
    else
      for (const file of filesOf(await project.artifacts.read(artifact.digest))) files.set(file.digest, file)
  }
  if (options.rows) {
    found.rows = await originRows(project, snapshotsIn(found.artifacts))
    for (const row of found.rows) if (row.table === null) found.missing.push(row.id)
  }
  found.executions = [...executions.values()]
  found.files = [...files.values()]
  return found
}

export interface Consequences {
  /** Ids of the rows made from the row, the row itself first; empty when the start is an artifact. */
  rows: string[]
  /** Artifacts that depend on the start, nearest first. */
  artifacts: WalkedArtifact[]
}

/**
 * Everything that was made from an artifact or a row: a walk downstream.
 * A row leads to the rows derived from it, all of these to the snapshots that hold them, and on from there.
 */
export async function consequences(project: ProjectStore, digestOrRowId: string): Promise<Consequences> {
  const rows = isDigest(digestOrRowId) ? [] : await derivedRows(project, digestOrRowId)
  const starts = isDigest(digestOrRowId) ? [digestOrRowId] : await project.artifacts.snapshotsOfRows(rows)
  const artifacts: WalkedArtifact[] = []
  if (!isDigest(digestOrRowId)) {
    for (const digest of starts) {
      artifacts.push({ digest, artifact: await project.artifacts.get(digest), execution: null })
    }
  }
  for await (const walked of downstream(project, starts)) artifacts.push(walked)
  return { rows, artifacts }
}

/** One step of a path, with the time it took. */
export interface PathStep {
  from: string
  to: string
  execution: Execution
  durationMs: number
  /** Time between the end of the step before and the start of this one; null for the first. */
  waitedMs: number | null
}

/**
 * The shortest chain of executions from one artifact (or row) to another, in order; null when there is none.
 * A row starts at the snapshots that hold it or what derives from it. A path to itself is empty.
 */
export async function path(
  project: ProjectStore,
  fromDigestOrRowId: string,
  toDigest: string,
): Promise<PathStep[] | null> {
  const starts = isDigest(fromDigestOrRowId)
    ? [fromDigestOrRowId]
    : await project.artifacts.snapshotsOfRows(await derivedRows(project, fromDigestOrRowId))
  if (starts.includes(toDigest)) return []
  const cameBy = new Map<string, { from: string; execution: Execution }>()
  for await (const { digest, execution, from } of downstream(project, starts)) {
    cameBy.set(digest, { from, execution })
    if (digest === toDigest) break
  }
  const steps: PathStep[] = []
  let to = toDigest
  for (let hop = cameBy.get(to); hop; hop = cameBy.get(to)) {
    const { execution, from } = hop
    const durationMs = execution.finishedAt.getTime() - execution.startedAt.getTime()
    steps.unshift({ from, to, execution, durationMs, waitedMs: null })
    to = from
  }
  for (const [index, step] of steps.entries()) {
    const before = steps[index - 1]
    if (before) step.waitedMs = step.execution.startedAt.getTime() - before.execution.finishedAt.getTime()
  }
  return steps.length > 0 ? steps : null
}

/** Artifacts made from the given ones, breadth first, each once. */
async function* downstream(
  project: ProjectStore,
  starts: string[],
): AsyncGenerator<WalkedArtifact & { execution: Execution; from: string }> {
  const met = new Set(starts)
  const queue = [...starts]
  for (let from = queue.shift(); from !== undefined; from = queue.shift()) {
    for (const execution of await project.executions.consuming(from)) {
      for (const { digest } of execution.outputs) {
        if (met.has(digest)) continue
        met.add(digest)
        queue.push(digest)
        yield { digest, artifact: await project.artifacts.get(digest), execution, from }
      }
    }
  }
}

async function enter(
  project: ProjectStore,
  digest: string,
): Promise<{ walked: WalkedArtifact; inputs: string[] }> {
  const execution = await project.executions.makerOf(digest)
  const artifact = await project.artifacts.get(digest)
  // Popped from the end: reversed, so that inputs are walked in their order.
  const inputs = execution ? execution.inputs.map((edge) => edge.digest).reverse() : []
  return { walked: { digest, artifact, execution }, inputs }
}

function snapshotsIn(artifacts: WalkedArtifact[]): string[] {
  return artifacts.filter(({ artifact }) => artifact?.kind === 'snapshot').map(({ digest }) => digest)
}
