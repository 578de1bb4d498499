import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'

/** A span with its attributes as plain values. */
export interface Span {
  /** Lower-case hexadecimal digits, 32 and 16. */
  traceId: string
  spanId: string
  name: string
  /** Milliseconds since 1970, with fractions. */
  startMs: number
  endMs: number
  attributes: Record<string, unknown>
  events: { name: string; attributes: Record<string, unknown> }[]
}

const Attributes = z.array(z.looseObject({ key: z.string(), value: z.unknown() })).nullish()
const Nanoseconds = z.union([z.string().regex(/^\d{1,20}$/), z.number().nonnegative()])

const SpanJson = z.looseObject({
  traceId: z.string(),
  spanId: z.string(),
  name: z.string().nullish(),
  startTimeUnixNano: Nanoseconds.nullish(),
  endTimeUnixNano: Nanoseconds.nullish(),
  attributes: Attributes,
  events: z.array(z.looseObject({ name: z.string().nullish(), attributes: Attributes })).nullish(),
})

const TraceRequest = z.looseObject({
  resourceSpans: z
    .array(
      z.looseObject({
        scopeSpans: z.array(z.looseObject({ spans: z.array(SpanJson).nullish() })).nullish(),
      }),
    )
    .nullish(),
})

/**
 * Reads the spans of an ExportTraceServiceRequest in its JSON form (OTLP 1.x, "JSON Protobuf Encoding").
 * Throws 'invalid-input' naming the first field that is not of this form.
 */
export function readSpans(value: unknown): Span[] {
  const parsed = TraceRequest.safeParse(value)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    throw new RegraftError('invalid-input', `${path.map(String).join('.') || 'the body'}: ${message}`, {
      hint: 'Expected {"resourceSpans": [{"scopeSpans": [{"spans": […]}]}]}, as OTLP exporters send it.',
    })
  }
  return (parsed.data.resourceSpans ?? []).flatMap(({ scopeSpans }) =>
    (scopeSpans ?? []).flatMap(({ spans }) => (spans ?? []).map(toSpan)),
  )
}

function toSpan(span: z.output<typeof SpanJson>): Span {
  return {
    traceId: span.traceId.toLowerCase(),
    spanId: span.spanId.toLowerCase(),
    name: span.name ?? '',
    startMs: Number(span.startTimeUnixNano ?? 0) / 1e6,
    endMs: Number(span.endTimeUnixNano ?? 0) / 1e6,
    attributes: plainAttributes(span.attributes),
    events: (span.events ?? []).map(({ name, attributes }) => ({
      name: name ?? '',
      attributes: plainAttributes(attributes),
    })),
  }
}

function plainAttributes(attributes: z.output<typeof Attributes>): Record<string, unknown> {
  const values: Record<string, unknown> = Object.create(null)
  for (const { key, value } of attributes ?? []) values[key] = plainValue(value)
  return values
}

/** The value of an AnyValue; what has none is null. */
function plainValue(any: unknown): unknown {
  if (typeof any !== 'object' || any === null) return null
  const value = any as Record<string, unknown>
  if (typeof value.stringValue === 'string') return value.stringValue
  if (typeof value.boolValue === 'boolean') return value.boolValue
  if (value.intValue != null) return Number(value.intValue)
  if (value.doubleValue != null) return Number(value.doubleValue)
  const values = (list: unknown): unknown[] => {
    const inner = typeof list === 'object' && list !== null ? (list as { values?: unknown }).values : null
    return Array.isArray(inner) ? inner : []
  }
  if (value.arrayValue != null) return values(value.arrayValue).map(plainValue)
  if (value.kvlistValue == null) return null
  const entries = values(value.kvlistValue).flatMap((entry) => {
    const { key, value: inner } = (entry ?? {}) as { key?: unknown; value?: unknown }
    return typeof key === 'string' ? [[key, plainValue(inner)] as const] : []
  })
  return Object.fromEntries(entries)
}
