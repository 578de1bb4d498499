import { answerOf, candidateOf, isApproved } from '../answers.ts'
import type { SignalDraft } from '../signal.ts'
import { defineRule, eventsOf, type RuleInput } from './define.ts'

/** Answers of which each was asked for again †; a longer chain is somebody playing. */
const LONGEST_CHAIN = 8

export const regenerate = defineRule({
  name: 'regenerate',
  event: 'regenerate',
  basis: 'behaviour',
  summary:
    'Of an answer that was asked for again and the next one that was accepted, the accepted one is better',
  signals(input) {
    const events = eventsOf(input, 'regenerate')
    const event = events.find(({ payload }) => payload.next !== undefined) ?? events[0]
    if (!event) return []
    const candidate = candidateOf(event)
    const rejected = answerOf(input.inference, candidate)
    const accepted = findAccepted(input, event.payload.next)
    if (rejected === null || accepted === null || accepted.answer === rejected) return []
    const draft: SignalDraft = {
      candidate,
      feedback: [event, ...accepted.feedback],
      others: [accepted.id],
      claim: { form: 'comparison', chosen: accepted.answer, rejected },
    }
    return [draft]
  },
})

/** Follows the chain of answers that were asked for again up to the first that was accepted. */
function findAccepted(input: RuleInput, named: string | undefined) {
  const seen = new Set([input.inference.id])
  let next = named === undefined ? input.repeats() : [named]
  for (let length = 0; length < LONGEST_CHAIN && next.length > 0; length++) {
    const [id, ...rest] = next
    const found = seen.has(id!) ? null : input.find(id!)
    if (found === null || !isSamePrompt(input.inference.payload, found.inference.payload)) return null
    seen.add(id!)
    const candidates = found.inference.payload.candidates?.length ?? 1
    for (let candidate = 0; candidate < candidates; candidate++) {
      const answer = answerOf(found.inference, candidate)
      if (answer === null || !isApproved(found.feedback, candidate)) continue
      return { id: id!, answer, feedback: found.feedback.filter((row) => candidateOf(row) === candidate) }
    }
    const again = found.feedback.find(({ payload }) => payload.type === 'regenerate')?.payload
    next = again?.type === 'regenerate' && again.next !== undefined ? [again.next] : rest
  }
  return null
}

export function isSamePrompt(
  a: { messages: { role: string; content: string }[] },
  b: { messages: { role: string; content: string }[] },
): boolean {
  return (
    a.messages.length === b.messages.length &&
    a.messages.every(
      ({ role, content }, i) => role === b.messages[i]!.role && content === b.messages[i]!.content,
    )
  )
}
