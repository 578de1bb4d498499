import type { FeedbackRow, InferenceRow } from '../store/types.ts'
import { isApproval, isRejection } from './answers.ts'
import { ruleOf } from './compile.ts'
import type {
  CompiledDecision,
  CompiledExample,
  ExampleBody,
  ExampleKind,
  SignalDropReason,
} from './examples.ts'
import type { Claim, Signal } from './signal.ts'
import { type Policy, type Use, useOf } from './use.ts'

/** What the signals of one inference are, sorted for the decision. */
interface Said {
  inference: InferenceRow
  feedback: readonly FeedbackRow[]
  usable: { signal: Signal; probability: number | undefined }[]
  /** Why signals that would have counted do not. */
  refused: SignalDropReason | null
}

type Usable = Said['usable'][number]
type UsableOf<Form extends Claim['form']> = Usable & { signal: { claim: Extract<Claim, { form: Form }> } }

/** Decides what an inference teaches, in the form that a kind of snapshot holds. */
export function decideExamples(
  kind: ExampleKind,
  signals: readonly Signal[],
  input: { inference: InferenceRow; feedback: readonly FeedbackRow[] },
  policy: Policy,
): CompiledDecision {
  const uses = signals.map((signal) => ({ signal, use: useOf(signal, kind, policy) }))
  const usable = uses.flatMap(({ signal, use }) =>
    use.used && !signal.flags.includes('said-wrong') ? [{ signal, probability: use.probability }] : [],
  )
  const said: Said = {
    ...input,
    usable,
    refused: refusalOf(uses.filter(({ signal }) => counts(signal.claim, kind))),
  }
  const examples = DECISIONS[kind](said)
  if (!Array.isArray(examples)) return { dropped: examples }
  const from = examples.flatMap((example) => example.from ?? [])
  const feedback = [...new Map(from.flatMap((each) => each.feedback).map((row) => [row.id, row])).values()]
  const [first] = feedback as [FeedbackRow]
  return { kept: { inference: input.inference, signal: first.payload.type, feedback, examples } }
}

const DECISIONS: Record<ExampleKind, (said: Said) => CompiledExample[] | SignalDropReason> = {
  /** A replacement is learned, else the answer that was given, where it was approved and not rejected. */
  demonstrations(said) {
    const replacement = replacementOf(said)
    if (replacement) {
      const { chosen } = replacement.signal.claim
      return chosen === '' ? 'no-answer' : [example(replacement, { completion: chosen })]
    }
    const approvals = claims(said, 'rating').filter(({ signal }) => signal.claim.good)
    const approved = approvals.filter(({ signal }) => !isRejected(said, signal.candidate))
    if (approved.length === 0) return approvals.length > 0 ? 'contradictory-signals' : whyNothing(said)
    // Newest first: the signal that the row bears is that of the last approval.
    const [best, ...others] = approved.toSorted(
      (a, b) => a.signal.candidate - b.signal.candidate || newest(b) - newest(a),
    )
    const { answer } = best!.signal.claim
    if (answer === '') return 'no-answer'
    const same = others.filter(({ signal }) => signal.candidate === best!.signal.candidate)
    return [example(best!, { completion: answer }, same)]
  },

  /** A replacement is better than the answer that was given; beside it what was compared. */
  preferences(said) {
    const replacement = replacementOf(said)
    let reason: SignalDropReason | null = null
    const pairs: { of: Usable; chosen: string; rejected: string }[] = []
    if (replacement) {
      const { chosen, rejected } = replacement.signal.claim
      if (chosen === '' || rejected === null) reason = 'no-answer'
      else if (chosen === rejected) reason = 'same-answer'
      else pairs.push({ of: replacement, chosen, rejected })
    }
    for (const of of claims(said, 'comparison')) {
      const { chosen, rejected } = of.signal.claim
      const isKnown = pairs.some((pair) => {
        const texts = [pair.chosen, pair.rejected]
        return texts.includes(chosen) && texts.includes(rejected)
      })
      if (!isKnown) pairs.push({ of, chosen, rejected })
    }
    if (pairs.length > 0) {
      return pairs.map(({ of, chosen, rejected }) => example(of, { kind: 'preference', chosen, rejected }))
    }
    return reason ?? whyNothing(said)
  },

  /** Replacements and approved answers are good, replaced and rejected ones bad. */
  desirability(said) {
    const replacement = replacementOf(said)
    const rated: { of: Usable; completion: string; label: boolean }[] = []
    const rate = (of: Usable, completion: string | null, label: boolean) => {
      if (completion) rated.push({ of, completion, label })
    }
    if (replacement) {
      const { claim, flags, rule } = replacement.signal
      const isSame = claim.chosen === claim.rejected
      if (flags.includes('small-edit')) rate(replacement, claim.rejected, true)
      else {
        rate(replacement, claim.chosen, true)
        // An edit keeps part of the answer: what it keeps was not bad.
        if (!isSame && (rule !== 'edit' || flags.includes('replaced')))
          rate(replacement, claim.rejected, false)
      }
      if (rated.length === 0) return 'no-answer'
    }
    const byAnswer = Map.groupBy(claims(said, 'rating'), ({ signal }) => signal.claim.answer)
    for (const [answer, ratings] of byAnswer) {
      if (rated.some(({ completion }) => completion === answer)) continue
      const strongest = Math.max(...ratings.map(({ signal }) => ruleOf(signal).weight ?? 1))
      const strong = ratings.filter(({ signal }) => (ruleOf(signal).weight ?? 1) === strongest)
      const goods = new Set(strong.map(({ signal }) => signal.claim.good))
      if (goods.size === 1) rate(strong[0]!, answer, strong[0]!.signal.claim.good)
    }
    if (rated.length > 0) {
      return rated.map(({ of, completion, label }) =>
        example(of, { kind: 'desirability', completion, label }),
      )
    }
    if (byAnswer.has('')) return 'no-answer'
    return byAnswer.size > 0 ? 'contradictory-signals' : whyNothing(said)
  },
}

/** The most trusted replacement, among equals the newest. Edits of any size are equals. */
function replacementOf(said: Said): UsableOf<'replacement'> | undefined {
  const replacements = claims(said, 'replacement')
  const event = replacements[0] && ruleOf(replacements[0].signal).event
  return replacements
    .filter(({ signal }) => ruleOf(signal).event === event)
    .toSorted((a, b) => newest(b) - newest(a))[0]
}

function claims<Form extends Claim['form']>({ usable }: Said, form: Form): UsableOf<Form>[] {
  return usable.filter((each): each is UsableOf<Form> => each.signal.claim.form === form)
}

function newest({ signal }: Usable): number {
  return Math.max(...signal.feedback.map(({ occurredAt }) => occurredAt.getTime()))
}

function isRejected({ feedback }: Said, candidate: number): boolean {
  return feedback.some((row) => (row.payload.candidate ?? 0) === candidate && isRejection(row.payload))
}

function whyNothing({ refused, feedback }: Said): SignalDropReason {
  if (refused !== null) return refused
  const approved = feedback.some(({ payload }) => isApproval(payload))
  const rejected = feedback.some(({ payload }) => isRejection(payload))
  if (approved && rejected) return 'contradictory-signals'
  if (rejected) return 'rejected-without-replacement'
  return approved ? 'no-alternative' : 'no-signal'
}

/** Whether a kind of snapshot has a use for claims of this form. */
function counts(claim: Claim, kind: ExampleKind): boolean {
  if (claim.form === 'replacement') return true
  if (claim.form === 'comparison') return kind === 'preferences'
  return kind === 'desirability' || (kind === 'demonstrations' && claim.good)
}

function refusalOf(uses: { signal: Signal; use: Use }[]): SignalDropReason | null {
  const refused = uses.map(({ use }) => (use.used ? null : use.reason))
  if (uses.some(({ signal }) => signal.flags.includes('said-wrong'))) return 'said-wrong'
  if (refused.includes('below-threshold')) return 'below-threshold'
  return refused.includes('uncalibrated') ? 'uncalibrated' : null
}

function example({ signal, probability }: Usable, body: ExampleBody, also: Usable[] = []): CompiledExample {
  const { rule, id, others, fault, flags } = signal
  const stated = signal.feedback[0]?.payload.stated
  const { weight } = stated ?? ruleOf(signal)
  return {
    ...body,
    from: {
      ...{ rule, signal: id, others, fault, flags },
      feedback: [signal, ...also.map((other) => other.signal)].flatMap(({ feedback }) => feedback),
      ...(probability === undefined ? {} : { probability }),
      ...(weight === undefined ? {} : { weight }),
    },
  }
}
