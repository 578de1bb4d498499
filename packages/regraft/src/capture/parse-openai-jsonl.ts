// OpenAI's chat lines come in two meanings. With `model` or `feedback` a line is a log of what a model answered. With
// neither it is a line of a fine-tuning file: the last assistant message is what the file's owner wants to be said, not
// what some model said, so it becomes a `label` and the inference has no response (measurements of a model's voice must
// not read it). `weight: 0` on that message, OpenAI's mark for "do not train on this", leaves out the label.
import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { findUnstorable } from '../operation/index.ts'
import type { Message, NewFeedback } from '../store/types.ts'
import { FileFeedback, toFeedbackPayload } from './feedback-event.ts'
import { findJsonError } from './json-error.ts'
import { parseTime } from './parse-time.ts'
import {
  type FileOrigin,
  type ImportedRow,
  importedLabel,
  importedPayload,
  type ParsedRow,
} from './parsed-row.ts'
import { readLines } from './read-lines.ts'
import { inferenceIdOf, rowId } from './row-ids.ts'

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const

const ChatMessage = z.looseObject({
  role: z.enum(ROLES),
  content: z
    .union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))], {
      error: 'expected a text or an array of content parts',
    })
    .nullish(),
})
type ChatMessage = z.output<typeof ChatMessage>

const Line = z.looseObject({
  messages: z.array(ChatMessage).min(1),
  id: z.string().min(1).max(512).nullish(),
  created: z.union([z.string(), z.number()]).nullish(),
  created_at: z.union([z.string(), z.number()]).nullish(),
  model: z.string().nullish(),
  feedback: z.array(FileFeedback).nullish(),
})
type Line = z.output<typeof Line>

/**
 * Turns JSON Lines of OpenAI's `{"messages": […]}` into inferences and feedback.
 *
 * A row with an `id` keeps it (see `inferenceIdOf`), so overlapping exports store a call once and later feedback finds
 * it; others get their id from file and line. What is well formed but cannot be held (tool calls, images, NUL, lone
 * surrogates, a bad time) is yielded as rejected; a message's `name` and keys that are not named here are not kept.
 * Throws 'invalid-file', with line and column or field, at a line that is not JSON or not of this shape.
 */
export async function* parseOpenAIJsonl(
  bytes: AsyncIterable<Uint8Array>,
  origin: FileOrigin,
): AsyncGenerator<ParsedRow> {
  const lineOfId = new Map<string, number>()
  for await (const { number: line, bytes: raw } of readLines(bytes)) {
    if (!isUtf8(raw)) {
      yield { line, reason: 'is not valid UTF-8' }
      continue
    }
    const text = raw.toString('utf8')
    if (text.trim() === '') continue
    const fields = parseLine(text, line)
    const reason = refusal(fields)
    if (reason !== null) {
      yield { line, reason }
      continue
    }
    if (fields.id != null) {
      const earlier = lineOfId.get(fields.id)
      if (earlier !== undefined) {
        yield { line, reason: `has the id of line ${earlier}` }
        continue
      }
      lineOfId.set(fields.id, line)
    }
    yield toRow(fields, line, origin)
  }
}

function parseLine(text: string, line: number): Line {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const { offset, expected } = findJsonError(text) ?? { offset: 0, expected: 'JSON' }
    throw new RegraftError('invalid-file', `Line ${line}, column ${offset + 1}: expected ${expected}.`, {
      hint: 'Each line is one JSON object of its own: {"messages": […]}, without line breaks inside.',
      details: { line, column: offset + 1 },
      cause,
    })
  }
  const parsed = Line.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  const field = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  const where = field === '' ? '' : `, ${field.slice(1)}`
  throw new RegraftError('invalid-file', `Line ${line}${where}: ${issue.message}.`, {
    hint: 'A line looks like {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}.',
    details: { line, field: field.slice(1) },
  })
}

/** Says why a well-formed line cannot be stored, or null. */
function refusal(fields: Line): string | null {
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
  const feedbackTexts = (fields.feedback ?? []).flatMap(({ value, author }) => [value, author])
  return findUnstorable([fields.model, fields.id, ...feedbackTexts].join('\n'))
}

function messageRefusal(message: ChatMessage): string | null {
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

function toRow(fields: Line, line: number, origin: FileOrigin): ImportedRow {
  const time = fields.created ?? fields.created_at
  const occurredAt = time == null ? origin.importedAt : parseTime(time)!
  const sourceKey = `import:${origin.digest}:${line}${origin.task === null ? '' : `:${origin.task}`}`
  const id = fields.id == null ? rowId(occurredAt, [sourceKey]) : inferenceIdOf(fields.id)
  const { prompt, answer } = split(fields)
  const feedback: NewFeedback[] = (fields.feedback ?? []).map((entry, index) => {
    const payload = toFeedbackPayload(entry)
    const at = entry.created === undefined ? occurredAt : parseTime(entry.created)!
    const feedbackId = rowId(at, [id, index, JSON.stringify(payload)])
    return { id: feedbackId, inferenceId: id, occurredAt: at, derivedFrom: [id], payload }
  })
  const demonstration = isDemonstration(fields)
  if (demonstration && answer !== null && fields.messages.at(-1)!.weight !== 0) {
    feedback.push(importedLabel(id, occurredAt, answer))
  }
  return {
    line,
    inference: {
      id,
      occurredAt,
      sourceKey: fields.id == null ? sourceKey : null,
      payload: importedPayload(origin, line, {
        messages: prompt,
        response: demonstration ? null : answer,
        model: fields.model ?? null,
      }),
    },
    feedback,
  }
}

function isDemonstration(fields: Line): boolean {
  return fields.model == null && fields.feedback == null
}

function split(fields: Line): { prompt: Message[]; answer: string | null } {
  const messages = fields.messages.map((message) => ({ role: message.role, content: contentOf(message) }))
  const last = messages.at(-1)!
  return last.role === 'assistant'
    ? { prompt: messages.slice(0, -1), answer: last.content }
    : { prompt: messages, answer: null }
}

function contentOf(message: ChatMessage): string {
  if (typeof message.content === 'string') return message.content
  return (message.content ?? []).map((part) => part.text ?? '').join('')
}

/** True for what is there and not empty; null, '' and [] are ways of saying that it is not. */
function isFilled(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value != null && value !== ''
}
