import { judgePrecision, judgeRating } from '@regraft/methods'
import { RULES, type Rule, type RuleName } from '../rules/index.ts'
import type { RuleFinding } from '../use.ts'
import type { Tally } from './tally.ts'

/** What a calibration found of the signals of one key. */
export interface CalibratedRule extends RuleFinding {
  key: string
  rule: RuleName
  /** Compiled signals of it in the traffic. */
  signals: number
  measure: 'precision' | 'likelihood-ratio'
  /** Judged signals, or judged answers for a likelihood ratio, that decide; effective where they have weights. */
  n: number
  /** Signals that were right; of a likelihood ratio the answers that bear the signal and for which it holds. */
  right: number
  /** Judged signals; of a likelihood ratio the judged answers that bear the signal. */
  bearing: number
  /** Judged and not decided: unwelcome, or both answers alike. */
  undecided: number
  /** One-sided bounds of the probability. */
  low: number
  high: number
  ratio?: { estimate: number; low: number; high: number }
  /** With `cannot-tell`: judgements that would settle it. */
  needed?: number
}

export interface CalibrationOptions {
  threshold: number
  level: number
  /** Share of right answers, where it is known from elsewhere. */
  baseRate: number | null
}

/** Judges every rule that has signals; labels are what the others are judged by. */
export function findingsOf(tally: Tally, options: CalibrationOptions): CalibratedRule[] {
  const baseRate = options.baseRate ?? tally.baseRate().right
  return RULES.flatMap((rule: Rule<RuleName>) => {
    if (rule.basis === 'gold') return []
    return [rule.name, `${rule.name}/unwelcome`].flatMap((key) => {
      const signals = tally.volumes.get(key)
      return signals === undefined
        ? []
        : [{ key, rule: rule.name, signals, ...findingOf(rule, key, tally, { ...options, baseRate }) }]
    })
  })
}

type Measured = Omit<CalibratedRule, 'key' | 'rule' | 'signals'>

function findingOf(
  rule: Rule<RuleName>,
  key: string,
  tally: Tally,
  { threshold, level, baseRate }: CalibrationOptions & { baseRate: number },
): Measured {
  const claim = RATINGS[rule.name]
  if (claim === undefined || key !== rule.name) {
    const { right, wrong } = claim === undefined ? tally.statements(key) : tally.unwelcome(key)
    const undecided = claim === undefined ? tally.statements(key).undecided : 0
    const { estimate: probability, ...judged } = judgePrecision(right, right + wrong, { threshold, level })
    return {
      measure: 'precision',
      n: right + wrong,
      bearing: right + wrong,
      right,
      undecided,
      probability: rounded(probability),
      ...judged,
    }
  }
  const counts = tally.counts(key, claim)
  const { outcome, ratio, probability, needed } = judgeRating(counts, {
    baseRate: claim ? baseRate : 1 - baseRate,
    level,
  })
  return {
    measure: 'likelihood-ratio',
    n: counts.holds + counts.fails,
    right: counts.holdsWithSignal,
    bearing: counts.holdsWithSignal + counts.failsWithSignal,
    undecided: tally.answers.filter(({ truth, keys }) => truth === 'unwelcome' && keys.has(key)).length,
    ...{
      outcome,
      probability: rounded(probability.estimate),
      low: probability.low,
      high: probability.high,
      ratio,
    },
    ...(needed === undefined ? {} : { needed }),
  }
}

/** The rules that rate an answer, and what they claim. */
const RATINGS: Partial<Record<RuleName, boolean>> = {
  accept: true,
  'thumbs-up': true,
  copy: true,
  'thumbs-down': false,
  rephrase: false,
  abandon: false,
}

/** A probability becomes part of examples: more digits than it has would make new rows of every judgement. */
function rounded(probability: number): number {
  return Number(probability.toFixed(3))
}
