import { NgramIndex } from '@regraft/methods'
import { z } from 'zod'
import { rowId } from '../capture/index.ts'
import { defineStep, type Selection } from '../lineage/index.ts'
import type { InferenceRow, NewExample, ProjectStore } from '../store/types.ts'
import { type Candidate, DECISIONS, EXAMPLE_KINDS, type ExampleBody } from './candidates.ts'
import type { DropReason } from './demonstrations.ts'
import { comparedText, findExactDuplicates } from './duplicates.ts'
import type { DroppedRow, SnapshotManifest, SnapshotRow, Suite } from './manifest.ts'
import { readDecisions } from './read-decisions.ts'
import { sourceOf } from './row-source.ts'
import { splitByTime } from './split.ts'

const PAGE = 1000

export const SnapshotParameters = z.object({
  /** Rows of another task are passed over; rows that belong to none count for each. */
  task: z.string().nullable(),
  consent: z.string().nullable(),
  kind: z.enum(EXAMPLE_KINDS).default('demonstrations'),
  /** Share of the newest rows that are kept for validation. */
  validation: z.number().min(0).max(0.5),
})

/**
 * Makes a snapshot of selected traffic: examples of one kind, without exact duplicates, without what overlaps the sealed
 * suite, split by time. Example rows are stored under ids that follow from what they derive from.
 */
export const buildSnapshot = defineStep({
  name: 'datasets/build-snapshot',
  version: 1,
  determinism: 'seeded',
  input: SnapshotParameters,
  async run({ parameters, seed, inputs, read, project }) {
    const { kind, task } = parameters
    const selections = {
      inferences: await read<Selection>('inferences'),
      feedback: await read<Selection>('feedback'),
    }
    const suite = await read<Suite>('suite')
    const { kept, undecided } = await readDecisions(project, task, selections, DECISIONS[kind])
    const dropped = [...undecided]
    const drop = (
      { inference }: Candidate,
      reason: DropReason,
      details: Pick<DroppedRow, 'of' | 'rungs'> = {},
    ) => dropped.push({ inference: inference.id, source: sourceOf(inference), reason, ...details })

    const heldOut = new Set(suite.items.map(({ inference }) => inference))
    const duplicates = findExactDuplicates(kept.filter(({ inference }) => !heldOut.has(inference.id)))
    for (const [row, survivor] of duplicates) {
      drop(row, 'exact-duplicate', { of: survivor.inference.id })
    }
    const index = new NgramIndex(
      suite.items.map(({ id, messages }) => ({ id, text: comparedText(messages) })),
    )
    const clean = kept.filter((row) => {
      if (duplicates.has(row)) return false
      if (heldOut.has(row.inference.id)) {
        drop(row, 'held-out')
        return false
      }
      const [match] = index.match(comparedText(row.inference.payload.messages))
      if (!match) return true
      drop(row, 'evaluation-overlap', { of: match.id, rungs: match.rungs })
      return false
    })

    const dated = clean.map((row) => ({ row, id: row.inference.id, occurredAt: row.inference.occurredAt }))
    const { older, newer, by } = splitByTime(dated, parameters.validation, seed!)
    const examples = clean.flatMap(examplesOf)
    await project.examples.insert(examples)
    const digests = await digestsOf(
      project,
      examples.map(({ id }) => id),
    )
    const rowsOf = (part: typeof dated, split: SnapshotRow['split']) =>
      part.flatMap(({ row }) => snapshotRows(row, digests, split))
    const manifest: SnapshotManifest = {
      ...(kind === 'demonstrations' ? {} : { kind }),
      task,
      consent: parameters.consent,
      suite: inputs.find(({ role }) => role === 'suite')!.digest,
      splitBy: by,
      rows: [...rowsOf(older, 'train'), ...rowsOf(newer, 'validation')],
      dropped: dropped.sort((a, b) => (a.inference < b.inference ? -1 : 1)),
      coverage: index.coverage().map(({ rung, words, covered, tooShort }) => {
        return { rung, words, covered, tooShort: tooShort.length }
      }),
    }
    return [{ role: 'snapshot', kind: 'snapshot', schemaVersion: 1, value: manifest }]
  },
})

async function digestsOf(project: ProjectStore, ids: readonly string[]): Promise<Map<string, string>> {
  const digests = new Map<string, string>()
  for (let start = 0; start < ids.length; start += PAGE) {
    const page = ids.slice(start, start + PAGE)
    for await (const { id, digest } of project.examples.links({ ids: page })) digests.set(id, digest)
  }
  return digests
}

function examplesOf(row: Candidate): NewExample[] {
  const { inference, feedback, signal, examples } = row
  return examples.map((body) => ({
    id: exampleId(row, body),
    occurredAt: inference.occurredAt,
    derivedFrom: [inference.id, ...feedback.map(({ id }) => id)],
    payload: { messages: promptOf(inference), ...body, signal },
  }))
}

function exampleId({ inference, feedback }: Candidate, body: ExampleBody): string {
  const said =
    'kind' in body
      ? body.kind === 'preference'
        ? ['preference', body.chosen, body.rejected]
        : ['desirability', String(body.label), body.completion]
      : [body.completion]
  return rowId(inference.occurredAt, ['example', inference.id, ...feedback.map(({ id }) => id), ...said])
}

/** The conversation up to the answer. */
function promptOf({ payload }: InferenceRow) {
  return payload.messages.map(({ role, content }) => ({ role, content }))
}

function snapshotRows(
  row: Candidate,
  digests: Map<string, string>,
  split: SnapshotRow['split'],
): SnapshotRow[] {
  return row.examples.map((body) => {
    const id = exampleId(row, body)
    return {
      id,
      digest: digests.get(id)!,
      split,
      signal: row.signal,
      inference: row.inference.id,
      feedback: row.feedback.map((feedback) => feedback.id),
      source: sourceOf(row.inference),
      occurredAt: row.inference.occurredAt.toISOString(),
    }
  })
}
