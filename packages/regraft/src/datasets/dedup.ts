import { type Duplicate, DuplicateFinder, NearDuplicateIndex } from '@regraft/methods'
import { z } from 'zod'
import { defineOperation, InputFile, OutputFile } from '../operation/index.ts'
import { readPlainRows, toJsonLines, withoutRows } from './plain-rows.ts'
import { workOnTexts } from './text-pool.ts'

/** A result lists this many clusters; the report holds them all. */
const LISTED_CLUSTERS = 1000
const SHOWN_CLUSTERS = 20

const DedupInput = z.object({
  file: InputFile.describe('CSV with a header line, or JSON Lines: objects, or OpenAI messages'),
  field: z
    .string()
    .optional()
    .describe('field or column with the text; else messages, prompt, text, question or instruction'),
  threshold: z
    .number()
    .gt(0)
    .max(1)
    .default(0.7)
    .describe('word-bigram Jaccard similarity from which two rows are near duplicates †'),
  seed: z.int().default(1).describe('seed of the hash functions'),
  everyPair: z
    .boolean()
    .default(false)
    .describe('compare every two rows, dropped ones too, and list all pairs in the report'),
})

const Line = z.int().describe('line of the file')
const DedupOutput = z.object({
  rows: z.int(),
  kept: z.int(),
  exact: z.int().describe('rows left out because they repeat one once case and punctuation are dropped'),
  near: z.int().describe('rows left out because they are near duplicates of one'),
  threshold: z.number(),
  banding: z
    .object({ bands: z.int(), rows: z.int() })
    .describe('of the MinHash signatures that propose pairs'),
  pairs: z.int().nullable().describe('near-duplicate pairs, where every pair was asked for'),
  clusters: z
    .array(
      z.object({
        survivor: Line,
        reason: z.literal('first in the file'),
        dropped: z.array(
          z.object({ line: Line, similarity: z.number().nullable().describe('null for an equal text') }),
        ),
      }),
    )
    .describe(`the first ${LISTED_CLUSTERS} rows that stand for others`),
  out: OutputFile.describe('the rows that were kept, as they were'),
  report: OutputFile.describe(
    'a line for each row that was left out, and each pair where they were asked for',
  ),
})
type Dropped = z.output<typeof DedupOutput>['clusters'][number]['dropped'][number]

/** Exact and near duplicates of a plain file. */
export const dedupOperation = defineOperation({
  name: 'datasets dedup',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary: 'Find exact and near duplicates in a file, and write a copy without them',
  input: DedupInput,
  output: DedupOutput,
  positionals: ['file'],
  example: 'regraft datasets dedup rows.jsonl --field text --threshold 0.7 --out kept.jsonl',
  render: renderDedup,
  async run({ store, progress, signal }, { file, field, threshold, seed, everyPair }) {
    const options = { threshold, seed }
    const finder = new DuplicateFinder(options)
    const all = everyPair ? new NearDuplicateIndex(options) : null
    const lines: number[] = []
    const duplicates = new Map<number, Duplicate>()
    const pairs: { line: number; with: number; similarity: number }[] = []
    const stored = await store.blobs.open(file.digest)
    const rows = readPlainRows(stored.chunks(), file.name, field === undefined ? {} : { field })
    const texts = everythingOf(rows)
    for await (const { first, rows: batch, sketch } of workOnTexts(
      texts,
      { duplicates: options },
      { signal },
    )) {
      for (const [index, { line }] of batch.entries()) {
        lines.push(line)
        const duplicate = finder.next(sketch!, index)
        if (duplicate) duplicates.set(first + index, duplicate)
        for (const { position, similarity } of all?.find(sketch!, index) ?? []) {
          pairs.push({ line, with: lines[position]!, similarity })
        }
        all?.add(sketch!, index)
      }
      progress({ stage: 'compare', done: lines.length, unit: 'rows' })
    }
    progress({ stage: 'write', done: 0, total: lines.length, unit: 'rows' })
    const clusters = clustersOf(lines, duplicates)
    const exact = [...duplicates.values()].filter(({ similarity }) => similarity === null).length
    const dropped = new Set([...duplicates.keys()].map((row) => lines[row]!))
    const out = await store.blobs.put(withoutRows(stored.chunks(), lines, dropped))
    const report = await store.blobs.put(toJsonLines(reportOf(lines, duplicates, pairs)))
    return {
      rows: lines.length,
      kept: lines.length - duplicates.size,
      exact,
      near: duplicates.size - exact,
      threshold,
      banding: finder.banding,
      pairs: everyPair ? pairs.length : null,
      clusters: clusters.slice(0, LISTED_CLUSTERS),
      out: { ...out, name: `kept-${file.name}` },
      report: { ...report, name: 'duplicates.jsonl' },
    }
  },
})

/** A duplicate repeats question and answer: both are compared as one text. */
async function* everythingOf(rows: ReturnType<typeof readPlainRows>) {
  for await (const { line, prompt, answer } of rows) {
    yield { line, prompt: answer === null ? prompt : `${prompt}\n${answer}`, answer: null }
  }
}

function clustersOf(lines: readonly number[], duplicates: ReadonlyMap<number, Duplicate>) {
  const clusters = new Map<number, Dropped[]>()
  for (const [row, { of, similarity }] of duplicates) {
    const dropped = clusters.get(of)
    if (dropped) dropped.push({ line: lines[row]!, similarity })
    else clusters.set(of, [{ line: lines[row]!, similarity }])
  }
  return [...clusters]
    .sort(([a], [b]) => a - b)
    .map(([survivor, dropped]) => {
      return { survivor: lines[survivor]!, reason: 'first in the file' as const, dropped }
    })
}

function* reportOf(
  lines: readonly number[],
  duplicates: ReadonlyMap<number, Duplicate>,
  pairs: readonly object[],
): Generator<object> {
  for (const [row, { of, similarity }] of duplicates) {
    const reason = similarity === null ? 'exact-duplicate' : 'near-duplicate'
    yield { line: lines[row], dropped: reason, of: lines[of], similarity, survivor: 'first in the file' }
  }
  yield* pairs
}

function renderDedup(output: z.output<typeof DedupOutput>): string {
  const { rows, kept, exact, near, threshold, pairs, clusters } = output
  const shown = [
    `${kept} of ${rows} rows kept; left out: ${exact} exact duplicates, ${near} near duplicates (word-bigram Jaccard from ${threshold}†)`,
  ]
  if (pairs !== null) shown.push(`  ${pairs} pairs from ${threshold}† among all rows`)
  for (const { survivor, reason, dropped } of clusters.slice(0, SHOWN_CLUSTERS)) {
    const others = dropped
      .slice(0, 8)
      .map(({ line, similarity }) => `${line} (${similarity === null ? 'equal' : similarity.toFixed(2)})`)
    const more = dropped.length > others.length ? ` and ${dropped.length - others.length} more` : ''
    shown.push(`  line ${survivor} stays (${reason}), dropped: line ${others.join(', ')}${more}`)
  }
  if (clusters.length > SHOWN_CLUSTERS) shown.push('  and more: --json lists them, --report writes them')
  return shown.join('\n')
}
