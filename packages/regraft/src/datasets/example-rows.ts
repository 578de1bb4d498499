import { rowId } from '../capture/index.ts'
import type { CompiledExample } from '../signals/index.ts'
import type { Message, NewExample } from '../store/types.ts'
import type { Candidate } from './candidates.ts'
import type { SnapshotRow } from './manifest.ts'
import { sourceOf } from './row-source.ts'

/** The example rows of a candidate, under ids that follow from what they are made from and hold. */
export function examplesOf(row: Candidate): NewExample[] {
  const { inference } = row
  return row.examples.map((example) => {
    const { from, ...body } = example
    const { signal, feedback, probability, weight } = statementOf(row, example)
    return {
      id: exampleId(row, example),
      occurredAt: inference.occurredAt,
      derivedFrom: [inference.id, ...feedback.map(({ id }) => id), ...(from?.others ?? [])],
      // What an end user wrote stays under their key, also where the call was nobody's.
      subject: inference.subject ?? feedback.find((row) => row.subject !== null)?.subject ?? null,
      payload: {
        messages: promptOf(row),
        ...body,
        signal,
        ...(probability === undefined ? {} : { probability }),
        ...(weight === undefined ? {} : { weight }),
      },
    }
  })
}

/** The same rows as the manifest names them. */
export function snapshotRows(
  row: Candidate,
  digests: ReadonlyMap<string, string>,
  split: SnapshotRow['split'],
  origin: SnapshotRow['origin'],
): SnapshotRow[] {
  const { propensity, pii } = row
  return row.examples.map((example) => {
    const id = exampleId(row, example)
    const { signal, feedback, probability, weight } = statementOf(row, example)
    const { from } = example
    return {
      id,
      digest: digests.get(id)!,
      split,
      signal,
      ...(from ? { rule: from.rule, signalId: from.signal } : {}),
      ...(from?.fault ? { fault: from.fault } : {}),
      ...(from && from.flags.length > 0 ? { flags: from.flags } : {}),
      inference: row.inference.id,
      feedback: feedback.map((each) => each.id),
      source: sourceOf(row.inference),
      occurredAt: row.inference.occurredAt.toISOString(),
      ...(origin === undefined ? {} : { origin }),
      ...(probability === undefined ? {} : { probability }),
      ...(weight === undefined ? {} : { weight }),
      ...(propensity === undefined ? {} : { propensity }),
      ...(pii === undefined ? {} : { pii }),
    }
  })
}

/** What an example rests on, else what the whole row does. */
function statementOf(row: Candidate, { from }: CompiledExample) {
  const feedback = from?.feedback ?? row.feedback
  return {
    feedback,
    signal: from?.feedback[0]?.payload.stated?.signal ?? from?.feedback[0]?.payload.type ?? row.signal,
    probability: from?.probability ?? row.probability,
    weight: from?.weight ?? row.weight,
  }
}

/** So that another weight or another mask is another row. */
function exampleId(row: Candidate, example: CompiledExample): string {
  const { inference, messages } = row
  const { feedback, probability, weight } = statementOf(row, example)
  const said =
    'kind' in example
      ? example.kind === 'preference'
        ? ['preference', example.chosen, example.rejected]
        : ['desirability', String(example.label), example.completion]
      : [example.completion]
  const more = [messages, probability, weight].map((value) =>
    value === undefined ? null : JSON.stringify(value),
  )
  return rowId(inference.occurredAt, [
    'example',
    inference.id,
    ...feedback.map(({ id }) => id),
    ...said,
    ...(more.every((part) => part === null) ? [] : more),
  ])
}

/** The conversation up to the answer. */
function promptOf({ inference, messages = inference.payload.messages }: Candidate): Message[] {
  return messages.map(({ role, content }) => ({ role, content }))
}
