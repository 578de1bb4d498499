import { normalizeText } from '@regraft/methods'
import type { Candidate } from './candidates.ts'

/** What is compared between rows: the conversation without the system prompt, which all of them share. */
export function comparedText(messages: readonly { role: string; content: string }[]): string {
  return messages
    .filter(({ role }) => role !== 'system' && role !== 'developer')
    .map(({ content }) => content)
    .join('\n')
}

const TRUST: Candidate['signal'][] = ['label', 'correction', 'edit', 'accept', 'thumbs']

/**
 * Finds rows whose conversation another row repeats once case, punctuation and white space are dropped. The row with
 * the most trusted signal survives, among equals the newest: a later decision on the same text replaces an earlier one.
 */
export function findExactDuplicates(rows: readonly Candidate[]): Map<Candidate, Candidate> {
  const survivors = new Map<string, Candidate>()
  const duplicates = new Map<Candidate, Candidate>()
  const ranked = rows.toSorted(
    (a, b) =>
      TRUST.indexOf(a.signal) - TRUST.indexOf(b.signal) ||
      b.inference.occurredAt.getTime() - a.inference.occurredAt.getTime() ||
      (a.inference.id < b.inference.id ? -1 : 1),
  )
  for (const row of ranked) {
    const key = normalizeText(comparedText(row.inference.payload.messages))
    const survivor = survivors.get(key)
    if (survivor) duplicates.set(row, survivor)
    else survivors.set(key, row)
  }
  return duplicates
}
