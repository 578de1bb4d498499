// Conversations as texts, which is what is trained on, and whether that leaves something out.
import type { Message } from '../store/types.ts'
import { isRecord } from './json.ts'

export interface TextView {
  messages: Message[]
  /** Whether the texts are all there was: no calls of tools, images, names, refusals. */
  complete: boolean
}

/**
 * The texts of request messages in OpenAI's shape. Parts of text are joined, and a developer's message is a system
 * message, its older name.
 */
export function textView(messages: readonly unknown[]): TextView {
  let complete = true
  const texts = messages.map((message): Message => {
    if (!isRecord(message) || typeof message.role !== 'string') {
      complete = false
      return { role: 'user', content: '' }
    }
    const { role, content, ...rest } = message
    const text = textOf(content)
    if (text === null || !SPOKEN.has(role) || Object.values(rest).some(holdsSomething)) complete = false
    return { role: role === 'developer' ? 'system' : role, content: text ?? partialText(content) }
  })
  return { messages: texts, complete }
}

const SPOKEN = new Set(['system', 'developer', 'user', 'assistant'])
/** Members of an answer that are no part of what was said, or beside it: thinking is not trained on. */
const ASIDE = new Set(['role', 'content', 'reasoning', 'reasoning_content', 'reasoning_details'])

/** The text of an answer's message, and whether that is all of it. */
export function answerText(message: Record<string, unknown>): { text: string; complete: boolean } {
  const text = textOf(message.content)
  const beside = Object.entries(message).some(([name, value]) => !ASIDE.has(name) && holdsSomething(value))
  return { text: text ?? partialText(message.content), complete: text !== null && !beside }
}

/** Null when the content is something else than texts. */
function textOf(content: unknown): string | null {
  if (typeof content === 'string') return content
  if (!Array.isArray(content) || !content.every(isTextPart)) return null
  return content.map(({ text }) => text).join('')
}

function partialText(content: unknown): string {
  return Array.isArray(content)
    ? content
        .filter(isTextPart)
        .map(({ text }) => text)
        .join('')
    : ''
}

function isTextPart(part: unknown): part is { type: 'text'; text: string } {
  return isRecord(part) && part.type === 'text' && typeof part.text === 'string'
}

function holdsSomething(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return false
  return !Array.isArray(value) || value.length > 0
}
