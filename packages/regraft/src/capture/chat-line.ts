// OpenAI's chat lines come in two meanings. With `model` or `feedback` a line is a log of what a model answered. With
// neither it is a line of a fine-tuning file: the last assistant message is what the file's owner wants to be said, not
// what some model said, so it becomes a `label` and the inference has no response (measurements of a model's voice must
// not read it). `weight: 0` on that message, OpenAI's mark for "do not train on this", leaves out the label.
import { z } from 'zod'
import { findUnstorable } from '../operation/index.ts'
import type { InferencePayload, Message } from '../store/types.ts'
import { FileFeedback, toFeedbackPayload } from './feedback-event.ts'
import { parseTime } from './parse-time.ts'
import { type FileOrigin, importedRow, malformed, type ParsedRow, type RowUnit } from './parsed-row.ts'
import { type Field, fieldOf, pickFields, readDerivedFrom, readUser } from './row-fields.ts'

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const

export const ChatMessage = z.looseObject({
  role: z.enum(ROLES),
  content: z
    .union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))], {
      error: 'expected a text or an array of content parts',
    })
    .nullish(),
})
export type ChatMessage = z.output<typeof ChatMessage>

const ChatLine = z.looseObject({
  messages: z.array(ChatMessage).min(1),
  id: z.string().min(1).max(512).nullish(),
  created: z.union([z.string(), z.number()]).nullish(),
  created_at: z.union([z.string(), z.number()]).nullish(),
  model: z.string().nullish(),
  feedback: z.array(FileFeedback).nullish(),
})
export type ChatLine = z.output<typeof ChatLine>

/** Checks that a value is a chat line. Throws 'invalid-file' naming the place and the field. */
export function readChatLine(value: unknown, unit: RowUnit, number: number): ChatLine {
  const parsed = ChatLine.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  const field = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  const where = field === '' ? '' : `, ${field.slice(1)}`
  throw malformed(unit, number, `${where}: ${issue.message}.`, {
    hint: hintFor(issue.path[0]),
    details: { field: field.slice(1) },
  })
}

/** How the part of a line looks that is not as it must be. */
function hintFor(field: PropertyKey | undefined): string {
  if (field === 'feedback') {
    return 'Feedback looks like [{"type": "thumbs", "value": 1}]; docs/feedback.md has all types.'
  }
  const example =
    'A line looks like {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}'
  return `${example}; of a file in another format than OpenAI's say --format (regraft import --help lists them).`
}

/** Makes the row of a chat line, or says why it cannot be stored. */
export function chatRow(fields: ChatLine, line: number, origin: FileOrigin): ParsedRow {
  const reason = refusal(fields)
  if (reason !== null) return { line, reason }
  const about = context(fields, origin)
  if ('reason' in about) return { line, reason: about.reason }
  const time = fields.created ?? fields.created_at
  const occurredAt = time == null ? origin.importedAt : parseTime(time)!
  const { prompt, answer } = split(fields)
  const demonstration = isDemonstration(fields)
  const row = importedRow(
    {
      ...about.value,
      occurredAt,
      handle: fields.id ?? null,
      messages: prompt,
      response: demonstration ? null : (answer ?? about.value.candidates?.[0]?.content ?? null),
      model: fields.model ?? null,
      label: demonstration && fields.messages.at(-1)!.weight !== 0 ? answer : null,
      feedback: (fields.feedback ?? []).map((entry) => ({
        at: entry.created === undefined ? occurredAt : parseTime(entry.created)!,
        payload: toFeedbackPayload(entry),
      })),
    },
    line,
    origin,
  )
  return 'reason' in row ? row : { ...row, ...pickFields(fields, origin.fields) }
}

/** Says why a well-formed line cannot be stored, or null. */
function refusal(fields: ChatLine): string | null {
  if (isFilled(fields.tools) || isFilled(fields.functions))
    return 'offers tools to the model, which cannot be kept'
  for (const [index, message] of fields.messages.entries()) {
    const reason = messageRefusal(message)
    if (reason !== null) return `messages[${index}] ${reason}`
  }
  const { prompt, answer } = split(fields)
  if (prompt.length === 0) return 'has an answer without a prompt'
  if (isDemonstration(fields) && answer !== null && answer.trim() === '')
    return 'has an empty answer to learn from'
  const time = fields.created ?? fields.created_at
  for (const value of [time, ...(fields.feedback ?? []).map((entry) => entry.created)]) {
    if (value != null && parseTime(value) === null) {
      return `has the time ${JSON.stringify(value)}, which is neither ISO 8601 nor Unix seconds`
    }
  }
  const feedbackTexts = (fields.feedback ?? []).flatMap((entry) => [
    'value' in entry ? entry.value : '',
    entry.author,
  ])
  return findUnstorable([fields.model, fields.id, ...feedbackTexts].join('\n'))
}

/** Says why a message cannot be kept, or null. */
export function messageRefusal(message: ChatMessage): string | null {
  if (message.role === 'tool' || message.role === 'function')
    return `is of the role '${message.role}', which cannot be kept`
  if (isFilled(message.tool_calls) || isFilled(message.function_call))
    return 'calls a tool, which cannot be kept'
  if (isFilled(message.refusal)) return 'is a refusal beside the content, which cannot be kept'
  if (isFilled(message.audio)) return 'has audio, which cannot be kept'
  if (message.content == null) return 'has no content'
  if (typeof message.content !== 'string') {
    const other = message.content.find((part) => part.type !== 'text' || part.text === undefined)
    if (other) return `has a content part of the type '${other.type}', only text can be kept`
  }
  return findUnstorable(contentOf(message))
}

type Context = { user: string | null; derivedFrom: string[] } & Pick<
  InferencePayload,
  'conversation' | 'propensity' | 'candidates'
>

/** What a line says beside its messages: whose words they are, and how the answer came about. */
function context(fields: ChatLine, origin: FileOrigin): Field<Context> {
  const user = readUser(fields, origin.subject)
  if ('reason' in user) return user
  const from = origin.derivedFrom ?? 'derived_from'
  const derivedFrom = readDerivedFrom(fieldOf(fields, from), from)
  if ('reason' in derivedFrom) return derivedFrom
  const value: Context = { user: user.value, derivedFrom: derivedFrom.value }
  const conversation = fields.conversation ?? fields.conversation_id
  if (typeof conversation === 'string' && conversation !== '') value.conversation = conversation
  if (fields.propensity != null) {
    const propensity = Number(fields.propensity)
    if (!(propensity > 0 && propensity <= 1)) return { reason: 'has a propensity that is not in (0, 1]' }
    value.propensity = propensity
  }
  if (isFilled(fields.candidates)) {
    const candidates = Candidates.safeParse(fields.candidates)
    if (!candidates.success) return { reason: 'has candidates that are not texts' }
    const { answer } = split(fields)
    value.candidates = candidates.data.map((candidate) =>
      typeof candidate === 'string'
        ? { content: candidate, finishReason: null }
        : { content: candidate.content, finishReason: candidate.finish_reason ?? null },
    )
    if (answer !== null && answer !== value.candidates[0]!.content) {
      return { reason: 'has candidates, of which the first is not the answer' }
    }
  }
  return { value }
}

const Candidates = z.array(
  z.union([z.string(), z.looseObject({ content: z.string(), finish_reason: z.string().nullish() })]),
)

function isDemonstration(fields: ChatLine): boolean {
  return fields.model == null && fields.feedback == null && !isFilled(fields.candidates)
}

function split(fields: ChatLine): { prompt: Message[]; answer: string | null } {
  const messages = fields.messages.map((message) => ({ role: message.role, content: contentOf(message) }))
  const last = messages.at(-1)!
  return last.role === 'assistant'
    ? { prompt: messages.slice(0, -1), answer: last.content }
    : { prompt: messages, answer: null }
}

/** The text of a message that holds nothing but text. */
export function contentOf(message: Pick<ChatMessage, 'content'>): string {
  if (typeof message.content === 'string') return message.content
  return (message.content ?? []).map((part) => part.text ?? '').join('')
}

/** True for what is there and not empty; null, '' and [] are ways of saying that it is not. */
function isFilled(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value != null && value !== ''
}
