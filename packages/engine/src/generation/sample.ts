import type { Random } from '@regraft/methods'

/** How the next token is drawn; applied in this order. Tokens outside a limit are never drawn. */
export interface Sampling {
  /** Divides the scores; 0 picks the most probable token. */
  temperature: number
  /** The k most probable tokens (Fan et al. 2018); 0 for all. */
  topK?: number
  /** Smallest set of tokens whose probability reaches this share (nucleus sampling, Holtzman et al. 2020); 1 for all. */
  topP?: number
  /** Tokens at least this share as probable as the most probable one (Nguyen et al. 2024); 0 for all. */
  minP?: number
}

export const GREEDY: Sampling = { temperature: 0 }

/** Log-probabilities are differences of at most this many nats, or their tokens are too improbable to be ever drawn. */
const NEGLIGIBLE = 32
/** Bins of the histogram that finds a nucleus without sorting the vocabulary. */
const BINS = 512

/** Tokens that may be drawn, with weights proportional to their probabilities. */
export interface Candidates {
  tokens: number[]
  weights: number[]
}

/** Picks the next token from log-probabilities [V]. Ties go to the lowest id. */
export function chooseToken(scores: Float32Array, sampling: Sampling, random: Random): number {
  if (sampling.temperature === 0 || sampling.topK === 1) return mostProbable(scores)
  const { tokens, weights } = candidates(scores, sampling)
  let rest = random.uniform() * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [i, weight] of weights.entries()) {
    rest -= weight
    if (rest < 0) return tokens[i]!
  }
  return tokens.at(-1)!
}

/** What a temperature above 0 and the limits leave of log-probabilities [V]. */
export function candidates(scores: Float32Array, sampling: Sampling): Candidates {
  const best = mostProbable(scores)
  const { temperature, topK = 0, topP = 1, minP = 0 } = sampling
  const weightOf = (token: number) => Math.exp((scores[token]! - scores[best]!) / temperature)
  const isCut = topK > 0 && topK < scores.length
  let tokens: number[]
  if (isCut) tokens = mostProbableTokens(scores, topK)
  else if (topP < 1) tokens = sortTokens(scores, nucleusBound(scores, scores[best]!, temperature, topP))
  else tokens = tokensAbove(scores, scores[best]! + temperature * Math.max(Math.log(minP), -NEGLIGIBLE))
  if (topP < 1)
    tokens = nucleus(tokens, weightOf, topP, isCut ? null : totalWeight(scores, best, temperature))
  if (minP > 0) tokens = tokens.filter((token) => weightOf(token) >= minP)
  return { tokens, weights: tokens.map(weightOf) }
}

/** The n most probable tokens, most probable first; ties by id. */
export function mostProbableTokens(scores: Float32Array, n: number): number[] {
  // A heap whose root is the least probable of the n best so far.
  const heap: number[] = []
  const before = (a: number, b: number) => scores[a]! < scores[b]! || (scores[a] === scores[b] && a > b)
  const sink = (start: number) => {
    let at = start
    for (;;) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && before(heap[child]!, heap[least]!)) least = child
      }
      if (least === at) return
      ;[heap[at], heap[least]] = [heap[least]!, heap[at]!]
      at = least
    }
  }
  const size = Math.min(n, scores.length)
  for (let token = 0; token < size; token++) heap.push(token)
  for (let at = (size >> 1) - 1; at >= 0; at--) sink(at)
  for (let token = size; token < scores.length; token++) {
    if (scores[token]! > scores[heap[0]!]!) {
      heap[0] = token
      sink(0)
    }
  }
  return heap.sort((a, b) => scores[b]! - scores[a]! || a - b)
}

function mostProbable(scores: Float32Array): number {
  let best = 0
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i
  return best
}

function tokensAbove(scores: Float32Array, floor: number): number[] {
  const tokens: number[] = []
  for (let token = 0; token < scores.length; token++) if (scores[token]! >= floor) tokens.push(token)
  return tokens
}

function sortTokens(scores: Float32Array, floor: number): number[] {
  return tokensAbove(scores, floor).sort((a, b) => scores[b]! - scores[a]! || a - b)
}

function totalWeight(scores: Float32Array, best: number, temperature: number): number {
  let total = 0
  for (let i = 0; i < scores.length; i++) total += Math.exp((scores[i]! - scores[best]!) / temperature)
  return total
}

/** A score at or above which all tokens of the nucleus lie: that of the last bin which it needs. */
function nucleusBound(scores: Float32Array, maximum: number, temperature: number, topP: number): number {
  const mass = new Float64Array(BINS)
  const width = (NEGLIGIBLE * temperature) / BINS
  let total = 0
  for (let i = 0; i < scores.length; i++) {
    const distance = maximum - scores[i]!
    const weight = Math.exp(-distance / temperature)
    total += weight
    mass[Math.min(BINS - 1, Math.floor(distance / width))]! += weight
  }
  let covered = 0
  for (let bin = 0; bin < BINS - 1; bin++) {
    covered += mass[bin]!
    if (covered >= topP * total) return maximum - (bin + 1) * width
  }
  return Number.NEGATIVE_INFINITY
}

/** The first of the sorted tokens whose weights reach `share` of the total (theirs, unless given). */
function nucleus(
  sorted: number[],
  weightOf: (token: number) => number,
  share: number,
  whole: number | null,
): number[] {
  const total = whole ?? sorted.reduce((sum, token) => sum + weightOf(token), 0)
  let covered = 0
  const last = sorted.findIndex((token) => {
    covered += weightOf(token)
    return covered >= share * total
  })
  return last < 0 ? sorted : sorted.slice(0, last + 1)
}
