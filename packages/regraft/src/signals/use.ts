import { ruleOf } from './compile.ts'
import type { ExampleKind } from './examples.ts'
import type { Signal } from './signal.ts'

/** What a calibration found of a rule. */
export interface RuleFinding {
  outcome: 'pass' | 'fail' | 'cannot-tell'
  /** That a signal of the rule is right. */
  probability: number
}

/** Which signals may be used, by `calibrationKey`; without findings no rule has been calibrated. */
export interface Policy {
  findings: ReadonlyMap<string, RuleFinding>
  /** Takes rules that have not been calibrated for what needs it. */
  allowUncalibrated: boolean
}

export type Use =
  | { used: true; probability?: number }
  | { used: false; reason: 'uncalibrated' | 'below-threshold' }

/** Signals that are calibrated together: those of a rule, and apart from them those that say an answer is unwelcome. */
export function calibrationKey({ rule, claim, fault }: Pick<Signal, 'rule' | 'claim' | 'fault'>): string {
  return claim.form === 'rating' && !claim.good && fault === 'unwelcome' ? `${rule}/unwelcome` : rule
}

/**
 * Decides whether a signal counts in a kind of snapshot. Labels always do. A rule that passed its calibration counts with
 * its probability, one that failed never; what is not settled counts in demonstrations where somebody wrote or approved
 * the answer, and elsewhere only if that is allowed. What an exported snapshot states of a signal stands for a calibration.
 */
export function useOf(signal: Signal, kind: ExampleKind, policy: Policy): Use {
  const { basis } = ruleOf(signal)
  if (basis === 'gold') return { used: true }
  const finding = policy.findings.get(calibrationKey(signal))
  if (finding?.outcome === 'fail') return { used: false, reason: 'below-threshold' }
  const stated = signal.feedback[0]?.payload.stated
  if (stated) {
    return stated.probability === undefined ? { used: true } : { used: true, probability: stated.probability }
  }
  if (finding?.outcome === 'pass') return { used: true, probability: finding.probability }
  const isTrusted = kind === 'demonstrations' && basis !== 'behaviour'
  return isTrusted || policy.allowUncalibrated ? { used: true } : { used: false, reason: 'uncalibrated' }
}

/** Before any calibration. */
export const UNCALIBRATED: Policy = { findings: new Map(), allowUncalibrated: false }
