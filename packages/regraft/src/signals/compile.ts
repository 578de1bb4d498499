import { rowId } from '../capture/index.ts'
import type { FeedbackRow, InferenceRow } from '../store/types.ts'
import { answerOf, saidFault } from './answers.ts'
import { RULES, type Rule, type RuleInput, type RuleName } from './rules/index.ts'
import type { Claim, Signal, SignalDraft } from './signal.ts'

const BY_NAME = new Map<RuleName, Rule>(RULES.map((rule) => [rule.name, rule]))

export function ruleOf({ rule }: Pick<Signal, 'rule'>): Rule {
  return BY_NAME.get(rule)!
}

/** Everything that the feedback about an inference says, by rule, the most trusted rule first. */
export function compileSignals(input: RuleInput): Signal[] {
  return RULES.flatMap((rule: Rule<RuleName>) =>
    rule.signals(input).map((draft) => complete(rule.name, draft, input)),
  )
}

function complete(rule: RuleName, draft: SignalDraft, input: RuleInput): Signal {
  const { inference } = input
  const { candidate = 0, others = [], claim, feedback, identity = feedback[0]!.id } = draft
  const flags = [...(draft.flags ?? [])]
  const learned = learnedText(claim)
  const answering = [input, ...others.flatMap((id) => input.find(id) ?? [])]
  if (learned !== null && answering.some((row) => wrongAnswers(row).includes(learned)))
    flags.push('said-wrong')
  return {
    id: rowId(inference.occurredAt, ['signal', rule, inference.id, candidate, identity]),
    ...{ rule, inference, candidate, feedback, others, claim, flags },
    fault: saidFault(input.feedback, candidate),
  }
}

/** The answer that an example on this claim would make more likely. */
function learnedText(claim: Claim): string | null {
  if (claim.form !== 'rating') return claim.chosen
  return claim.good ? claim.answer : null
}

function wrongAnswers(row: { inference: InferenceRow; feedback: readonly FeedbackRow[] }): (string | null)[] {
  const candidates = row.inference.payload.candidates?.length ?? 1
  return Array.from({ length: candidates }, (_, i) => i)
    .filter((candidate) => saidFault(row.feedback, candidate) === 'wrong')
    .map((candidate) => answerOf(row.inference, candidate))
}
