import { DuplicateFinder, jaccard, shingler } from '@regraft/methods'
import type { Candidate } from './candidates.ts'
import type { DroppedRow } from './manifest.ts'
import { workOnTexts } from './text-pool.ts'

/** What is compared between rows: the conversation without the system prompt, which all of them share. */
export function comparedText(messages: readonly { role: string; content: string }[]): string {
  return messages
    .filter(({ role }) => role !== 'system' && role !== 'developer')
    .map(({ content }) => content)
    .join('\n')
}

/** The answers that a row teaches, in the order of its examples. */
export function answersOf({ examples }: Pick<Candidate, 'examples'>): string[] {
  return examples.flatMap((body) => ('chosen' in body ? [body.chosen, body.rejected] : [body.completion]))
}

/** Signals by how much is trusted to them, the most first; others come last. */
const TRUST: Candidate['signal'][] = ['label', 'correction', 'edit', 'vote', 'accept', 'thumbs', 'copy']

/** What decided between two rows that repeat each other: the signal, the time, or (all equal) the id. */
type SurvivorRule = NonNullable<DroppedRow['survivor']>

export interface RowDuplicate {
  of: Candidate
  /** Word-bigram Jaccard similarity of the conversations; null where they are equal. */
  similarity: number | null
  survivor: SurvivorRule
}

export interface DuplicateOptions {
  /** Word-bigram Jaccard similarity from which a row is a near duplicate; 0 looks for equal ones only. */
  threshold: number
  seed: number
  signal?: AbortSignal
}

/**
 * Finds rows whose conversation another row repeats: exactly, once case, punctuation and white space are dropped, or
 * nearly, with an answer that is nearly the same too: similar questions with different answers are what a model must tell
 * apart. The row with the most trusted signal survives, among equals the newest: a later decision on the same text
 * replaces an earlier one.
 */
export async function findDuplicates(
  rows: readonly Candidate[],
  { threshold, seed, signal }: DuplicateOptions,
): Promise<Map<Candidate, RowDuplicate>> {
  const ranked = rows
    .toSorted(
      (a, b) =>
        trustOf(a) - trustOf(b) ||
        b.inference.occurredAt.getTime() - a.inference.occurredAt.getTime() ||
        (a.inference.id < b.inference.id ? -1 : 1),
    )
    .map((row) => ({ row, prompt: comparedText(row.inference.payload.messages), answer: null }))
  const options = { threshold: threshold || 1, seed }
  const finder = new DuplicateFinder(options)
  const agree = answersAgree(options.threshold)
  const duplicates = new Map<Candidate, RowDuplicate>()
  for await (const { rows: batch, sketch } of workOnTexts(ranked, { duplicates: options }, { signal })) {
    for (const [index, { row }] of batch.entries()) {
      const found = finder.next(
        sketch!,
        index,
        (survivor) => threshold > 0 && agree(row, ranked[survivor]!.row),
      )
      if (!found) continue
      const of = ranked[found.of]!.row
      duplicates.set(row, { of, similarity: found.similarity, survivor: whyFirst(of, row) })
    }
  }
  return duplicates
}

function trustOf({ signal }: Candidate): number {
  const rank = TRUST.indexOf(signal)
  return rank === -1 ? TRUST.length : rank
}

function whyFirst(first: Candidate, second: Candidate): SurvivorRule {
  if (trustOf(first) !== trustOf(second)) return 'signal'
  return first.inference.occurredAt.getTime() === second.inference.occurredAt.getTime() ? 'id' : 'time'
}

/** Whether two rows teach nearly the same: as many answers of the same kind, equal or similar one by one. */
function answersAgree(threshold: number): (one: Candidate, other: Candidate) => boolean {
  const take = shingler()
  return (one, other) => {
    if (one.examples.map(kindOf).join() !== other.examples.map(kindOf).join()) return false
    const answers = answersOf(other).map(take)
    return answersOf(one)
      .map(take)
      .every(({ key, shingles }, index) => {
        const answer = answers[index]!
        return key === answer.key || jaccard(shingles, answer.shingles) >= threshold
      })
  }
}

function kindOf(body: Candidate['examples'][number]): string {
  if (!('kind' in body)) return 'demonstration'
  return body.kind === 'preference' ? body.kind : `${body.kind} ${body.label}`
}
