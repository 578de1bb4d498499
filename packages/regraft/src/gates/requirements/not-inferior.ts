import { RegraftError } from '../../errors/index.ts'
import { compare, type PairedItem } from '../comparison.ts'
import { describeMargin, describeSide, unitOf } from './describe.ts'
import {
  allOf,
  type Draft,
  type RequirementKind,
  type SettingsOf,
  scoredPairs,
  scoresOfBoth,
} from './requirement.ts'
import { itemsOfSlice, reportSlices, slicesOf } from './slices.ts'

/**
 * No worse than the incumbent or the base by more than the margin: on the whole, and on each slice that was declared critical.
 * Other slices are reported and block nothing.
 */
export const notInferior: RequirementKind<SettingsOf<'not-inferior'>> = {
  needs: scoresOfBoth,
  decide({ to, suite: named, margin: own, critical }, evidence, rules) {
    const { scope, names } = evidence
    if (to === 'incumbent' && !scope.hasIncumbent) return null
    const margin = own ?? rules.margin
    const { items, digests } = scoredPairs(evidence, to, named ?? scope.suite)
    checkCritical(items, critical)
    const title = `no worse than ${names[to]}`
    const part = (name: string, inside: readonly PairedItem[]): Draft => {
      const { power, ...compared } = compare(inside, { ask: 'not-inferior', margin }, rules)
      return {
        ...compared,
        title: name,
        reason: `${describeSide(names.candidate, inside, 'candidate')} against ${describeSide(names[to], inside, 'other')}; ${describeMargin(inside, margin)}`,
        unit: unitOf(inside),
        limits: [-margin],
        power: { value: power, alternative: 'no difference' },
        evidence: digests,
      }
    }
    const whole = part(title, items)
    const slices = reportSlices(items, critical, rules.alpha)
    const regressed = slices.filter((slice) => slice.regressed).map(({ slice }) => slice)
    const said = regressed.length === 0 ? '' : `; regressed: ${regressed.join(', ')}`
    const report = slices.length === 0 ? {} : { slices }
    if (critical.length === 0) return { ...whole, ...report, reason: `${whole.reason}${said}` }
    // Items of the whole suite, for slices in their present shares.
    const ofSuite = (slice: Draft): Draft => {
      if (slice.needed === undefined) return slice
      return { ...slice, needed: Math.ceil((slice.needed * items.length) / Math.max(1, slice.n)) }
    }
    const slicesThatBlock = critical.map((slice) =>
      ofSuite(part(`${title} on ${slice}`, itemsOfSlice(items, slice))),
    )
    const reason = `on the whole and on ${critical.join(', ')}; all must pass${said}`
    return { ...allOf([whole, ...slicesThatBlock], { title, reason }), ...report }
  },
}

/** Throws 'invalid-input' for a critical slice that no item belongs to, with those that there are. */
export function checkCritical(
  items: readonly { slices?: Record<string, string> }[],
  critical: readonly string[],
): void {
  const known = slicesOf(items)
  const unknown = critical.find((slice) => !known.includes(slice))
  if (unknown === undefined) return
  throw new RegraftError('invalid-input', `no item of the suite belongs to the critical slice '${unknown}'`, {
    hint:
      known.length === 0
        ? 'the suite has no slices: seal it with --slice'
        : `the slices are: ${known.join(', ')}`,
  })
}
