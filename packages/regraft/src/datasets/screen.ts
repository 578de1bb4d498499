import { type ItemOverlap, ItemScreen, OVERLAP_RUNGS, type ScreenItem } from '@regraft/methods'
import { z } from 'zod'
import { defineOperation, InputFile, OutputFile } from '../operation/index.ts'
import { describeCoverage } from './coverage.ts'
import { type PlainFields, readPlainRows, toJsonLines, withoutRows } from './plain-rows.ts'
import { screenRows } from './screen-rows.ts'

/** A result lists this many rows; the report holds them all. */
const LISTED_ROWS = 1000
const SHOWN_ROWS = 20

const ScreenInput = z.object({
  file: InputFile.describe(
    'training rows: CSV with a header line, or JSON Lines: objects, or OpenAI messages',
  ),
  against: InputFile.describe('evaluation items, in any of these forms'),
  field: z
    .string()
    .optional()
    .describe('field or column of the training rows with what is asked; else what is usual'),
  answer: z.string().optional().describe('field or column of the training rows with the answer'),
  againstField: z
    .string()
    .optional()
    .describe('the same of the evaluation items; else as in the training rows'),
  againstAnswer: z
    .string()
    .optional()
    .describe('the same of the evaluation items; else as in the training rows'),
})

const Part = z.enum(['prompt', 'answer'])
const RowOverlap = z.object({
  line: z.int().describe('line of the training row'),
  item: z.int().describe('line of the evaluation item'),
  row: Part.describe('text of the row that overlaps'),
  of: Part.describe('text of the item that it overlaps'),
  rungs: z.array(z.enum(OVERLAP_RUNGS)),
  share: z
    .number()
    .nullable()
    .describe('highest containment or similarity; null where they only share an n-gram'),
})

const ScreenOutput = z.object({
  rows: z.int(),
  items: z.int(),
  overlapping: z.int().describe('rows that overlap an item'),
  itemsTouched: z.int().describe('items that a row overlaps'),
  rungs: z.record(z.string(), z.int()).describe('overlapping rows by rung; a row may count for several'),
  listed: z.array(RowOverlap).describe(`an overlap of each of the first ${LISTED_ROWS} such rows`),
  coverage: z.array(
    z.object({
      rung: z.enum(OVERLAP_RUNGS),
      text: Part,
      words: z.int(),
      covered: z.int(),
      tooShort: z.int(),
      repeated: z.int(),
    }),
  ),
  out: OutputFile.describe('the rows that overlap nothing, as they were'),
  report: OutputFile.describe('every overlap, a line each'),
})

/** The n-gram rungs of the firewall on plain files. */
export const screenOperation = defineOperation({
  name: 'datasets screen',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary: 'Find training rows that overlap evaluation items, and write a copy without them',
  input: ScreenInput,
  output: ScreenOutput,
  positionals: ['file'],
  example: 'regraft datasets screen train.jsonl --against eval.jsonl --out clean.jsonl',
  render: renderScreen,
  async run({ store, progress, signal }, input) {
    const { file, against } = input
    const own = fieldsOf(input.field, input.answer)
    progress({ stage: 'read items' })
    const items: ScreenItem[] = []
    const itemFields = fieldsOf(input.againstField ?? input.field, input.againstAnswer ?? input.answer)
    for await (const row of readPlainRows(
      (await store.blobs.open(against.digest)).chunks(),
      against.name,
      itemFields,
    )) {
      items.push({ id: String(row.line), prompt: row.prompt, answer: row.answer })
    }
    const lines: number[] = []
    const dropped = new Set<number>()
    const touched = new Set<string>()
    const rungs: Record<string, number> = {}
    const found: z.output<typeof RowOverlap>[] = []
    const listed: z.output<typeof RowOverlap>[] = []
    const stored = await store.blobs.open(file.digest)
    const rows = readPlainRows(stored.chunks(), file.name, own)
    const screened = await screenRows(rows, items, {
      signal,
      onBatch(batch) {
        for (const { line } of batch) lines.push(line)
        progress({ stage: 'screen', done: lines.length, unit: 'rows' })
      },
    })
    for (const { row, overlaps } of screened.found) {
      dropped.add(row.line)
      const described = overlaps.map((overlap) => describe(row.line, overlap))
      found.push(...described)
      if (listed.length < LISTED_ROWS) listed.push(described[0]!)
      for (const { id } of overlaps) touched.add(id)
      for (const rung of new Set(overlaps.flatMap((overlap) => overlap.rungs))) {
        rungs[rung] = (rungs[rung] ?? 0) + 1
      }
    }
    progress({ stage: 'write', done: 0, total: lines.length, unit: 'rows' })
    const out = await store.blobs.put(withoutRows(stored.chunks(), lines, dropped))
    const report = await store.blobs.put(toJsonLines(found))
    return {
      rows: lines.length,
      items: items.length,
      overlapping: dropped.size,
      itemsTouched: touched.size,
      stockAnswers: screened.stock,
      rungs,
      listed,
      coverage: new ItemScreen(items).coverage(),
      out: { ...out, name: `clean-${file.name}` },
      report: { ...report, name: 'overlaps.jsonl' },
    }
  },
})

function fieldsOf(field: string | undefined, answer: string | undefined): PlainFields {
  return { ...(field === undefined ? {} : { field }), ...(answer === undefined ? {} : { answer }) }
}

function describe(line: number, { id, row, item, rungs, share }: ItemOverlap): z.output<typeof RowOverlap> {
  return { line, item: Number(id), row, of: item, rungs, share }
}

function renderScreen(output: z.output<typeof ScreenOutput>): string {
  const { rows, items, overlapping, itemsTouched, rungs, listed, coverage } = output
  const counts = Object.entries(rungs).map(([rung, count]) => `${rung} ${count}`)
  const lines = [
    `${overlapping} of ${rows} rows overlap ${itemsTouched} of ${items} items${counts.length ? ` (${counts.join(', ')})` : ''}`,
  ]
  for (const { line, item, row, of, rungs: fired } of listed.slice(0, SHOWN_ROWS)) {
    const texts = row === 'prompt' && of === 'prompt' ? '' : ` (${row} against ${of})`
    lines.push(`  line ${line} repeats the item of line ${item}${texts}: ${fired.join(', ')}`)
  }
  if (overlapping > SHOWN_ROWS)
    lines.push(`  and ${overlapping - SHOWN_ROWS} more rows: --json lists them, --report writes them`)
  return [...lines, ...describeCoverage(coverage)].join('\n')
}
