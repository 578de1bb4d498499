// The dataset formats of TRL: prompt/chosen/rejected, prompt/completion/label and prompt/completion, each with texts or with
// lists of messages; preferences may have their prompt inside both answers (implicit prompt).

import { isRecord, type ToChatLine } from './parse-openai-jsonl.ts'
import { malformed, type RowUnit } from './parsed-row.ts'

const HINT =
  'Preferences have prompt, chosen and rejected; rated answers have prompt, completion and label; texts, or lists of messages.'

type Turn = { role: string; content: unknown }
type Place = { unit: RowUnit; number: number }

/**
 * Makes a chat line of a row of TRL: an answer with the feedback that gives the same example again.
 *
 * Of a pair the rejected answer is what was given and the chosen one its `correction`; a rated answer has a thumb up or
 * down; a completion without a label is to be learned.
 */
export const trlLine: ToChatLine = (record, place) => {
  const { prompt, chosen, rejected, completion, label, ...rest } = record
  if (chosen !== undefined || rejected !== undefined) return preference(record, rest, place)
  if (completion === undefined)
    throw malformed(place.unit, place.number, ': expected a completion.', { hint: HINT })
  const asked = turnsOf(prompt, 'user', 'prompt', place)
  const answer = answerOf(turnsOf(completion, 'assistant', 'completion', place), asked)
  if (answer === null) return { reason: 'has a completion that is more than one answer' }
  const messages = [...asked, { role: 'assistant', content: answer }]
  if (label === undefined) return { ...rest, messages }
  if (typeof label !== 'boolean' && label !== 0 && label !== 1) {
    return { reason: 'has a label that is neither true nor false' }
  }
  return { ...rest, messages, feedback: [{ type: 'thumbs', value: label ? 1 : -1 }] }
}

function preference(
  { prompt, chosen, rejected }: Record<string, unknown>,
  rest: Record<string, unknown>,
  place: Place,
): ReturnType<ToChatLine> {
  const better = turnsOf(chosen, 'assistant', 'chosen', place)
  const worse = turnsOf(rejected, 'assistant', 'rejected', place)
  let asked: Turn[]
  if (prompt === undefined) {
    if (!Array.isArray(chosen) || !Array.isArray(rejected)) {
      return { reason: 'has no prompt: two texts do not say where their answers begin' }
    }
    asked = sharedTurns(better, worse)
  } else asked = turnsOf(prompt, 'user', 'prompt', place)
  if (asked.length === 0) return { reason: 'has no prompt that both answers share' }
  const [good, bad] = [answerOf(better, asked), answerOf(worse, asked)]
  if (good === null) return { reason: 'has a chosen answer that is more than one answer' }
  if (bad === null) return { reason: 'has a rejected answer that is more than one answer' }
  if (typeof good !== 'string' || good.trim() === '') return { reason: 'has a chosen answer without a text' }
  if (typeof bad !== 'string' || bad.trim() === '') return { reason: 'has a rejected answer without a text' }
  if (good.trim() === bad.trim()) return { reason: 'has the same answer as chosen and as rejected' }
  const messages = [...asked, { role: 'assistant', content: bad }]
  return { ...rest, messages, feedback: [{ type: 'correction', value: good }] }
}

/** A text is one message; a list of messages is itself. */
function turnsOf(value: unknown, role: string, field: string, { unit, number }: Place): Turn[] {
  if (typeof value === 'string') return [{ role, content: value }]
  if (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((turn) => isRecord(turn) && typeof turn.role === 'string')
  ) {
    return value as Turn[]
  }
  throw malformed(unit, number, `, ${field}: expected a text or a list of messages.`, { hint: HINT })
}

function sharedTurns(a: Turn[], b: Turn[]): Turn[] {
  let length = 0
  while (length < Math.min(a.length, b.length) - 1 && sameTurn(a[length]!, b[length]!)) length += 1
  return a.slice(0, length)
}

function sameTurn(a: Turn, b: Turn): boolean {
  return a.role === b.role && JSON.stringify(a.content) === JSON.stringify(b.content)
}

/** The content of the one answer that follows the prompt, which may be repeated before it; null for more than one. */
function answerOf(turns: Turn[], prompt: Turn[]): unknown {
  const begins = turns.length > 1 && prompt.length === turns.length - 1
  const own = begins && prompt.every((turn, index) => sameTurn(turn, turns[index]!)) ? turns.slice(-1) : turns
  const [answer, ...more] = own
  return more.length > 0 || answer?.role !== 'assistant' ? null : (answer.content ?? null)
}
