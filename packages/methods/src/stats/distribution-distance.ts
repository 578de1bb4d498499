export interface DistributionDistance {
  /** Largest absolute difference of two log-probabilities of one outcome, in nats. */
  largest: number
  /** KL(p ‖ q), in nats. */
  divergence: number
  /** Half the sum of absolute differences of probability: the least probability that draws from p and q differ. */
  variation: number
  /** Whether both find the same outcome most probable. */
  sameFirst: boolean
}

/**
 * How far two distributions over the same outcomes are apart, given as natural-log probabilities. Throws a RangeError for
 * distributions of other lengths, or none. Source: Kullback and Leibler 1951; Levin, Peres and Wilmer 2009, section 4.1.
 */
export function distributionDistance(p: ArrayLike<number>, q: ArrayLike<number>): DistributionDistance {
  if (p.length !== q.length || p.length === 0) {
    throw new RangeError(`Distributions over ${p.length} and ${q.length} outcomes cannot be compared.`)
  }
  let [largest, divergence, variation, firstOfP, firstOfQ] = [0, 0, 0, 0, 0]
  for (let i = 0; i < p.length; i++) {
    const [logP, logQ] = [p[i]!, q[i]!]
    const [likelyP, likelyQ] = [Math.exp(logP), Math.exp(logQ)]
    if (logP !== logQ) largest = Math.max(largest, Math.abs(logP - logQ))
    if (likelyP > 0) divergence += likelyP * (logP - logQ)
    variation += Math.abs(likelyP - likelyQ) / 2
    if (logP > p[firstOfP]!) firstOfP = i
    if (logQ > q[firstOfQ]!) firstOfQ = i
  }
  return { largest, divergence: Math.max(0, divergence), variation, sameFirst: firstOfP === firstOfQ }
}
