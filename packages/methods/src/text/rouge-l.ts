import { words } from './words.ts'

/**
 * ROUGE-L of a text against a reference, 0 to 1: the F1 of the longest common subsequence of their words (`words`: normalised,
 * so that case and punctuation do not count). 0 when either has no words.
 * Source: Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", equations 2 to 4 with equal weights.
 */
export function rougeL(text: string, reference: string): number {
  const [said, wanted] = [words(text), words(reference)]
  if (said.length === 0 || wanted.length === 0) return 0
  return (2 * longestCommon(said, wanted)) / (said.length + wanted.length)
}

/** Length of the longest common subsequence. */
function longestCommon(left: readonly string[], right: readonly string[]): number {
  let row = new Uint32Array(right.length + 1)
  for (const word of left) {
    const next = new Uint32Array(right.length + 1)
    for (const [at, other] of right.entries()) {
      next[at + 1] = word === other ? row[at]! + 1 : Math.max(row[at + 1]!, next[at]!)
    }
    row = next
  }
  return row[right.length]!
}
