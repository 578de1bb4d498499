// Weights multiply an example's loss and leave the number that it is divided by as it is: weights with mean 1 over the data
// (inverse propensities, Horvitz and Thompson 1952) keep the gradient of a batch unbiased, where dividing by the batch's own
// sum of weights would not. A factor of 1 changes no bit.
import type { ScoredExample } from './types.ts'

type Trust = Pick<ScoredExample, 'weight' | 'probability'>

export function weightOf({ weight = 1 }: Trust): number {
  return weight
}

/** Weight of an answer to imitate: one that is right with probability p counts p. */
export function likelihoodWeight({ weight = 1, probability = 1 }: Trust): number {
  return weight * probability
}
