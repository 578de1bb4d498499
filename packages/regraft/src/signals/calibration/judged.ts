import { normalizeText } from '@regraft/methods'
import type { FeedbackRow, InferenceRow } from '../../store/types.ts'
import { answerOf, candidateOf } from '../answers.ts'
import { ruleOf } from '../compile.ts'
import type { RuleInput } from '../rules/index.ts'
import type { Signal } from '../signal.ts'

export type Truth = 'right' | 'wrong' | 'unwelcome'

/** What people found of an answer, and the weight of it: the inverse of the probability with which it was asked. */
export interface Judged {
  truth: Truth
  weight: number
}

/** What is known of the texts that answer one prompt. */
export interface KnownAnswers {
  /** By candidate of the inference. */
  candidates: Map<number, Judged>
  /** Of any text, also one that somebody wrote; null where nobody knows. */
  of(text: string): Judged | null
}

/**
 * What people's judgements and labels say of the answers to the prompt of an inference. A label of at most `goldWords` words
 * is compared as a text: equal is right, different is wrong; longer ones say nothing by comparison.
 */
export function knownAnswers(input: RuleInput, signals: readonly Signal[], goldWords: number): KnownAnswers {
  const others = [...new Set(signals.flatMap((signal) => signal.others))].flatMap(
    (id) => input.find(id) ?? [],
  )
  const rows = [input, ...others]
  const judged = new Map(rows.flatMap(judgedTexts))
  const gold = goldTexts(
    rows.flatMap(({ feedback }) => feedback),
    goldWords,
  )
  const of = (text: string): Judged | null => {
    const key = normalizeText(text)
    const truth = judged.get(key)
    if (truth || gold.size === 0) return truth ?? null
    return { truth: gold.has(key) ? 'right' : 'wrong', weight: 1 }
  }
  const candidates = new Map<number, Judged>()
  for (let candidate = 0; candidate < candidateCount(input.inference); candidate++) {
    const answer = answerOf(input.inference, candidate)
    const found = answer === null ? null : of(answer)
    if (found) candidates.set(candidate, found)
  }
  for (const signal of signals) {
    const { claim, candidate } = signal
    const verdict = judgementOf(signal, input.feedback)
    if (claim.form !== 'rating' || !verdict || candidates.has(candidate)) continue
    const isRight = (verdict.truth === 'right') === claim.good
    const truth = verdict.truth === 'unwelcome' ? 'unwelcome' : isRight ? 'right' : 'wrong'
    candidates.set(candidate, { truth, weight: verdict.weight })
  }
  return { candidates, of }
}

/** What people said of a compiled signal by its id. */
export function judgementOf({ id }: Signal, feedback: readonly FeedbackRow[]): Judged | null {
  return majority(feedback.filter(({ payload }) => payload.type === 'judgement' && payload.signal === id))
}

/**
 * Whether a signal that is more than a rating is right: by a judgement of it, else by what is known of its answers. 'undecided'
 * where that decides nothing, unwelcome included: it says nothing about which answer is right. Null where nobody judged.
 */
export function truthOfSignal(
  signal: Signal,
  input: RuleInput,
  known: KnownAnswers,
): 'right' | 'wrong' | 'undecided' | null {
  const { claim } = signal
  const own = judgementOf(signal, input.feedback)
  if (own) return own.truth === 'unwelcome' ? 'undecided' : own.truth
  if (claim.form === 'rating' || ruleOf(signal).basis === 'gold') return null
  const chosen = known.of(claim.chosen)
  if (claim.form === 'replacement') {
    if (!chosen) return null
    return chosen.truth === 'unwelcome' ? 'undecided' : chosen.truth
  }
  const rejected = known.of(claim.rejected)
  if (!chosen || !rejected) return null
  const isDecided = new Set([chosen.truth, rejected.truth]).size === 2 && chosen.truth !== 'unwelcome'
  return isDecided && rejected.truth !== 'unwelcome' ? (chosen.truth as 'right' | 'wrong') : 'undecided'
}

function judgedTexts(row: { inference: InferenceRow; feedback: readonly FeedbackRow[] }): [string, Judged][] {
  const events = row.feedback.filter(
    ({ payload }) => payload.type === 'judgement' && payload.signal === undefined,
  )
  return [...Map.groupBy(events, candidateOf)].flatMap(([candidate, about]): [string, Judged][] => {
    const answer = answerOf(row.inference, candidate)
    const verdict = majority(about)
    return answer === null || verdict === null ? [] : [[normalizeText(answer), verdict]]
  })
}

/** What most people said; null for nobody and for a draw. */
function majority(events: readonly FeedbackRow[]): Judged | null {
  const counts = new Map<Truth, number>()
  let weight = 1
  for (const { payload } of events) {
    if (payload.type !== 'judgement') continue
    counts.set(payload.value, (counts.get(payload.value) ?? 0) + 1)
    weight = 1 / (payload.propensity ?? 1)
  }
  const [first, second] = [...counts].sort(([, a], [, b]) => b - a)
  if (!first || first[1] === second?.[1]) return null
  return { truth: first[0], weight }
}

function goldTexts(feedback: readonly FeedbackRow[], goldWords: number): Set<string> {
  const labels = feedback.flatMap(({ payload }) =>
    payload.type === 'label' ? [normalizeText(payload.value)] : [],
  )
  return new Set(labels.filter((label) => label !== '' && label.split(' ').length <= goldWords))
}

function candidateCount({ payload }: InferenceRow): number {
  return payload.candidates?.length ?? 1
}
