import { z } from 'zod'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation } from '../operation/index.ts'
import type { ExamplePayload, ProjectStore } from '../store/types.ts'
import { type ChangedRow, differingPairs, diffSnapshots, type SnapshotDiff } from './diff-snapshots.ts'
import { DROP_EXPLANATIONS } from './drop-explanations.ts'
import { kindOf, type SnapshotRow } from './manifest.ts'
import { requireSnapshot } from './require-snapshot.ts'
import { describePlaces } from './row-source.ts'

/** A result lists this many rows of each list; the counts hold them all. */
const LISTED = 1000
const SHOWN = 8
const PAGE = 500

const Row = z.object({
  inference: z.string(),
  place: z.string().describe('where it came from, in words'),
  signal: z.string(),
  split: z.string(),
})
const Counts = z.record(z.string(), z.object({ a: z.int(), b: z.int() }))
const Side = z.object({
  snapshot: z.string().describe('digest'),
  kind: z.string(),
  train: z.int(),
  validation: z.int(),
  dropped: z.int(),
})

const DiffOutput = z.object({
  a: Side,
  b: Side,
  added: z.int(),
  removed: z.int(),
  changed: z.int(),
  unchanged: z.int(),
  changes: z
    .record(z.string(), z.int())
    .describe('changed rows by what changed; a row may count several times'),
  removedBecause: z
    .record(z.string(), z.int())
    .describe('removed rows by the reason that the second snapshot gives'),
  newlyDropped: z.record(z.string(), z.int()).describe('rows that only the second leaves out, by reason'),
  signals: Counts,
  sources: Counts,
  facts: z
    .array(z.object({ name: z.string(), a: z.string(), b: z.string() }))
    .describe('what differs of the whole: suite, consent, coverage and more'),
  rows: z
    .object({
      added: z.array(Row),
      removed: z.array(Row.extend({ reason: z.string() })),
      changed: z.array(Row.extend({ changes: z.array(z.string()) })),
    })
    .describe(`the first ${LISTED} of each, without their texts`),
})
type DiffOutput = z.output<typeof DiffOutput>

const UNKNOWN = 'not in its traffic'

/** What has come, gone and changed between two snapshots, and why. */
export const diffOperation = defineOperation({
  name: 'datasets diff',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Compare two snapshots: rows added, removed and changed, reasons, and what else differs',
  input: z.object({
    a: z.string().min(1).describe('the older snapshot: its digest, the beginning of it, or an alias'),
    b: z.string().min(1).default('snapshot/latest').describe('the newer one'),
  }),
  output: DiffOutput,
  positionals: ['a', 'b'],
  example: 'regraft datasets diff 1f0c2ab9 snapshot/latest',
  render,
  async run({ store }, input) {
    const [a, b] = [await requireSnapshot(store, input.a), await requireSnapshot(store, input.b)]
    const same = await sameTexts(store, differingPairs(a.manifest, b.manifest))
    const diff = diffSnapshots(a.manifest, b.manifest, (before, after) =>
      same.has(`${before.id} ${after.id}`),
    )
    const side = ({ digest, manifest }: typeof a) => ({
      ...{ snapshot: digest, kind: kindOf(manifest), dropped: manifest.dropped.length },
      train: manifest.rows.filter(({ split }) => split === 'train').length,
      validation: manifest.rows.filter(({ split }) => split === 'validation').length,
    })
    return {
      ...{ a: side(a), b: side(b) },
      ...{ added: diff.added.length, removed: diff.removed.length, changed: diff.changed.length },
      ...{ unchanged: diff.unchanged, newlyDropped: diff.newlyDropped },
      changes: countAll(diff.changed.flatMap(({ changes }) => changes)),
      removedBecause: countAll(diff.removed.map(({ reason }) => reason ?? UNKNOWN)),
      ...{ signals: diff.signals, sources: diff.sources, facts: diff.facts },
      rows: await listRows(store, diff),
    }
  },
})

/** Names the pairs whose examples hold the same texts and label; examples that cannot be read any more are not among them. */
async function sameTexts(store: ProjectStore, pairs: [SnapshotRow, SnapshotRow][]): Promise<Set<string>> {
  const same = new Set<string>()
  for (let start = 0; start < pairs.length; start += PAGE) {
    const page = pairs.slice(start, start + PAGE)
    const texts = new Map<string, string>()
    for await (const { id, payload } of store.examples.select({ ids: page.flat().map(({ id }) => id) })) {
      texts.set(id, textsOf(payload))
    }
    for (const [before, after] of page) {
      const text = texts.get(before.id)
      if (text !== undefined && text === texts.get(after.id)) same.add(`${before.id} ${after.id}`)
    }
  }
  return same
}

function textsOf({
  signal: _signal,
  probability: _probability,
  weight: _weight,
  ...rest
}: ExamplePayload): string {
  return JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)))
}

async function listRows(store: ProjectStore, diff: SnapshotDiff): Promise<DiffOutput['rows']> {
  const listed = async (rows: SnapshotRow[]) => {
    const places = await describePlaces(store, rows)
    return rows.map(({ inference, signal, split }, index) => ({
      inference,
      place: places[index]!,
      signal,
      split,
    }))
  }
  const removed = diff.removed.slice(0, LISTED)
  const changed: ChangedRow[] = diff.changed.slice(0, LISTED)
  const [gone, other] = [await listed(removed.map(({ row }) => row)), await listed(changed.map(({ b }) => b))]
  return {
    added: await listed(diff.added.slice(0, LISTED)),
    removed: gone.map((row, index) => ({ ...row, reason: removed[index]!.reason ?? UNKNOWN })),
    changed: other.map((row, index) => ({ ...row, changes: changed[index]!.changes })),
  }
}

function render(output: DiffOutput): string {
  const { a, b, rows } = output
  const rest = (shown: number, all: number) => (all > shown ? [`    and ${all - shown} more: --json`] : [])
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')
  const lines = [
    `${shortDigest(a.snapshot)} → ${shortDigest(b.snapshot)}: ${a.train} + ${a.validation} rows → ${b.train} + ${b.validation} (train + validation)`,
    `  ${output.added} added, ${output.removed} removed, ${output.changed} changed, ${output.unchanged} as before`,
  ]
  if (a.kind !== b.kind) lines.push(`  of different kinds: ${a.kind} and ${b.kind}`)
  if (output.changed > 0) {
    lines.push(`  changed: ${list(output.changes)}`)
    for (const row of rows.changed.slice(0, SHOWN)) lines.push(`    ${row.place}: ${row.changes.join(', ')}`)
    lines.push(...rest(SHOWN, output.changed))
  }
  if (output.removed > 0) {
    lines.push(`  removed: ${list(output.removedBecause)}`)
    for (const row of rows.removed.slice(0, SHOWN)) lines.push(`    ${row.place}: ${row.reason}`)
    lines.push(...rest(SHOWN, output.removed))
  }
  for (const [reason, count] of Object.entries(output.newlyDropped)) {
    const words = DROP_EXPLANATIONS[reason as keyof typeof DROP_EXPLANATIONS] ?? reason
    lines.push(`  newly left out: ${count}  ${words}`)
  }
  for (const [title, counts] of [
    ['signal', output.signals],
    ['source', output.sources],
  ] as const) {
    for (const [name, { a: before, b: after }] of Object.entries(counts)) {
      if (before !== after) lines.push(`  ${title} ${shortened(name)}: ${before} → ${after}`)
    }
  }
  for (const { name, a: before, b: after } of output.facts) {
    lines.push(`  ${shortened(name)}: ${shortened(before)} → ${shortened(after)}`)
  }
  return lines.join('\n')
}

/** For a terminal: digests by their beginnings. */
function shortened(text: string): string {
  return text.replace(/sha256:[0-9a-f]{64}/g, shortDigest)
}

function countAll(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
