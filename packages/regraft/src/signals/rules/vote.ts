import { answerOf, candidateOf } from '../answers.ts'
import type { SignalDraft } from '../signal.ts'
import { defineRule, eventsOf, type RuleInput } from './define.ts'
import { isSamePrompt } from './regenerate.ts'

export const vote = defineRule({
  name: 'vote',
  event: 'vote',
  basis: 'behaviour',
  summary: 'Of two answers to one prompt the one with more votes is better; a tie says nothing',
  signals(input) {
    const pairs = Map.groupBy(
      eventsOf(input, 'vote').filter(({ payload }) => payload.value !== 'tie'),
      (row) => JSON.stringify([candidateOf(row), row.payload.other]),
    )
    return [...pairs.values()].flatMap((votes): SignalDraft[] => {
      const wins = votes.filter(({ payload }) => payload.value === 'win')
      const losses = votes.filter(({ payload }) => payload.value === 'lose')
      if (wins.length === losses.length) return []
      const won = wins.length > losses.length
      const [first] = votes as [(typeof votes)[number]]
      const candidate = candidateOf(first)
      const own = answerOf(input.inference, candidate)
      const other = otherAnswer(input, first.payload.other)
      if (own === null || other === null || own === other.answer) return []
      const [chosen, rejected] = won ? [own, other.answer] : [other.answer, own]
      const claim = { form: 'comparison' as const, chosen, rejected }
      const identity = JSON.stringify([won, first.payload.other])
      return [{ candidate, feedback: won ? wins : losses, others: other.ids, identity, claim }]
    })
  },
})

/** The answer that it was compared with; null when it is unknown or answers another prompt. */
function otherAnswer({ inference, find }: RuleInput, other: { inference: string } | { candidate: number }) {
  if ('candidate' in other) {
    const answer = answerOf(inference, other.candidate)
    return answer === null ? null : { answer, ids: [] }
  }
  const found = find(other.inference)
  if (found === null || !isSamePrompt(inference.payload, found.inference.payload)) return null
  const answer = answerOf(found.inference)
  return answer === null ? null : { answer, ids: [other.inference] }
}
