import { z } from 'zod'
import { type ImportedFile, parseFile, Reading } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import { defineStep, type Selection } from '../lineage/index.ts'
import { compileRows, type ExampleBody, UNCALIBRATED } from '../signals/index.ts'
import { entitiesOf } from './entities.ts'
import { checkSlices, fieldNames, readItemParts } from './item-fields.ts'
import { SPLITS, splitRows } from './splits/index.ts'
import { heldOutItem, suiteItemOf } from './suite.ts'
import { readSuite, type SealedSuite, sealItems } from './vault/index.ts'

/** A labelled file becomes a sealed suite. A row that cannot be an item is reported, not dropped in silence. */
export const sealSuite = defineStep({
  name: 'datasets/seal-suite',
  version: 3,
  determinism: 'pure',
  input: z.object({
    name: z.string(),
    reading: Reading,
    /** Fields with words of the operator by which results are broken down; absent for none. */
    slices: z.array(z.string()).min(1).optional(),
    /** Field with the answers to choose from. */
    choices: z.string().optional(),
  }),
  async run({ parameters, read, blobs, project, report }) {
    const { name, reading, slices = [], choices = null } = parameters
    const file = await read<ImportedFile>('file')
    const bytes = await blobs.read(file.digest)
    const items = []
    const leftOut: { line: number; reason: string }[] = []
    let count = 0
    const wanted = { slices, choices }
    const fields = fieldNames(wanted, reading.format === 'csv')
    const origin = { digest: file.digest, importedAt: new Date(0), fields }
    for await (const row of parseFile(bytes, reading, origin)) {
      report(++count)
      if ('reason' in row) {
        leftOut.push({ line: row.line, reason: row.reason })
        continue
      }
      const subject = row.user === undefined ? null : await project.keys.subjectOf(row.user)
      const item = suiteItemOf(row, subject)
      const parts = item && readItemParts(row.fields ?? {}, wanted, item.expected)
      if (item === null || parts === null) leftOut.push({ line: row.line, reason: 'has no label' })
      else if ('reason' in parts) leftOut.push({ line: row.line, reason: parts.reason })
      else items.push({ ...item, ...parts })
    }
    checkSlices(items, slices)
    if (items.length === 0) {
      const [first] = leftOut
      const problem =
        first && first.reason !== 'has no label'
          ? `no row of the file can be an item; line ${first.line} ${first.reason}`
          : 'no row of the file has a label'
      throw new RegraftError('invalid-file', problem, {
        hint: 'name the column of the right answer with --label',
      })
    }
    const sealed = await sealItems(project.keys, name, items)
    const suite: SealedSuite = { name, scoring: 'exact-match', items: sealed, leftOut }
    return [{ role: 'suite', kind: 'suite', schemaVersion: 2, value: suite }]
  },
})

/**
 * A share of the rows with a known answer becomes a suite: for whoever has no labelled file, and for the fresh slice of a
 * cycle. Rows that are items of an input `suite` are no candidates.
 */
export const holdOutSuite = defineStep({
  name: 'datasets/hold-out-suite',
  version: 3,
  determinism: 'seeded',
  input: z.object({
    name: z.string(),
    task: z.string().nullable(),
    share: z.number(),
    splitBy: z.enum(SPLITS).default('time'),
    /** Only rows from this time on (ISO 8601). */
    since: z.iso.datetime().nullable().default(null),
  }),
  async run({ parameters, seed, inputs, read, project }) {
    const { name, task, share, splitBy, since } = parameters
    const selections = {
      inferences: await read<Selection>('inferences'),
      feedback: await read<Selection>('feedback'),
    }
    const options = { task, kind: 'demonstrations', policy: UNCALIBRATED } as const
    const kept = await compileRows(project, selections, options)
    const taken = new Set<string>()
    for (const { digest } of inputs.filter(({ role }) => role === 'suite')) {
      const { items } = await readSuite(project, digest)
      for (const { inferences } of items) for (const id of inferences) taken.add(id)
    }
    const rows = kept
      .filter(({ inference }) => !taken.has(inference.id))
      .filter(({ inference }) => since === null || inference.occurredAt >= new Date(since))
      .map((row) => ({
        row,
        id: row.inference.id,
        occurredAt: row.inference.occurredAt,
        entities: entitiesOf(row.inference),
        label: answerOf(row.examples[0]!),
      }))
    const parts = splitRows(rows, { by: splitBy, share, seed: seed! })
    const items = parts.taken.flatMap(({ row }) =>
      row.examples.map((example) => heldOutItem(row.inference, answerOf(example))),
    )
    const sealed = await sealItems(project.keys, name, items)
    const suite: SealedSuite = { name, scoring: 'exact-match', items: sealed, leftOut: [] }
    return [{ role: 'suite', kind: 'suite', schemaVersion: 2, value: suite }]
  },
})

function answerOf(example: ExampleBody): string {
  return 'completion' in example ? example.completion : example.chosen
}
