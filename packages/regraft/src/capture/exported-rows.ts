// Rows of exported snapshots bear a member "regraft" beside what other tools read. An import makes of each inference's rows
// an inference and feedback that compile to the same examples: replaced and rated answers become candidates, and each
// event states what its signal counted for in the snapshot.
import { z } from 'zod'
import { findUnstorableIn } from '../operation/index.ts'
import type { FeedbackPayload, Message, NewFeedback } from '../store/types.ts'
import { type FileOrigin, importedPayload, type ParsedRow, type PassedRow } from './parsed-row.ts'
import { rowId } from './row-ids.ts'

const EVENTS = [
  'correction',
  'edit',
  'label',
  'comment',
  'thumbs',
  'accept',
  'copy',
  'abandon',
  'regenerate',
  'rephrase',
  'vote',
  'judgement',
] as const satisfies readonly FeedbackPayload['type'][]

/** What the member "regraft" of an exported row says. */
export const ExportedNote = z.object({
  snapshot: z.string(),
  kind: z.enum(['demonstrations', 'preferences', 'desirability']),
  split: z.enum(['train', 'validation']),
  signal: z.enum([...EVENTS, 'canary', 'teacher']),
  inference: z.uuid(),
  feedback: z.array(z.uuid()),
  source: z.string(),
  at: z.iso.datetime(),
  consent: z.string().nullish(),
  licence: z.string().nullish(),
  probability: z.number().min(0).max(1).nullish(),
  weight: z.number().min(0).nullish(),
  propensity: z.number().gt(0).max(1).nullish(),
  /** Keyed hash of the end user in the project that exported the row. */
  subject: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullish(),
})
export type ExportedNote = z.output<typeof ExportedNote>

const Messages = z.array(z.looseObject({ role: z.string(), content: z.string() })).min(1)
const Answer = z.array(z.looseObject({ role: z.literal('assistant'), content: z.string().min(1) })).length(1)

const Row = z.union([
  z.looseObject({ prompt: Messages, chosen: Answer, rejected: Answer }),
  z.looseObject({ prompt: Messages, completion: Answer, label: z.boolean() }),
  z.looseObject({ messages: Messages.min(2) }),
])

/** A row of an export: its note, the conversation up to the answer, and the answers. */
export interface ExportedRow {
  line: number
  note: ExportedNote
  prompt: Message[]
  answers:
    | { completion: string }
    | { completion: string; label: boolean }
    | { chosen: string; rejected: string }
}

/** Reads a row of an export; null for any other row, a reason for one whose note or answers are damaged. */
export function readExported(
  record: Record<string, unknown>,
  line: number,
): ExportedRow | { reason: string } | null {
  if (typeof record.regraft !== 'object' || record.regraft === null) return null
  const note = ExportedNote.safeParse(record.regraft)
  if (!note.success) {
    const { path, message } = note.error.issues[0]!
    return { reason: `has a member "regraft" that no export has written: ${path.join('.')} ${message}` }
  }
  const row = Row.safeParse(record)
  if (!row.success) return { reason: 'has a member "regraft" and no conversation of its kind' }
  const plain = (messages: z.output<typeof Messages>) =>
    messages.map(({ role, content }) => ({ role, content }))
  const { data } = row
  const read = (kind: ExportedNote['kind'], prompt: Message[], answers: ExportedRow['answers']) =>
    kind === note.data.kind
      ? { line, note: note.data, prompt, answers }
      : { reason: `is of the kind ${note.data.kind} by its member "regraft", and of another by its fields` }
  if (isPair(data)) {
    const [chosen, rejected] = [data.chosen[0]!.content, data.rejected[0]!.content]
    return read('preferences', plain(data.prompt), { chosen, rejected })
  }
  if (isRated(data)) {
    return read('desirability', plain(data.prompt), {
      completion: data.completion[0]!.content,
      label: data.label,
    })
  }
  const messages = plain((data as { messages: z.output<typeof Messages> }).messages)
  const answer = messages.at(-1)!
  if (answer.role !== 'assistant') return { reason: 'has a member "regraft" and no answer to learn' }
  return read('demonstrations', messages.slice(0, -1), { completion: answer.content })
}

type RowData = z.output<typeof Row>
const isPair = (row: RowData): row is Extract<RowData, { chosen: unknown }> =>
  'chosen' in row && 'rejected' in row
const isRated = (row: RowData): row is Extract<RowData, { label: unknown }> =>
  'label' in row && 'completion' in row

/** Whether two rows are examples of one inference, which follow each other in an export. */
export function ofOneInference(a: ExportedRow, b: ExportedRow): boolean {
  return a.note.inference === b.note.inference && a.note.kind === b.note.kind
}

/** Makes an inference and its feedback of the rows of one inference. Canaries are passed over: a build plants its own. */
export function exportedInference(rows: readonly ExportedRow[], origin: FileOrigin): ParsedRow | PassedRow {
  const [{ line, note, prompt }] = rows as [ExportedRow]
  if (note.signal === 'canary') return { line, passed: 'canaries of a snapshot' }
  if (note.signal === 'teacher') return { line, passed: 'answers of an adapter' }
  const other = rows.find((row) => JSON.stringify(row.prompt) !== JSON.stringify(prompt))
  if (other)
    return { line: other.line, reason: 'has another conversation than the row before of the same inference' }
  const answers = answersOf(rows)
  const id = rowId(new Date(note.at), ['snapshot', note.kind, note.inference])
  const subject = note.subject ?? null
  const payload = importedPayload(origin, line, {
    messages: prompt,
    response: answers[0] ?? null,
    ...(answers.length > 1
      ? { candidates: answers.map((content) => ({ content, finishReason: null })) }
      : {}),
    origin: { source: note.source, consent: note.consent ?? null, licence: note.licence ?? null },
  })
  const at = new Date(note.at)
  const common = {
    inferenceId: id,
    occurredAt: at,
    derivedFrom: [id],
    ...(subject === null ? {} : { subject }),
  }
  const feedback = new Map<string, NewFeedback>()
  for (const [index, row] of rows.entries()) {
    const event = eventOf(row, rows, answers)
    if (event === null) continue
    const eventId = rowId(at, ['snapshot', note.kind, row.note.feedback[0] ?? index, event.type])
    feedback.set(eventId, { id: eventId, ...common, payload: event })
  }
  const found = findUnstorableIn({ ...payload, feedback: [...feedback.values()].map((row) => row.payload) })
  if (found) return { line, reason: `${found.path} ${found.reason}` }
  return {
    line,
    inference: {
      id,
      occurredAt: at,
      derivedFrom: [note.inference],
      sourceKey: null,
      ...(subject === null ? {} : { subject }),
      payload,
    },
    feedback: [...feedback.values()],
  }
}

const REPLACEMENTS: readonly string[] = ['label', 'correction', 'edit']

/** Answers that were given, as far as the rows tell: what replaced them is only in the feedback. */
function answersOf(rows: readonly ExportedRow[]): string[] {
  const given = rows.flatMap(({ note, answers }) => {
    const replaces = REPLACEMENTS.includes(note.signal)
    if ('chosen' in answers) return replaces ? [answers.rejected] : [answers.rejected, answers.chosen]
    if ('label' in answers) return replaces && answers.label ? [] : [answers.completion]
    return replaces ? [] : [answers.completion]
  })
  return [...new Set(given)]
}

/** The event that makes a row's example; null for a replaced answer, which the event of its replacement makes bad. */
function eventOf(
  { note, answers }: ExportedRow,
  rows: readonly ExportedRow[],
  given: string[],
): FeedbackPayload | null {
  const { signal, probability, weight } = note
  const at = (answer: string) => {
    const candidate = given.indexOf(answer)
    return candidate > 0 ? { candidate } : {}
  }
  const context = {
    author: null,
    stated: {
      signal: signal as FeedbackPayload['type'],
      ...(probability == null ? {} : { probability }),
      ...(weight == null ? {} : { weight }),
    },
  }
  if ('chosen' in answers) {
    const { chosen, rejected } = answers
    if (signal === 'label' || signal === 'correction' || signal === 'edit') {
      return { type: signal, value: chosen, ...context, ...at(rejected) }
    }
    return {
      type: 'vote',
      value: 'lose',
      ...context,
      ...at(rejected),
      other: { candidate: given.indexOf(chosen) },
    }
  }
  const { completion } = answers
  const label = 'label' in answers ? answers.label : true
  if (signal === 'label' || signal === 'correction' || signal === 'edit') {
    if (label) {
      const replaced = rows.find((row) => isReplacedBy(row, note))
      const where = replaced && 'completion' in replaced.answers ? at(replaced.answers.completion) : {}
      return { type: signal, value: completion, ...context, ...where }
    }
    if (rows.some((row) => 'label' in row.answers && row.answers.label && row.note.signal === signal))
      return null
    return { type: 'thumbs', value: -1, ...context, ...at(completion) }
  }
  const where = { ...context, ...at(completion) }
  if (signal === 'accept' || signal === 'copy') return { type: signal, ...where }
  if (!label && (signal === 'abandon' || signal === 'rephrase')) return { type: signal, ...where }
  return { type: 'thumbs', value: label ? 1 : -1, ...where }
}

function isReplacedBy({ answers, note }: ExportedRow, by: ExportedNote): boolean {
  return (
    'label' in answers && !answers.label && note.signal === by.signal && note.feedback[0] === by.feedback[0]
  )
}
