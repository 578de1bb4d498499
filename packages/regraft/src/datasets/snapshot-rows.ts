// The rows of a snapshot, read again as its build compared them with items: the conversation as it was asked, the answers as
// they are taught.
import { RegraftError } from '../errors/index.ts'
import type { ExampleBody } from '../signals/index.ts'
import type {
  ExamplePayload,
  ExampleRow,
  FeedbackRow,
  InferenceRow,
  ProjectStore,
  RowQuery,
} from '../store/types.ts'
import type { Candidate } from './candidates.ts'
import type { SnapshotManifest, SnapshotRow } from './manifest.ts'

const PAGE = 1000

export interface LearnedRows {
  /** Planted canaries are not among them: no build compares what it makes up. */
  rows: Candidate[]
  /**
   * Of rows whose answers were masked, each answer that may have been taught before the mask, as a row of its own under the
   * id of the inference: a build compares texts as they were.
   */
  unmasked: Candidate[]
}

/**
 * Reads what a snapshot teaches. Throws 'incompatible' when rows are gone, since nobody can compare them any more, and
 * 'digest-mismatch' for a row that is not the snapshot's.
 */
export async function readLearnedRows(
  project: ProjectStore,
  { rows, pii }: SnapshotManifest,
): Promise<LearnedRows> {
  const learned = rows.filter(({ origin }) => origin !== 'canary')
  const found: Found = {
    examples: await readById(
      project.examples,
      learned.map(({ id }) => id),
    ),
    inferences: await readById(
      project.inferences,
      learned.map(({ inference }) => inference),
    ),
    feedback: await readById(
      project.feedback,
      learned.flatMap(({ feedback }) => feedback),
    ),
  }
  requireAll(learned, found)
  const candidates = new Map<string, Candidate>()
  const masked = new Map<string, string[]>()
  for (const row of learned) {
    const { payload, derivedFrom } = found.examples.get(row.id)!
    const candidate = candidates.get(row.inference) ?? {
      inference: found.inferences.get(row.inference)!,
      signal: row.signal as Candidate['signal'],
      feedback: [],
      examples: [],
    }
    candidates.set(row.inference, {
      ...candidate,
      feedback: [...new Set([...candidate.feedback, ...row.feedback.map((id) => found.feedback.get(id)!)])],
      examples: [...candidate.examples, bodyOf(payload)],
    })
    if (pii?.mode === 'mask' && row.pii !== undefined) {
      masked.set(row.inference, [...(masked.get(row.inference) ?? []), ...derivedFrom])
    }
  }
  const origins = await readById(project.inferences, [...masked.values()].flat())
  const isThere = (id: string) => origins.has(id) || found.feedback.has(id)
  refuseGone([...masked].filter(([, from]) => !from.every(isThere)).map(([id]) => id))
  return {
    rows: [...candidates.values()],
    unmasked: [...masked].flatMap(([id, from]) => {
      const candidate = candidates.get(id)!
      const answers = [
        ...candidate.feedback.flatMap(wordsOf),
        ...from.flatMap((of) => answersOf(origins.get(of))),
      ]
      return [...new Set(answers)].map((completion) => ({ ...candidate, examples: [{ completion }] }))
    }),
  }
}

interface Found {
  examples: Map<string, ExampleRow>
  inferences: Map<string, InferenceRow>
  feedback: Map<string, FeedbackRow>
}

async function readById<Stored extends { id: string }>(
  table: { select(query: RowQuery): AsyncIterable<Stored> },
  ids: readonly string[],
): Promise<Map<string, Stored>> {
  const wanted = [...new Set(ids)]
  const found = new Map<string, Stored>()
  for (let start = 0; start < wanted.length; start += PAGE) {
    for await (const row of table.select({ ids: wanted.slice(start, start + PAGE) })) found.set(row.id, row)
  }
  return found
}

function requireAll(rows: readonly SnapshotRow[], { examples, inferences, feedback }: Found): void {
  const gone = new Set<string>()
  for (const row of rows) {
    const example = examples.get(row.id)
    if (!example || !inferences.has(row.inference) || !row.feedback.every((id) => feedback.has(id))) {
      gone.add(row.inference)
    } else if (example.digest !== row.digest) {
      throw new RegraftError('digest-mismatch', `the example ${row.id} is not the one of the snapshot`)
    }
  }
  refuseGone([...gone])
}

function refuseGone(rows: string[]): void {
  if (rows.length === 0) return
  throw new RegraftError(
    'incompatible',
    `${rows.length} rows of the snapshot are gone, erased with their end user: nobody can compare them with evaluation items that came later`,
    {
      hint: 'regraft datasets build, then train again: an adapter that has learned from an erased person has to be replaced anyway',
      details: { rows },
    },
  )
}

function bodyOf(payload: ExamplePayload): ExampleBody {
  if (payload.kind === 'preference') {
    const { kind, chosen, rejected } = payload
    return { kind, chosen, rejected }
  }
  if (payload.kind === 'desirability') {
    const { kind, completion, label } = payload
    return { kind, completion, label }
  }
  return { completion: payload.completion }
}

/** What somebody wrote in the place of an answer. */
function wordsOf({ payload }: FeedbackRow): string[] {
  return 'value' in payload && typeof payload.value === 'string' ? [payload.value] : []
}

/** The answers that were given to a call. */
function answersOf(inference: InferenceRow | undefined): string[] {
  if (inference === undefined) return []
  const { response, candidates = [] } = inference.payload
  return [...(response === null ? [] : [response]), ...candidates.map(({ content }) => content)]
}
