// Odds-ratio preference optimization: Hong, Lee, Thorne 2024, eqs. 6 and 7; it needs no reference.
//   L = L_sft(y⁺) − β·log σ(log odds(y⁺) − log odds(y⁻)),  odds = p/(1 − p),  log p = mean log-probability per token
// With the probability p of a pair: p·log σ(…) + (1 − p)·log σ(−…), and p in its part of L_sft; the pair's weight multiplies both.
// L_sft is the mean over the tokens of the chosen answers, as in the paper. TRL adds the tokens of the prompts.
import type { LossRecipe } from '../recipe.ts'
import { mean } from './mean.ts'
import { preferenceMetrics } from './preference-metrics.ts'
import { softRanking } from './soft-ranking.ts'
import { likelihoodWeight } from './trust.ts'
import type { LossValue, ScoredExample, ScoredPart } from './types.ts'

export type OrpoOptions = Omit<Extract<LossRecipe, { name: 'orpo' }>, 'name'>

/** Negative log-likelihood of the chosen answers plus the odds-ratio term, a mean over the pairs. */
export function orpo(
  examples: readonly ScoredExample<'chosen' | 'rejected'>[],
  { beta }: OrpoOptions,
): LossValue<'chosen' | 'rejected'> {
  const pairs = examples.length
  const chosenTokens = examples.reduce((sum, { parts }) => sum + parts.chosen.tokens, 0)
  const likelihood = examples.reduce(
    (sum, example) => sum + example.parts.chosen.logProbability * likelihoodWeight(example),
    0,
  )
  const ratios = examples.map(({ parts }) => logOdds(parts.chosen) - logOdds(parts.rejected))
  const ranking = ratios.map((ratio, i) => softRanking(ratio, -ratio, examples[i]!))
  const gradients = examples.map((example, i) => {
    const { chosen, rejected } = example.parts
    const slope = (beta * ranking[i]!.slope) / pairs
    return {
      chosen: slope * logOddsSlope(chosen) - (1 / chosenTokens) * likelihoodWeight(example),
      rejected: -slope * logOddsSlope(rejected),
    }
  })
  const rewards = examples.map(({ parts }) => {
    return { chosen: beta * perToken(parts.chosen), rejected: beta * perToken(parts.rejected) }
  })
  const sftLoss = -likelihood / chosenTokens
  return {
    loss: sftLoss + beta * mean(ranking, ({ value }) => value),
    gradients,
    metrics: {
      ...preferenceMetrics(rewards),
      chosenLoss: sftLoss,
      logOddsRatio: mean(ratios, (ratio) => ratio),
    },
  }
}

/** At probability 1 the odds are infinite; one rounding of a float below it they are not. */
const HIGHEST = -1e-7

function perToken({ logProbability, tokens }: ScoredPart): number {
  return Math.min(logProbability / tokens, HIGHEST)
}

/** log(p/(1 − p)) for log p. */
function logOdds(part: ScoredPart): number {
  const logP = perToken(part)
  return logP - Math.log(-Math.expm1(logP))
}

/** Derivative of the log odds with regard to the summed log-probability: 1/(1 − p), shared by the tokens. */
function logOddsSlope(part: ScoredPart): number {
  return 1 / -Math.expm1(perToken(part)) / part.tokens
}
