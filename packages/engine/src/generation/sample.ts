import type { Random } from '@regraft/methods'

export interface Sampling {
  /** 0 picks the most probable token. */
  temperature: number
  /** Smallest set of tokens whose probability reaches this share (nucleus sampling, Holtzman et al. 2020). */
  topP: number
}

export const GREEDY: Sampling = { temperature: 0, topP: 1 }

export interface Choice {
  token: number
  /** Natural-log probability under the model's own distribution, before temperature and nucleus. */
  logProbability: number
}

/** Picks the next token from unnormalised scores [V]. Ties go to the lowest id. */
export function chooseToken(logits: Float32Array, sampling: Sampling, random: Random): Choice {
  let best = 0
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i
  const token = sampling.temperature === 0 ? best : drawToken(logits, logits[best]!, sampling, random)
  let total = 0
  for (let i = 0; i < logits.length; i++) total += Math.exp(logits[i]! - logits[best]!)
  return { token, logProbability: logits[token]! - logits[best]! - Math.log(total) }
}

function drawToken(logits: Float32Array, maximum: number, sampling: Sampling, random: Random): number {
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - maximum) / sampling.temperature))
  let total = weights.reduce((sum, weight) => sum + weight, 0)
  let candidates = Array.from(weights.keys())
  if (sampling.topP < 1) {
    candidates.sort((a, b) => weights[b]! - weights[a]! || a - b)
    let covered = 0
    const last = candidates.findIndex((candidate) => {
      covered += weights[candidate]!
      return covered >= sampling.topP * total
    })
    if (last >= 0) {
      candidates = candidates.slice(0, last + 1)
      total = covered
    }
  }
  let rest = random.uniform() * total
  for (const candidate of candidates) {
    rest -= weights[candidate]!
    if (rest < 0) return candidate
  }
  return candidates.at(-1)!
}
