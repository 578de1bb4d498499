import type { SettingsOf } from './scorer.ts'

export interface Choice {
  /** Place of the choice. */
  index: number
  /** Softmax of the chosen one over all choices. */
  probability: number
}

/**
 * The most probable of several answers, of equal ones the first. `logProbabilities` holds natural logarithms of each token of
 * each choice, the end of the turn included, so that a choice that is the beginning of another is not preferred for it.
 */
export function multipleChoice(
  logProbabilities: readonly (readonly number[])[],
  { normalise }: Pick<SettingsOf<'multiple-choice'>, 'normalise'>,
): Choice {
  const scores = logProbabilities.map((tokens) => {
    const sum = tokens.reduce((total, value) => total + value, 0)
    return normalise ? sum / Math.max(1, tokens.length) : sum
  })
  const best = Math.max(...scores)
  const total = scores.reduce((sum, score) => sum + Math.exp(score - best), 0)
  return { index: scores.indexOf(best), probability: 1 / total }
}
