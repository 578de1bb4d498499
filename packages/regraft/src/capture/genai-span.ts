import type { InferencePayload } from '../store/types.ts'
import { readConversation } from './genai-messages.ts'
import type { Span } from './otlp-spans.ts'
import type { ImportedCall } from './parsed-row.ts'
import { readDerivedFrom } from './row-fields.ts'

/** Operations of the conventions that are calls of a model which answers in text. */
const CALLS = ['chat', 'text_completion', 'completion', 'generate_content']
const USERS = [
  'user.id',
  'enduser.id',
  'enduser.pseudo.id',
  'langfuse.user.id',
  'traceloop.association.properties.user_id',
]
const CONVERSATIONS = [
  'gen_ai.conversation.id',
  'session.id',
  'langfuse.session.id',
  'traceloop.association.properties.session_id',
]
const HEX_IDS = /^[0-9a-f]{32}[0-9a-f]{16}$/

/** A span as a call of a model; what it is instead; or why it cannot be kept. */
export type ReadSpan = { call: ImportedCall } | { passed: string } | { reason: string }

/**
 * Reads a call of a model from a span of the GenAI semantic conventions (of both generations, and OpenLLMetry's).
 *
 * The row's id follows from `gen_ai.response.id`, else from the ids of trace and span, so that a span which is sent
 * again is stored once. A call that holds more than text keeps it in `exact`.
 */
export function readGenAiSpan(
  span: Span,
  options: { subject?: string | null; derivedFrom?: string | null } = {},
): ReadSpan {
  const { attributes } = span
  const operation = operationOf(attributes)
  if (operation === null) return { passed: 'spans that are no calls of a model' }
  if (!CALLS.includes(operation)) return { passed: `spans of the operation ${operation}` }
  if (!HEX_IDS.test(span.traceId + span.spanId) || /^0+$/.test(span.spanId)) {
    return { reason: 'has no valid ids of trace and span' }
  }
  if (!(span.startMs > 0 && span.startMs < 8.64e15)) return { reason: 'has no start time' }
  const conversation = readConversation(span)
  if (conversation === null) {
    return {
      reason:
        'has no messages: let the instrumentation capture content (OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT)',
    }
  }
  const from = options.derivedFrom ?? 'regraft.derived_from'
  const derivedFrom = readDerivedFrom(attributes[from], from)
  if ('reason' in derivedFrom) return derivedFrom
  const handle = textAt(attributes, ['gen_ai.response.id'])
  const ended = span.endMs >= span.startMs
  const [finishReason = null] = listAt(attributes, 'gen_ai.response.finish_reasons')
  return {
    call: {
      ...conversation,
      occurredAt: new Date(span.startMs),
      handle: handle ?? `span:${span.traceId}:${span.spanId}`,
      model: textAt(attributes, ['gen_ai.response.model', 'gen_ai.request.model']),
      parameters: parametersOf(attributes),
      latencyMs: ended ? Math.round((span.endMs - span.startMs) * 1000) / 1000 : null,
      usage: usageOf(attributes),
      finishReason: conversation.finishReason ?? finishReason,
      ...optional('conversation', textAt(attributes, CONVERSATIONS)),
      user: textAt(attributes, options.subject ? [options.subject] : USERS),
      derivedFrom: derivedFrom.value,
    },
  }
}

function operationOf(attributes: Span['attributes']): string | null {
  const named = textAt(attributes, ['gen_ai.operation.name', 'llm.request.type'])
  if (named !== null) return named
  // Before 1.27 no operation was named: a call has a model and what was asked of it.
  const isOld =
    attributes['gen_ai.request.model'] !== undefined && attributes['gen_ai.prompt.0.content'] !== undefined
  return isOld ? 'chat' : null
}

function parametersOf(attributes: Span['attributes']): Record<string, unknown> {
  const prefix = 'gen_ai.request.'
  const entries = Object.entries(attributes).filter(
    ([key, value]) =>
      key.startsWith(prefix) &&
      value !== null &&
      !/\.(model|is_stream|streaming|functions|tools)\b/.test(key.slice(prefix.length - 1)),
  )
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(prefix.length), value]))
}

function usageOf(attributes: Span['attributes']): InferencePayload['usage'] {
  const count = (...names: string[]) => {
    const value = names.map((name) => attributes[name]).find((entry) => entry !== undefined)
    return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null
  }
  const promptTokens = count('gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens')
  const completionTokens = count('gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens')
  return promptTokens === null || completionTokens === null ? null : { promptTokens, completionTokens }
}

function textAt(attributes: Span['attributes'], names: string[]): string | null {
  for (const name of names) {
    const value = attributes[name]
    if (typeof value === 'string' && value.trim() !== '') return value
    if (typeof value === 'number') return String(value)
  }
  return null
}

function listAt(attributes: Span['attributes'], name: string): string[] {
  const value = attributes[name]
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : []
}

function optional<Key extends string>(key: Key, value: string | null): { [K in Key]?: string } {
  return value === null ? {} : ({ [key]: value } as { [K in Key]?: string })
}
