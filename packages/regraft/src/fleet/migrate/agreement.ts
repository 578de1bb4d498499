import { wilsonInterval } from '@regraft/methods'

/** How often two models say the same. */
export interface Agreement {
  n: number
  /** Share of the items, with a 95 % Wilson interval. */
  share: number
  low: number
  high: number
  /** What models that answer by these frequencies would reach without regard to the question (Cohen 1960). */
  byChance: number
}

/** Compares answers item by item; white space around them and case do not count. Null without items. */
export function agreementOf(pairs: readonly { one: string; other: string }[]): Agreement | null {
  const n = pairs.length
  if (n === 0) return null
  const read = pairs.map(({ one, other }) => ({ one: said(one), other: said(other) }))
  const { estimate, low, high } = wilsonInterval(read.filter(({ one, other }) => one === other).length, n)
  const [ones, others] = [countOf(read.map(({ one }) => one)), countOf(read.map(({ other }) => other))]
  let byChance = 0
  for (const [answer, count] of ones) byChance += (count / n) * ((others.get(answer) ?? 0) / n)
  return { n, share: estimate, low, high, byChance }
}

export function describeAgreement({ n, share, low, high, byChance }: Agreement): string {
  return `${percent(share)} [${percent(low)}, ${percent(high)}] of ${n} (${percent(byChance)} by chance)`
}

function said(answer: string): string {
  return answer.trim().toLowerCase()
}

function countOf(answers: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  return counts
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
