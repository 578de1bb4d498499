// What was asked and answered, in the three ways in which instrumentations write it:
// - since semantic conventions 1.37: the attributes gen_ai.system_instructions, gen_ai.input.messages and
//   gen_ai.output.messages, whose messages consist of parts; structured, or as JSON in a text;
// - 1.28 to 1.36: an event per message (gen_ai.user.message …, gen_ai.choice); before, gen_ai.content.prompt and
//   gen_ai.content.completion with all of them as JSON;
// - OpenLLMetry: attributes with the number of the message in their names (gen_ai.prompt.0.content …).
import type { InferencePayload, Message } from '../store/types.ts'
import type { Span } from './otlp-spans.ts'
import { isRecord } from './parse-openai-jsonl.ts'

export type Conversation = Pick<
  InferencePayload,
  'messages' | 'response' | 'candidates' | 'exact' | 'finishReason'
>

interface Text {
  role: string
  content: string
  /** Whether the text leaves out something of the message: a tool call, an image, a thought. */
  partial: boolean
}

interface Said {
  prompt: unknown[]
  answers: unknown[]
}

/** Finds the conversation of a span; null when its content was not captured. */
export function readConversation(span: Span): Conversation | null {
  const said = fromAttributes(span) ?? fromEvents(span) ?? fromNumbered(span)
  if (said === null || said.prompt.length === 0) return null
  const prompt = said.prompt.map((message) => textOf(message, 'user'))
  const answers = said.answers.map((answer) => ({
    ...textOf(answer, 'assistant'),
    finishReason: finishOf(answer),
  }))
  const [first] = answers
  const partial = [...prompt, ...answers].some((text) => text.partial)
  const messages: Message[] = prompt.map(({ role, content }) => ({ role, content }))
  return {
    messages,
    response: first === undefined ? null : first.content,
    finishReason: first?.finishReason ?? null,
    ...(answers.length > 1
      ? { candidates: answers.map(({ content, finishReason }) => ({ content, finishReason })) }
      : {}),
    ...(partial ? { exact: { messages: said.prompt, choices: said.answers } } : {}),
  }
}

function fromAttributes({ attributes, events }: Span): Said | null {
  // The conventions also put the same attributes on an event of the call.
  const details = events.find(({ name }) => name === 'gen_ai.client.inference.operation.details')
  const all = { ...details?.attributes, ...attributes }
  const input = listOf(all['gen_ai.input.messages'])
  if (input === null) return null
  const instructions = unpacked(all['gen_ai.system_instructions'])
  const system =
    typeof instructions === 'string'
      ? [{ role: 'system', parts: [{ type: 'text', content: instructions }] }]
      : Array.isArray(instructions) && instructions.length > 0
        ? [{ role: 'system', parts: instructions as unknown[] }]
        : []
  return { prompt: [...system, ...input], answers: listOf(all['gen_ai.output.messages']) ?? [] }
}

const MESSAGE_EVENT = /^gen_ai\.(system|user|assistant|tool)\.message$/

function fromEvents({ events }: Span): Said | null {
  const said: Said = { prompt: [], answers: [] }
  for (const { name, attributes } of events) {
    // The body of an event is in its attributes, or as JSON in one of them.
    const inner = unpacked(attributes['gen_ai.event.content'] ?? attributes.body)
    const body = isRecord(inner) ? { ...attributes, ...inner } : attributes
    const role = MESSAGE_EVENT.exec(name)?.[1]
    if (role !== undefined) said.prompt.push({ ...messageIn(body), role: body.role ?? role })
    else if (name === 'gen_ai.choice') {
      const message = unpacked(body.message)
      const own = isRecord(message)
        ? message
        : { content: message ?? body.content, tool_calls: body.tool_calls }
      said.answers.push({ role: 'assistant', ...messageIn(own), finish_reason: body.finish_reason ?? null })
    } else if (name === 'gen_ai.content.prompt') {
      said.prompt.push(
        ...(listOf(attributes['gen_ai.prompt']) ?? asMessage(attributes['gen_ai.prompt'], 'user')),
      )
    } else if (name === 'gen_ai.content.completion') {
      const completion = attributes['gen_ai.completion']
      said.answers.push(...(listOf(completion) ?? asMessage(completion, 'assistant')))
    }
  }
  return said.prompt.length === 0 ? null : said
}

/** What is a message in a bag of attributes. */
function messageIn(body: Record<string, unknown>): Record<string, unknown> {
  const { role, content, tool_calls, id } = body
  const calls = unpacked(tool_calls)
  return {
    ...(role === undefined ? {} : { role }),
    content: unpacked(content) ?? null,
    ...(calls == null ? {} : { tool_calls: calls }),
    ...(id === undefined ? {} : { id }),
  }
}

const NUMBERED = /^gen_ai\.(prompt|completion)\.(\d+)\.(.+)$/
const MOST_MESSAGES = 10_000

function fromNumbered({ attributes }: Span): Said | null {
  const found = {
    prompt: new Map<number, Record<string, unknown>>(),
    completion: new Map<number, Record<string, unknown>>(),
  }
  for (const [key, value] of Object.entries(attributes)) {
    const [, kind, digits, field] = NUMBERED.exec(key) ?? []
    const index = Number(digits)
    if (kind === undefined || index > MOST_MESSAGES) continue
    const messages = found[kind as keyof typeof found]
    const message = messages.get(index) ?? {}
    if (field === 'content') message.content = unpacked(value)
    else if (field === 'role' || field === 'finish_reason') message[field] = value
    else if (field!.startsWith('tool_calls'))
      message.tool_calls = [...((message.tool_calls as unknown[]) ?? []), { [field!]: value }]
    messages.set(index, message)
  }
  const inOrder = (messages: Map<number, Record<string, unknown>>) =>
    [...messages].sort(([a], [b]) => a - b).map(([, message]) => message)
  return found.prompt.size === 0
    ? null
    : { prompt: inOrder(found.prompt), answers: inOrder(found.completion) }
}

/** The text of a message, of which the content is a text, a list of parts, or `parts`. */
function textOf(message: unknown, role: string): Text {
  if (typeof message === 'string') return { role, content: message, partial: false }
  if (!isRecord(message)) return { role, content: '', partial: true }
  const own = typeof message.role === 'string' && message.role !== '' ? message.role : role
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.length > 0 : message.tool_calls != null
  const { parts = message.content } = message
  if (typeof parts === 'string') return { role: own, content: parts, partial: calls }
  if (!Array.isArray(parts))
    return { role: own, content: '', partial: calls || parts != null || message.content === null }
  const texts = parts.map((part) => {
    if (typeof part === 'string') return part
    if (!isRecord(part) || part.type !== 'text') return null
    const text = part.content ?? part.text
    return typeof text === 'string' ? text : null
  })
  const kept = texts.filter((text) => text !== null)
  return {
    role: own,
    content: kept.join(''),
    partial: calls || kept.length < texts.length || parts.length === 0,
  }
}

function finishOf(answer: unknown): string | null {
  const reason = isRecord(answer) ? (answer.finish_reason ?? answer.finishReason) : null
  return typeof reason === 'string' && reason !== '' ? reason : null
}

function listOf(value: unknown): unknown[] | null {
  const list = unpacked(value)
  if (Array.isArray(list)) return list
  return isRecord(list) ? [list] : null
}

function asMessage(value: unknown, role: string): unknown[] {
  return typeof value === 'string' && value !== '' ? [{ role, content: value }] : []
}

/** What is JSON in a text where a list or an object may be; any other text is itself. */
function unpacked(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
