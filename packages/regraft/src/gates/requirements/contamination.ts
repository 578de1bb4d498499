import type { SnapshotManifest, SnapshotScreening } from '../../datasets/index.ts'
import { suitesKeptOut } from '../../datasets/index.ts'
import type { Draft, Evidence, Read, RequirementKind, SettingsOf } from './requirement.ts'

/**
 * The report of the build of the adapter's snapshot: every suite that judges was screened against, then or, where it has grown
 * since, now, and nothing that was found was left in. What no rung can see is said, and does not decide.
 */
export const contamination: RequirementKind<SettingsOf<'contamination'>> = {
  needs: () => [],
  decide(_settings, evidence) {
    const { snapshot, suites } = evidence
    const title = 'learned from nothing that judges it'
    if (snapshot === null) {
      return {
        ...{ outcome: 'cannot-tell', title, n: 0, evidence: [] },
        reason: 'it was trained elsewhere: its rows are not known, and no number of items settles it',
      }
    }
    const manifest = snapshot.value
    const kept = suitesKeptOut(manifest)
    const grown = screeningsIn(evidence)
    const screened = new Set(grown.map(({ suite }) => suite))
    const unscreened = Object.entries(suites).filter(
      ([name, digest]) => !kept.includes(digest) && !screened.has(name),
    )
    const paraphrases = [
      ...(manifest.paraphrases ?? []),
      ...grown.flatMap(({ read }) => read.value.paraphrases ?? []),
    ]
    const faults = [
      ...unscreened.map(
        ([name]) =>
          `the suite ${name} was not screened against: regraft datasets build keeps out what gates.requirements names`,
      ),
      ...paraphrases
        .filter(({ dropped, rows }) => !dropped && rows > 0)
        .map(
          ({ rows, embedder, threshold }) =>
            `${rows} rows resemble an item (${embedder}, similarity ${threshold} or more) and were left in`,
        ),
      ...grown.flatMap(faultsOf),
    ]
    const rows = manifest.rows.filter(({ split }) => split === 'train').length
    return {
      outcome: faults.length === 0 ? 'pass' : 'fail',
      title,
      n: rows,
      unit: 'training rows',
      reason: [...faults, describeScreen(manifest, rows), ...grown.map(describeGrown)].join('; '),
      evidence: [
        snapshot.digest,
        ...paraphrases.map(({ measurement }) => measurement),
        ...grown.map(({ read }) => read.digest),
      ],
    } satisfies Draft
  },
}

/**
 * What the screening of the adapter's rows against suites that have grown says: part of every gate on such a suite. Rows that
 * only resemble items are counted, as a build counts them; `contamination` decides on them. Null where no suite has grown.
 */
export function addedItems(evidence: Evidence): Draft | null {
  const grown = screeningsIn(evidence)
  if (grown.length === 0) return null
  const faults = grown.flatMap(faultsOf)
  return {
    outcome: faults.length === 0 ? 'pass' : 'fail',
    title: `learned from nothing that was added to ${grown.map(({ suite }) => suite).join(', ')}`,
    n: Math.max(...grown.map(({ read }) => read.value.rows)),
    unit: 'rows of its snapshot',
    reason: [...faults, ...grown.map(describeGrown)].join('; '),
    evidence: grown.map(({ read }) => read.digest),
  }
}

interface Grown {
  suite: string
  read: Read<SnapshotScreening>
}

function screeningsIn({ suites, screening }: Evidence): Grown[] {
  return Object.keys(suites).flatMap((suite) => {
    const read = screening(suite)
    return read === null ? [] : { suite, read }
  })
}

function faultsOf({ suite, read }: Grown): string[] {
  const { found } = read.value
  if (found.length === 0) return []
  return [
    `${found.length} rows hold items of ${suite}, which has grown since the build: build with --evaluation ${suite} and train again`,
  ]
}

function describeGrown({ suite, read }: Grown): string {
  const { rows, items, added, coverage, paraphrases } = read.value
  const near = paraphrases?.map(
    ({ rows: resembling, embedder, threshold }) =>
      `${resembling} rows resemble an item (${embedder}, similarity ${threshold} or more)`,
  )
  return [
    `${suite} has grown since the build: ${rows} rows were compared with its ${items} items, ${added} of them new`,
    ...(near ?? ['paraphrases were not looked for, as in the build']),
    ...describeUnseen(coverage),
  ].join('; ')
}

function describeScreen({ dropped, coverage }: SnapshotManifest, rows: number): string {
  const found = dropped.filter(({ reason }) => reason.startsWith('evaluation-')).length
  return [
    `${rows} rows learned from, ${found} left out for what they share with items`,
    ...describeUnseen(coverage),
  ].join('; ')
}

function describeUnseen(coverage: SnapshotManifest['coverage']): string[] {
  return coverage
    .filter(({ text, tooShort }) => text !== 'answer' && tooShort > 0)
    .map(({ rung, tooShort, words }) => `${tooShort} items are too short for ${rung} (${words} words)`)
}
