import type { SnapshotManifest } from '../../datasets/index.ts'
import type { Draft, RequirementKind, SettingsOf } from './requirement.ts'

/** The suites that were kept out of a snapshot: its own, the fresh one, and further ones that the build was told of. */
export function suitesKeptOut({ suite, fresh, alsoKeptFrom = [] }: SnapshotManifest): string[] {
  return [suite, ...(fresh === undefined ? [] : [fresh]), ...alsoKeptFrom]
}

/**
 * The report of the build of the adapter's snapshot: every suite that judges was screened against, and nothing that was found
 * was left in. What no rung can see is said, and does not decide.
 */
export const contamination: RequirementKind<SettingsOf<'contamination'>> = {
  needs: () => [],
  decide(_settings, { snapshot, suites }) {
    const title = 'learned from nothing that judges it'
    if (snapshot === null) {
      return {
        ...{ outcome: 'cannot-tell', title, n: 0, evidence: [] },
        reason: 'it was trained elsewhere: its rows are not known, and no number of items settles it',
      }
    }
    const manifest = snapshot.value
    const kept = suitesKeptOut(manifest)
    const unscreened = Object.entries(suites).filter(([, digest]) => !kept.includes(digest))
    const left = (manifest.paraphrases ?? []).filter(({ dropped, rows }) => !dropped && rows > 0)
    const faults = [
      ...unscreened.map(
        ([name]) =>
          `the suite ${name} was not screened against: regraft datasets build keeps out what gates.requirements names`,
      ),
      ...left.map(
        ({ rows, embedder, threshold }) =>
          `${rows} rows resemble an item (${embedder}, similarity ${threshold} or more) and were left in`,
      ),
    ]
    const rows = manifest.rows.filter(({ split }) => split === 'train').length
    return {
      outcome: faults.length === 0 ? 'pass' : 'fail',
      title,
      n: rows,
      unit: 'training rows',
      reason: [...faults, describeScreen(manifest, rows)].join('; '),
      evidence: [snapshot.digest, ...(manifest.paraphrases ?? []).map(({ measurement }) => measurement)],
    } satisfies Draft
  },
}

function describeScreen({ dropped, coverage }: SnapshotManifest, rows: number): string {
  const found = dropped.filter(({ reason }) => reason.startsWith('evaluation-')).length
  const unseen = coverage
    .filter(({ text, tooShort }) => text !== 'answer' && tooShort > 0)
    .map(({ rung, tooShort, words }) => `${tooShort} items are too short for ${rung} (${words} words)`)
  return [`${rows} rows learned from, ${found} left out for what they share with items`, ...unseen].join('; ')
}
