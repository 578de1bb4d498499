import { hash } from 'node:crypto'
import { queryOf, type Selection, verifySelection } from '../lineage/index.ts'
import type { FeedbackRow, InferenceRow, ProjectStore } from '../store/types.ts'
import type { RuleInput } from './rules/index.ts'

const PAGE = 500

export interface Selections {
  inferences: Selection
  feedback: Selection
}

/**
 * Reads the selected inferences of a task, oldest first, each with the feedback about it and a way to the others that its
 * events name. Rows of no task count for each. Throws 'digest-mismatch' when rows are gone.
 */
export async function* readTraffic(
  project: ProjectStore,
  task: string | null,
  { inferences, feedback }: Selections,
): AsyncGenerator<RuleInput> {
  await verifySelection(project, inferences)
  await verifySelection(project, feedback)
  const byInference = new Map<string, FeedbackRow[]>()
  for await (const row of project.feedback.select(queryOf(feedback))) {
    const rows = byInference.get(row.inferenceId)
    if (rows) rows.push(row)
    else byInference.set(row.inferenceId, [row])
  }
  const feedbackOf = (id: string) =>
    (byInference.get(id) ?? []).toSorted((a, b) => b.occurredAt.getTime() - a.occurredAt.getTime())
  const repeats = await findRepeats(project, inferences, byInference)
  const partners = await readPartners(project, inferences, byInference, repeats)
  for await (const inference of project.inferences.select(queryOf(inferences))) {
    const { route, source } = inference.payload
    // An adapter was asked for its answer: nobody used it.
    if (source.kind === 'rescue') continue
    if (task !== null && route !== null && route !== task) continue
    yield {
      inference,
      feedback: feedbackOf(inference.id),
      find(id) {
        const partner = partners.get(id)
        return partner ? { inference: partner, feedback: feedbackOf(id) } : null
      },
      repeats: () => repeats.get(inference.id) ?? [],
    }
  }
}

/** The later calls of the same prompt, for inferences of which somebody asked again without naming the next one. */
async function findRepeats(
  project: ProjectStore,
  inferences: Selection,
  byInference: ReadonlyMap<string, readonly FeedbackRow[]>,
): Promise<Map<string, string[]>> {
  const repeats = new Map<string, string[]>()
  for (const [id, rows] of byInference) {
    const asked = rows.some(({ payload }) => payload.type === 'regenerate' && payload.next === undefined)
    if (asked) repeats.set(id, [])
  }
  if (repeats.size === 0) return repeats
  const waiting = new Map<string, string[][]>()
  for await (const inference of project.inferences.select(queryOf(inferences))) {
    const key = keyOf(inference)
    if (key === null) continue
    for (const list of waiting.get(key) ?? []) list.push(inference.id)
    const own = repeats.get(inference.id)
    if (own) waiting.set(key, [...(waiting.get(key) ?? []), own])
  }
  return repeats
}

/** One prompt in one conversation, or of one subject; null where nothing says whose call it was. */
function keyOf({ payload, subject }: InferenceRow): string | null {
  const owner = payload.conversation ?? subject
  if (owner === null) return null
  return hash('sha256', JSON.stringify([owner, payload.messages.map(({ role, content }) => [role, content])]))
}

async function readPartners(
  project: ProjectStore,
  inferences: Selection,
  byInference: ReadonlyMap<string, readonly FeedbackRow[]>,
  repeats: ReadonlyMap<string, readonly string[]>,
): Promise<Map<string, InferenceRow>> {
  const named = [...byInference.values()].flat().flatMap(({ payload }) => {
    if (payload.type === 'regenerate') return payload.next ?? []
    if (payload.type === 'vote' && 'inference' in payload.other) return payload.other.inference
    return []
  })
  const ids = [...new Set([...named, ...[...repeats.values()].flat()])]
  const partners = new Map<string, InferenceRow>()
  for (let start = 0; start < ids.length; start += PAGE) {
    const query = { ...queryOf(inferences), ids: ids.slice(start, start + PAGE) }
    for await (const row of project.inferences.select(query)) partners.set(row.id, row)
  }
  return partners
}
