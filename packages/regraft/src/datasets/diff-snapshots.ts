import type { DroppedRow, SnapshotManifest, SnapshotRow } from './manifest.ts'
import { sourceKey } from './row-source.ts'

/** What of a row differs between two snapshots that both have it. */
export type Change = 'answer' | 'split' | 'signal' | 'weight' | 'probability' | 'origin'

export interface ChangedRow {
  a: SnapshotRow
  b: SnapshotRow
  changes: Change[]
}

export interface SnapshotDiff {
  added: SnapshotRow[]
  /** With the reason for which the other snapshot left it out; null where it does not know the row. */
  removed: { row: SnapshotRow; reason: DroppedRow['reason'] | null }[]
  changed: ChangedRow[]
  unchanged: number
  /** Rows that only the second snapshot leaves out, by reason. */
  newlyDropped: Record<string, number>
  signals: Counts
  sources: Counts
  /** Facts of the whole that differ. */
  facts: { name: string; a: string; b: string }[]
}

/** Rows of each snapshot, by a name. */
export type Counts = Record<string, { a: number; b: number }>

/**
 * Compares two snapshots by the inferences that their rows were made from.
 *
 * Of several examples of one inference those with one id are the same, others are paired in their order. `isSameText` says
 * whether two examples with different digests hold the same texts, which manifests do not tell.
 */
export function diffSnapshots(
  a: SnapshotManifest,
  b: SnapshotManifest,
  isSameText: (a: SnapshotRow, b: SnapshotRow) => boolean,
): SnapshotDiff {
  const pairs = pairRows(a.rows, b.rows)
  const reasons = new Map(b.dropped.map(({ inference, reason }) => [inference, reason]))
  const droppedBefore = new Set(a.dropped.map(({ inference }) => inference))
  const compared = pairs.both.map(([before, after]) => ({
    a: before,
    b: after,
    changes: changesOf(before, after, isSameText),
  }))
  const changed = compared.filter(({ changes }) => changes.length > 0)
  return {
    added: pairs.onlyB,
    removed: pairs.onlyA.map((row) => ({ row, reason: reasons.get(row.inference) ?? null })),
    changed,
    unchanged: compared.length - changed.length,
    newlyDropped: countBy(
      b.dropped.filter(({ inference }) => !droppedBefore.has(inference)),
      ({ reason }) => reason,
    ),
    signals: counts(a, b, ({ signal }) => signal),
    sources: counts(a, b, ({ source }) => sourceKey(source)),
    facts: factsOf(a, b),
  }
}

/** Pairs of rows whose digests differ: what `isSameText` will be asked for. */
export function differingPairs(a: SnapshotManifest, b: SnapshotManifest): [SnapshotRow, SnapshotRow][] {
  return pairRows(a.rows, b.rows).both.filter(([before, after]) => before.digest !== after.digest)
}

function pairRows(a: readonly SnapshotRow[], b: readonly SnapshotRow[]) {
  const [before, after] = [a, b].map((rows) => Map.groupBy(rows, ({ inference }) => inference)) as [
    Map<string, SnapshotRow[]>,
    Map<string, SnapshotRow[]>,
  ]
  const both: [SnapshotRow, SnapshotRow][] = []
  const onlyA: SnapshotRow[] = []
  const onlyB: SnapshotRow[] = []
  for (const [inference, rows] of before) {
    const others = new Map((after.get(inference) ?? []).map((row) => [row.id, row]))
    const rest = rows.filter((row) => {
      const same = others.get(row.id)
      if (!same) return true
      both.push([row, same])
      others.delete(row.id)
      return false
    })
    const left = [...others.values()]
    rest.forEach((row, index) => {
      const other = left[index]
      if (other) both.push([row, other])
      else onlyA.push(row)
    })
    onlyB.push(...left.slice(rest.length))
  }
  for (const [inference, rows] of after) if (!before.has(inference)) onlyB.push(...rows)
  return { both, onlyA, onlyB }
}

function changesOf(
  a: SnapshotRow,
  b: SnapshotRow,
  isSameText: (a: SnapshotRow, b: SnapshotRow) => boolean,
): Change[] {
  const changes: Change[] = []
  if (a.digest !== b.digest && !isSameText(a, b)) changes.push('answer')
  for (const field of ['split', 'signal', 'weight', 'probability', 'origin'] as const) {
    if (a[field] !== b[field]) changes.push(field)
  }
  return changes
}

function counts(a: SnapshotManifest, b: SnapshotManifest, nameOf: (row: SnapshotRow) => string): Counts {
  const [before, after] = [countBy(a.rows, nameOf), countBy(b.rows, nameOf)]
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return Object.fromEntries(names.map((name) => [name, { a: before[name] ?? 0, b: after[name] ?? 0 }]))
}

function factsOf(a: SnapshotManifest, b: SnapshotManifest): SnapshotDiff['facts'] {
  const [before, after] = [a, b].map(describe) as [Map<string, string>, Map<string, string>]
  const names = [...new Set([...before.keys(), ...after.keys()])]
  return names.flatMap((name) => {
    const [old = 'none', now = 'none'] = [before.get(name), after.get(name)]
    return old === now ? [] : [{ name, a: old, b: now }]
  })
}

/** What a manifest says of the whole, in words. */
function describe(manifest: SnapshotManifest): Map<string, string> {
  const { task, consent, suite, fresh, splitBy, calibration, sources = [], coverage, replay, pii } = manifest
  const facts: [string, string | null | undefined][] = [
    ['task', task],
    ['consent', consent],
    ['suite', suite],
    ['fresh suite', fresh],
    ['split by', splitBy],
    ['calibration', calibration],
    ['uncalibrated rules', manifest.uncalibrated ? 'count' : null],
    ['weights', manifest.weights ? `effective sample size ${manifest.weights.effectiveSampleSize}` : null],
    ['replay', replay ? `past ${replay.past}, general ${replay.general}` : null],
    ['personal data', pii ? `${pii.mode}: ${pii.rows} rows` : null],
    ...sources.flatMap((entry): [string, string | null][] => [
      [`consent of ${entry.source}`, entry.consent],
      [`licence of ${entry.source}`, entry.licence],
    ]),
    ...coverage.map((entry): [string, string] => [
      `items that the rung ${entry.rung} covers`,
      `${entry.covered} of ${entry.covered + entry.tooShort}`,
    ]),
  ]
  return new Map(facts.flatMap(([name, value]) => (value == null ? [] : [[name, value] as const])))
}

function countBy<Item>(items: readonly Item[], nameOf: (item: Item) => string): Record<string, number> {
  const found: Record<string, number> = {}
  for (const item of items) found[nameOf(item)] = (found[nameOf(item)] ?? 0) + 1
  return found
}
