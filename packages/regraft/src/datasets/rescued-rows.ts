import { queryOf, type Selection, verifySelection } from '../lineage/index.ts'
import type { InferenceRow, ProjectStore } from '../store/types.ts'
import type { Candidate } from './candidates.ts'
import type { DropReason } from './drop-explanations.ts'

/**
 * The answers that an adapter was asked for, as demonstrations. Answers that were cut off, or of which the adapter was less sure
 * than asked for, go to `drop`. Throws 'digest-mismatch' when rows are gone.
 */
export async function readRescued(
  project: ProjectStore,
  inferences: Selection,
  { adapter, leastConfidence }: { adapter: string; leastConfidence: number },
  drop: (inference: InferenceRow, reason: DropReason) => void,
): Promise<Candidate[]> {
  await verifySelection(project, inferences)
  const rows: Candidate[] = []
  for await (const inference of project.inferences.select(queryOf(inferences))) {
    const { source, response, finishReason } = inference.payload
    if (source.kind !== 'rescue' || source.adapter !== adapter) continue
    const completion = response?.trim() ?? ''
    if (completion === '') drop(inference, 'no-answer')
    else if (finishReason === 'length') drop(inference, 'cut-off')
    else if ((source.confidence ?? 0) < leastConfidence) drop(inference, 'low-confidence')
    else rows.push({ inference, signal: 'teacher', feedback: [], examples: [{ completion }] })
  }
  return rows
}
