import { compare } from '../comparison.ts'
import { describeAmount, describeSide, unitOf } from './describe.ts'
import { type RequirementKind, type SettingsOf, scoredPairs, scoresOfBoth } from './requirement.ts'

/** Better than the base or the incumbent: passes when the interval of the paired difference lies above zero. */
export const superior: RequirementKind<SettingsOf<'superior'>> = {
  needs: scoresOfBoth,
  decide({ to, suite: named, expected }, evidence, rules) {
    const { scope, names } = evidence
    if (to === 'incumbent' && !scope.hasIncumbent) return null
    const { items, digests } = scoredPairs(evidence, to, named ?? scope.suite)
    const { power, ...compared } = compare(items, { ask: 'superior', expected }, rules)
    return {
      ...compared,
      title: `better than ${names[to]}`,
      reason: `${describeSide(names.candidate, items, 'candidate')} against ${describeSide(names[to], items, 'other')} on the same ${items.length} items`,
      unit: unitOf(items),
      limits: [0],
      power: { value: power, alternative: `${describeAmount(items, expected)} better †` },
      evidence: digests,
    }
  },
}
