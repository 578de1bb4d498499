import { percentileBounds, valuesForPercentile } from '@regraft/methods'
import { spentAlpha } from '../comparison.ts'
import { allOf, type Draft, type RequirementKind, type SettingsOf } from './requirement.ts'

const PERCENT = 95

/**
 * The 95th percentile of the seconds of an answer lies below a limit, or below a multiple of the incumbent's: bounds by order
 * statistics, whatever the distribution. Both models are timed on one machine, one after the other.
 */
export const latency: RequirementKind<SettingsOf<'latency'>> = {
  needs({ suite: named, incumbent, items }, { suite, hasIncumbent }) {
    const about = { measure: 'latency', suite: named ?? suite, items } as const
    const both = incumbent !== undefined && hasIncumbent
    return [{ ...about, model: 'candidate' }, ...(both ? [{ ...about, model: 'incumbent' as const }] : [])]
  },
  decide({ suite: named, p95, incumbent }, evidence, rules) {
    const suite = named ?? evidence.scope.suite
    const secondsOf = (model: 'candidate' | 'incumbent') => {
      const { value, digest } = evidence.latency(model, suite)
      return { seconds: value.items.map((item) => item.seconds), digest }
    }
    const mine = secondsOf('candidate')
    const n = mine.seconds.length
    const about = { n, unit: 'seconds, 95th percentile' }
    const parts: Draft[] = []
    if (p95 !== undefined) {
      const alpha = spentAlpha(rules)
      const { estimate, low, high } = percentileBounds(mine.seconds, PERCENT, alpha)
      const outcome = outcomeOf(low, high, p95)
      parts.push({
        ...about,
        outcome,
        title: 'answers fast enough',
        reason: `95 of 100 answers within ${seconds(estimate)} [${seconds(low)}, ${seconds(high)}], limit ${p95} s`,
        effect: estimate,
        ...intervalOf(low, high, alpha),
        limits: [p95],
        ...neededFor(outcome, n, alpha),
        evidence: [mine.digest],
      })
    }
    if (incumbent !== undefined && evidence.scope.hasIncumbent) {
      // Two bounds that must both hold: each has half of the error.
      const alpha = spentAlpha(rules) / 2
      const held = secondsOf('incumbent')
      const [own, other] = [mine, held].map((one) => percentileBounds(one.seconds, PERCENT, alpha))
      const low = ratio(own!.low, other!.high)
      const high = ratio(own!.high, other!.low)
      const outcome = outcomeOf(low, high, incumbent)
      parts.push({
        ...about,
        outcome,
        title: `as fast as ${evidence.names.incumbent}`,
        reason: `95 of 100 answers within ${seconds(own!.estimate)} against ${seconds(other!.estimate)}; at most ${incumbent} times as long`,
        effect: own!.estimate / other!.estimate,
        ...intervalOf(low, high, alpha),
        unit: 'times the seconds of the incumbent, 95th percentile',
        limits: [incumbent],
        ...neededFor(outcome, n, alpha),
        evidence: [mine.digest, held.digest],
      })
    }
    const [first, ...others] = parts
    if (first === undefined) return null
    return allOf([first, ...others], {
      title: 'answers fast enough',
      reason: 'by the clock and against the incumbent',
    })
  },
}

function outcomeOf(low: number | null, high: number | null, limit: number): Draft['outcome'] {
  if (high !== null && high <= limit) return 'pass'
  return low !== null && low > limit ? 'fail' : 'cannot-tell'
}

/** Twice as many narrow the bounds by about a third; there must be enough for an upper bound at all. */
function neededFor(outcome: Draft['outcome'], n: number, alpha: number): { needed?: number } {
  if (outcome !== 'cannot-tell') return {}
  const least = valuesForPercentile(PERCENT, alpha)
  return { needed: n < least ? least : 2 * n }
}

function intervalOf(low: number | null, high: number | null, alpha: number): Pick<Draft, 'interval'> {
  if (low === null || high === null) return {}
  return { interval: { low, high, level: 1 - 2 * alpha, method: 'order statistics' } }
}

function ratio(numerator: number | null, denominator: number | null): number | null {
  return numerator === null || denominator === null || denominator === 0 ? null : numerator / denominator
}

function seconds(value: number | null): string {
  return value === null ? 'unbounded' : `${Number(value.toPrecision(3))} s`
}
