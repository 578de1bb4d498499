import { queryOf, type Selection, verifySelection } from '../lineage/index.ts'
import type { FeedbackRow, InferenceRow, ProjectStore } from '../store/types.ts'
import type { DropReason } from './demonstrations.ts'
import type { DroppedRow } from './manifest.ts'
import { sourceOf } from './row-source.ts'

export interface ReadDecisions<Kept> {
  kept: Kept[]
  undecided: DroppedRow[]
}

/** Decides every selected inference of a task by its selected feedback. Throws 'digest-mismatch' when rows are gone. */
export async function readDecisions<Kept>(
  project: ProjectStore,
  task: string | null,
  selections: { inferences: Selection; feedback: Selection },
  decide: (
    inference: InferenceRow,
    feedback: readonly FeedbackRow[],
  ) => { kept: Kept } | { dropped: DropReason },
): Promise<ReadDecisions<Kept>> {
  const { inferences, feedback } = selections
  await verifySelection(project, inferences)
  await verifySelection(project, feedback)
  const byInference = new Map<string, FeedbackRow[]>()
  for await (const row of project.feedback.select(queryOf(feedback))) {
    const rows = byInference.get(row.inferenceId)
    if (rows) rows.push(row)
    else byInference.set(row.inferenceId, [row])
  }
  const read: ReadDecisions<Kept> = { kept: [], undecided: [] }
  for await (const inference of project.inferences.select(queryOf(inferences))) {
    const { route } = inference.payload
    if (task !== null && route !== null && route !== task) continue
    const decision = decide(inference, byInference.get(inference.id) ?? [])
    if ('kept' in decision) read.kept.push(decision.kept)
    else {
      const { id } = inference
      read.undecided.push({ inference: id, source: sourceOf(inference), reason: decision.dropped })
    }
  }
  return read
}
