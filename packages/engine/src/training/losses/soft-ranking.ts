import { logSigmoid, sigmoid } from './logistic.ts'
import { weightOf } from './trust.ts'
import type { ScoredExample } from './types.ts'

/**
 * Loss of ranking two answers as a pair says, times the pair's weight: −p·log σ(margin) − (1 − p)·log σ(reversed), and its
 * derivative with regard to the margin, where the reversed margin falls as the margin rises.
 */
export function softRanking(
  margin: number,
  reversed: number,
  example: Pick<ScoredExample, 'weight' | 'probability'>,
): { value: number; slope: number } {
  const { probability = 1 } = example
  const weight = weightOf(example)
  if (probability === 1) return { value: -logSigmoid(margin) * weight, slope: -sigmoid(-margin) * weight }
  return {
    value: (-probability * logSigmoid(margin) - (1 - probability) * logSigmoid(reversed)) * weight,
    slope: (-probability * sigmoid(-margin) + (1 - probability) * sigmoid(-reversed)) * weight,
  }
}
