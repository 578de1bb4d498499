/** Longest character n-grams that are compared, and how much recall outweighs precision: the values of the paper's chrF2. */
const ORDER = 6
const BETA = 2

/**
 * The character n-gram F-score of a text against a reference, 0 to 1: precision and recall of n-grams of 1 to 6 characters
 * (code points, white space left out), each averaged over the lengths that both texts have, recall weighted twice.
 *
 * 0 when either has no characters. Case counts. A single reference and a single sentence: a corpus score is no mean of these.
 * Source: Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation"; lengths averaged as sacrebleu does.
 */
export function chrF(text: string, reference: string): number {
  const [said, wanted] = [characters(text), characters(reference)]
  const orders = Math.min(ORDER, said.length, wanted.length)
  if (orders === 0) return 0
  let [precision, recall] = [0, 0]
  for (let n = 1; n <= orders; n++) {
    const matches = commonNgrams(said, wanted, n)
    precision += matches / (said.length - n + 1) / orders
    recall += matches / (wanted.length - n + 1) / orders
  }
  if (precision + recall === 0) return 0
  return ((1 + BETA ** 2) * precision * recall) / (BETA ** 2 * precision + recall)
}

function characters(text: string): string[] {
  return Array.from(text.replace(/\s+/gu, ''))
}

/** How many n-grams both have, each as often as in the one that has it less often. */
function commonNgrams(left: readonly string[], right: readonly string[], n: number): number {
  const counts = new Map<string, number>()
  for (const gram of ngrams(left, n)) counts.set(gram, (counts.get(gram) ?? 0) + 1)
  let common = 0
  for (const gram of ngrams(right, n)) {
    const left = counts.get(gram) ?? 0
    if (left === 0) continue
    counts.set(gram, left - 1)
    common++
  }
  return common
}

function* ngrams(list: readonly string[], n: number): Generator<string> {
  for (let start = 0; start + n <= list.length; start++) yield list.slice(start, start + n).join('')
}
