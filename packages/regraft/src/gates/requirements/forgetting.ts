import { compare, type PairedItem } from '../comparison.ts'
import { describeMargin, describeSide, unitOf } from './describe.ts'
import {
  type Draft,
  type Evidence,
  pairItems,
  type RequirementKind,
  type SettingsOf,
  scoredPairs,
} from './requirement.ts'

/**
 * What the other model could do is still there: paired log-likelihood of the expected answers first, a finer yardstick than
 * right and wrong, then accuracy, which can only veto. So the error of a pass is that of the likelihood alone.
 */
export const forgetting: RequirementKind<SettingsOf<'forgetting'>> = {
  needs({ suite, to, accuracyMargin }, { hasIncumbent }) {
    if (to === 'incumbent' && !hasIncumbent) return []
    const models = ['candidate', to] as const
    return models.flatMap((model) => [
      { measure: 'likelihood' as const, model, suite },
      ...(accuracyMargin === null ? [] : [{ measure: 'scores' as const, model, suite }]),
    ])
  },
  decide({ suite, to, margin, accuracyMargin }, evidence, rules) {
    const { scope, names } = evidence
    if (to === 'incumbent' && !scope.hasIncumbent) return null
    const { items, digests } = likelihoodPairs(evidence, to, suite)
    const { power, ...compared } = compare(items, { ask: 'not-inferior', margin }, rules)
    const likelihood: Draft = {
      ...compared,
      title: `log-likelihood of ${suite}`,
      reason: `${names.candidate} ${meanOf(items, 'candidate')} against ${names[to]} ${meanOf(items, 'other')} nats per token; margin ${margin} declared beforehand`,
      unit: 'nats per token',
      limits: [-margin],
      power: { value: power, alternative: 'no difference' },
      evidence: digests,
    }
    const parts = [likelihood]
    if (accuracyMargin !== null) {
      const pairs = scoredPairs(evidence, to, suite)
      const { power: _, ...scored } = compare(
        pairs.items,
        { ask: 'not-inferior', margin: accuracyMargin },
        rules,
      )
      parts.push({
        ...scored,
        title: `accuracy on ${suite}`,
        reason: `${describeSide(names.candidate, pairs.items, 'candidate')} against ${describeSide(names[to], pairs.items, 'other')}; ${describeMargin(pairs.items, accuracyMargin)}`,
        unit: unitOf(pairs.items),
        limits: [-accuracyMargin],
        evidence: pairs.digests,
      })
    }
    const accuracy = parts[1]
    const vetoed = likelihood.outcome !== 'fail' && accuracy?.outcome === 'fail'
    const { outcome, effect, interval, unit, limits, n, needed } = vetoed ? accuracy : likelihood
    return {
      ...{ outcome, n },
      title: `has not forgotten ${suite}`,
      reason: `${vetoed ? 'accuracy' : 'log-likelihood'} decided${accuracy?.needed === undefined ? '' : `; accuracy alone would take about ${accuracy.needed} items`}`,
      ...(effect === undefined ? {} : { effect }),
      ...(interval === undefined ? {} : { interval }),
      ...(unit === undefined ? {} : { unit }),
      ...(limits === undefined ? {} : { limits }),
      ...(needed === undefined ? {} : { needed }),
      parts,
      evidence: [...new Set(parts.flatMap((part) => part.evidence))],
    }
  },
}

function likelihoodPairs(evidence: Evidence, model: 'base' | 'incumbent', suite: string) {
  const mine = evidence.likelihood('candidate', suite)
  const other = evidence.likelihood(model, suite)
  return {
    items: pairItems(
      mine.value.items,
      other.value.items,
      ({ logProbability, tokens }) => logProbability / Math.max(1, tokens),
    ),
    digests: [mine.digest, other.digest],
  }
}

function meanOf(items: readonly PairedItem[], side: 'candidate' | 'other'): string {
  return (items.reduce((sum, item) => sum + item[side], 0) / Math.max(1, items.length)).toFixed(3)
}
