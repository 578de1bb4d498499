import type { FeedbackPayload } from '../store/types.ts'
import type { ImportedCall } from './parsed-row.ts'

/**
 * Names under which a score is a person's thumb: 1 for up, 0 or -1 for down. Under any other name a 1 may be the worst
 * (a 'hallucination', one star of five), so it is kept in words and decides nothing.
 */
const THUMBS = /^(?:user[-_ ]?)?(?:feedback|thumbs?|thumbs?[-_ ]?up|likes?|liked)$/i
const UP = /^(?:1|true|up|thumbs?[-_ ]?up|positive|good|like|👍)$/iu
const DOWN = /^(?:0|-1|false|down|thumbs?[-_ ]?down|negative|bad|dislike|👎)$/iu

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Makes feedback of a score of Langfuse: a correction, a thumb, or a comment that says its name and value. */
export function scoreFeedback(
  score: Record<string, unknown>,
  at: Date,
): NonNullable<ImportedCall['feedback']> {
  const { id, name, value, stringValue, comment, dataType, source, authorUserId } = score
  const said = String(stringValue ?? value ?? '')
  const author =
    source === 'EVAL' ? `eval:${String(name)}` : typeof authorUserId === 'string' ? authorUserId : null
  const isThumb = source !== 'EVAL' && THUMBS.test(String(name))
  const note = typeof comment === 'string' && comment.trim() !== '' ? comment : null
  const ownId = typeof id === 'string' && UUID.test(id) ? { id: id.toLowerCase() } : {}
  const thumb = !isThumb ? null : UP.test(said) ? 1 : DOWN.test(said) ? -1 : null
  const comments = (text: string | null): { at: Date; payload: FeedbackPayload }[] =>
    text === null ? [] : [{ at, payload: { type: 'comment', value: text, author } }]
  if (dataType === 'CORRECTION' && said.trim() !== '') {
    return [{ ...ownId, at, payload: { type: 'correction', value: said, author } }, ...comments(note)]
  }
  if (thumb !== null)
    return [{ ...ownId, at, payload: { type: 'thumbs', value: thumb, author } }, ...comments(note)]
  const words = `${String(name)}: ${said}${note === null ? '' : ` (${note})`}`
  return comments(words).map((entry) => ({ ...ownId, ...entry }))
}
