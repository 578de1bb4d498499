import { rowsMadeFrom } from '../../lineage/index.ts'
import type { FeedbackRow } from '../../store/types.ts'
import type { Candidate } from '../candidates.ts'
import type { ScreenContext, Stage } from './stage.ts'

/**
 * Leaves out rows that were made from an item of a suite, however their text differs: what somebody wrote because an
 * evaluation failed teaches that evaluation. Burned and erased items count too.
 */
export const derivedFromEvaluation: Stage<ScreenContext> = async (rows, { project, suites, drop }) => {
  const itemOf = new Map<string, string>()
  for (const { id, inferences } of suites.flatMap((suite) => suite.items)) {
    for (const source of [id, ...inferences]) itemOf.set(source, id)
  }
  const origins = rows.flatMap(({ inference, ...row }) => [
    { id: inference.id, derivedFrom: inference.derivedFrom },
    ...feedbackOf(row).map((feedback) => ({ id: feedback.id, derivedFrom: originsOf(feedback) })),
  ])
  const made = await rowsMadeFrom(project, origins, new Set(itemOf.keys()))
  return rows.filter((row) => {
    const ids = [row.inference.id, ...feedbackOf(row).map(({ id }) => id)]
    const source = ids.map((id) => made.get(id)).find((found) => found !== undefined)
    if (source === undefined) return true
    drop(row, 'derived-from-evaluation', { of: itemOf.get(source)! })
    return false
  })
}

/** The feedback that a row and its examples rest on. */
function feedbackOf({ feedback, examples }: Pick<Candidate, 'feedback' | 'examples'>): FeedbackRow[] {
  return [...feedback, ...examples.flatMap(({ from }) => from?.feedback ?? [])]
}

/** What a feedback row was made from: also the answer beside which it puts this one. */
function originsOf({ derivedFrom, payload }: FeedbackRow): string[] {
  const others = []
  if ('next' in payload && payload.next !== undefined) others.push(payload.next)
  if (payload.type === 'vote' && 'inference' in payload.other) others.push(payload.other.inference)
  return [...derivedFrom, ...others]
}
