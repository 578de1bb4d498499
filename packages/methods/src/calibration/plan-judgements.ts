import { isSettled, type PrecisionOptions } from './precision.ts'

/** What is known of a rule, and what judging more of it is worth. */
export interface PlannedRule {
  key: string
  /** Judgements so far, and those of them that found it right. */
  n: number
  right: number
  /** Signals that could still be judged. */
  available: number
  /** Signals that would be settled with the rule. */
  volume: number
  /** Precision that it must exceed. */
  threshold: number
}

export interface Allocation {
  key: string
  judgements: number
  /** Probability that the rule is settled after them. */
  settled: number
}

/**
 * Divides human judgements among rules so that as many signals as possible are expected to belong to a rule whose bound has
 * left its threshold on one side or the other.
 *
 * Until a rule is judged enough nothing is gained at all, so the gain of m judgements is no concave function of m: each round
 * gives the rule with the best gain per judgement as many as that takes. What comes of judgements not yet made is predicted by
 * the beta-binomial distribution after a uniform prior. What is left over when nothing more can be settled goes to the rules
 * with most signals.
 */
export function planJudgements(
  rules: readonly PlannedRule[],
  budget: number,
  options: Omit<PrecisionOptions, 'threshold'> = {},
): Allocation[] {
  const plans = rules.map((rule) => ({ rule, given: 0, chances: settlingChances(rule, budget, options) }))
  let left = budget
  while (left > 0) {
    let best: { plan: (typeof plans)[number]; more: number; rate: number } | null = null
    for (const plan of plans) {
      const { rule, given, chances } = plan
      for (let more = 1; more <= Math.min(left, rule.available - given); more++) {
        const rate = (rule.volume * (chances[given + more]! - chances[given]!)) / more
        if (rate > (best?.rate ?? 1e-12)) best = { plan, more, rate }
      }
    }
    if (!best) break
    best.plan.given += best.more
    left -= best.more
  }
  const open = plans.toSorted((a, b) => b.rule.volume - a.rule.volume)
  for (const plan of open) {
    const more = plan.chances[0] === 1 ? 0 : Math.min(left, plan.rule.available - plan.given)
    plan.given += more
    left -= more
  }
  return plans.map(({ rule, given, chances }) => ({
    key: rule.key,
    judgements: given,
    settled: chances[given]!,
  }))
}

/** For each number of further judgements up to the budget: the probability that the rule is settled then. */
function settlingChances(
  rule: PlannedRule,
  budget: number,
  options: Omit<PrecisionOptions, 'threshold'>,
): number[] {
  const { n, right, threshold } = rule
  const criterion = { ...options, threshold }
  const most = Math.min(budget, rule.available)
  if (isSettled(right, n, criterion)) return Array.from({ length: most + 1 }, () => 1)
  return Array.from({ length: most + 1 }, (_, more) =>
    predictive(more, right + 1, n - right + 1).reduce(
      (sum, probability, found) => (isSettled(right + found, n + more, criterion) ? sum + probability : sum),
      0,
    ),
  )
}

/** Beta-binomial probabilities of 0 to m successes after a Beta(a, b) distribution of the proportion. */
function predictive(m: number, a: number, b: number): number[] {
  let probability = 1
  for (let i = 0; i < m; i++) probability *= (b + i) / (a + b + i)
  return Array.from({ length: m + 1 }, (_, j) => {
    const current = probability
    probability *= (((m - j) / (j + 1)) * (a + j)) / (b + m - j - 1)
    return current
  })
}
