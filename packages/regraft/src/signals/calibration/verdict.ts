import { shellWord } from '../../operation/index.ts'
import type { Verdict } from '../../verdict/index.ts'
import type { CalibratedRule } from './findings.ts'
import type { Calibration } from './step.ts'

/** A calibration as a verdict: a part for each rule. */
export function verdictOf(calibration: Calibration, digest: string): Verdict {
  const { task, rules, answers, threshold } = calibration
  const rerun = `regraft signals calibrate${task === null ? '' : ` --task ${shellWord(task)}`}`
  const parts = rules.map((rule) => partOf(rule, calibration, digest, rerun))
  const counts = (outcome: string) => rules.filter((rule) => rule.outcome === outcome).length
  const outcome = counts('cannot-tell') > 0 ? 'cannot-tell' : counts('fail') > 0 ? 'fail' : 'pass'
  const judged = answers.right + answers.wrong + answers.unwelcome
  const needed = Math.max(0, ...rules.map((rule) => rule.needed ?? 0))
  return {
    outcome: rules.length === 0 ? 'cannot-tell' : outcome,
    title: `signal rules${task === null ? '' : ` of ${task}`}`,
    reason:
      rules.length === 0
        ? 'there is no feedback that a rule reads'
        : `${counts('pass')} of ${rules.length} rules may be used everywhere, ${counts('fail')} nowhere; pairs need a precision above ${threshold}†`,
    n: judged,
    ...(outcome === 'cannot-tell' && needed > 0 ? { needed } : {}),
    parts,
    evidence: [digest],
    rerun,
  }
}

function partOf(rule: CalibratedRule, { level }: Calibration, digest: string, rerun: string): Verdict {
  const { outcome, measure, n, right, signals, ratio, undecided } = rule
  const found =
    measure === 'precision'
      ? `${count(right)} of ${count(n)} judged are right`
      : `likelihood ratio ${ratio!.estimate.toFixed(2)} [${ratio!.low.toFixed(2)}, ${ratio!.high.toFixed(2)}]`
  return {
    outcome,
    title: rule.key,
    reason: `${found}; ${signals} signals${undecided > 0 ? `; ${undecided} judged and not decided` : ''}`,
    effect: rule.probability,
    interval: { low: rule.low, high: rule.high, level, method: 'one-sided' },
    unit: 'probability of being right',
    n: Math.round(n),
    ...(rule.needed === undefined ? {} : { needed: rule.needed }),
    evidence: [digest],
    rerun,
  }
}

function count(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1)
}
