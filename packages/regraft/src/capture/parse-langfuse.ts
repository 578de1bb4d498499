// Exports of Langfuse: traces with their observations (API), or observations alone (API, user interface, blob storage, whose
// fields are in snake_case and whose inputs and outputs may be JSON inside of a text). Scores become feedback, see
// langfuse-scores.ts.
import { z } from 'zod'
import type { InferencePayload, Message } from '../store/types.ts'
import { ChatMessage, contentOf, messageRefusal } from './chat-line.ts'
import type { FileRecord } from './json-records.ts'
import { scoreFeedback } from './langfuse-scores.ts'
import { isRecord } from './parse-openai-jsonl.ts'
import { parseTime } from './parse-time.ts'
import {
  type FileOrigin,
  importedRow,
  malformed,
  type ParsedRow,
  type PassedRow,
  type RowUnit,
} from './parsed-row.ts'
import { type Field, fieldOf, readDerivedFrom, readUser } from './row-fields.ts'

type Fields = Record<string, unknown>

/**
 * Turns traces and observations of Langfuse into inferences and feedback: one for each observation of the type GENERATION.
 *
 * Other observations are passed over and counted. A generation keeps its id, so overlapping exports store it once.
 * Rejected are calls that hold more than text, and scores of a trace that has several generations, since they do not say
 * which one is meant.
 */
export async function* parseLangfuse(
  records: AsyncIterable<FileRecord>,
  unit: RowUnit,
  origin: FileOrigin,
): AsyncGenerator<ParsedRow | PassedRow> {
  const seen = new Map<string, number>()
  for await (const record of records) {
    const { number: line } = record
    if ('reason' in record) {
      yield { line, reason: record.reason }
      continue
    }
    if (!isRecord(record.value)) {
      throw malformed(unit, line, ': expected a trace or an observation.', { hint: HINT })
    }
    const fields = camelCased(record.value)
    const isTrace = Array.isArray(fields.observations)
    const trace = isTrace ? fields : {}
    const observations = isTrace
      ? (fields.observations as unknown[]).filter(isRecord).map(camelCased)
      : [fields]
    const generations = observations.filter(({ type }) => type === 'GENERATION')
    if (!isTrace && fields.type === undefined) {
      yield { line, reason: 'is neither an observation nor a trace with its observations' }
      continue
    }
    for (const { type } of observations) {
      if (type !== 'GENERATION') yield { line, passed: `observations of the type ${String(type)}` }
    }
    if (isTrace && generations.length === 0) yield { line, passed: 'traces without a generation' }
    const scores = scoresOf(trace)
    const rated =
      generations.length === 1 ? generations[0] : generations.find((entry) => answersTrace(entry, trace))
    if (scores.some((score) => score.observationId == null) && !rated && generations.length > 0) {
      yield {
        line,
        reason: 'has scores of a trace with several generations, which do not say which one is meant',
      }
    }
    for (const generation of generations) {
      const own = scores.filter((score) =>
        score.observationId == null ? generation === rated : score.observationId === generation.id,
      )
      const row = generationRow(generation, trace, [...own, ...scoresOf(generation)], line, origin)
      const earlier = 'inference' in row ? seen.get(row.inference.id) : undefined
      if (earlier !== undefined) yield { line, reason: `has a generation that ${unit} ${earlier} has too` }
      else yield row
      if ('inference' in row) seen.set(row.inference.id, line)
    }
  }
}

const HINT = 'Export observations, or traces with their observations, as JSON or JSON Lines.'

function generationRow(
  fields: Fields,
  trace: Fields,
  scores: Fields[],
  line: number,
  origin: FileOrigin,
): ParsedRow {
  const start = timeOf(fields.startTime ?? fields.timestamp ?? trace.timestamp)
  if (start === null) return { line, reason: 'has a generation without a start time' }
  const messages = readMessages(fields.input, 'user')
  if ('reason' in messages) return { line, reason: `has an input that ${messages.reason}` }
  if (messages.value.length === 0) return { line, reason: 'has a generation without an input' }
  const answer = readAnswer(fields.output)
  if ('reason' in answer) return { line, reason: `has an output that ${answer.reason}` }
  const about = { ...trace, ...dropNulls(fields) }
  const user = readUser(about, origin.subject, ['userId'])
  if ('reason' in user) return { line, reason: user.reason }
  const from = origin.derivedFrom ?? 'derivedFrom'
  const derivedFrom = readDerivedFrom(fieldOf(about, from), from)
  if ('reason' in derivedFrom) return { line, reason: derivedFrom.reason }
  const feedback = scores.flatMap((score) =>
    scoreFeedback(score, timeOf(score.timestamp ?? score.createdAt) ?? start),
  )
  const { sessionId } = about as { sessionId?: unknown }
  return importedRow(
    {
      occurredAt: start,
      handle: handleOf(fields, trace),
      messages: messages.value,
      response: answer.value,
      model: textOr(fields.model ?? fields.providedModelName),
      parameters: isRecord(unpacked(fields.modelParameters))
        ? (unpacked(fields.modelParameters) as Fields)
        : {},
      latencyMs: since(start, fields.endTime),
      usage: usageOf(fields),
      ...optional('firstTokenMs', since(start, fields.completionStartTime)),
      ...optional('cost', costOf(fields)),
      ...optional('conversation', textOr(sessionId)),
      user: user.value,
      derivedFrom: derivedFrom.value,
      feedback,
    },
    line,
    origin,
  )
}

/** A UUID is the id of the call; a span's id is only unique in its trace. */
function handleOf({ id, traceId }: Fields, trace: Fields): string | null {
  if (typeof id !== 'string' || id === '') return null
  return /^[0-9a-f]{8}-/i.test(id) ? id : `span:${String(traceId ?? trace.id)}:${id}`
}

/** Reads a conversation: a text, a list of messages, one message, or an object with one of these in it. */
function readMessages(value: unknown, role: string): Field<Message[]> {
  const input = unpacked(value)
  if (input == null || input === '') return { value: [] }
  if (typeof input === 'string') return { value: [{ role, content: input }] }
  if (isRecord(input)) {
    if (isFilled(input.tools) || isFilled(input.functions)) return { reason: 'offers tools to the model' }
    const inner = input.messages ?? input.prompt ?? (input.role === undefined ? undefined : [input])
    return inner === undefined ? { reason: 'is not a conversation' } : readMessages(inner, role)
  }
  if (!Array.isArray(input)) return { reason: 'is not a conversation' }
  const messages: Message[] = []
  for (const entry of input) {
    const parsed = ChatMessage.safeParse(
      isRecord(entry) && entry.role === undefined ? { role, ...entry } : entry,
    )
    if (!parsed.success) return { reason: 'is not a conversation' }
    const reason = messageRefusal(parsed.data)
    if (reason !== null) return { reason: `has a message that ${reason}` }
    messages.push({ role: parsed.data.role, content: contentOf(parsed.data) })
  }
  return { value: messages }
}

function readAnswer(value: unknown): Field<string | null> {
  const output = unpacked(value)
  const choices = isRecord(output) && Array.isArray(output.choices) ? output.choices : null
  const choice = choices?.[0]
  if (choices && choices.length > 1) return { reason: 'has several choices' }
  if (isRecord(choice)) return readAnswer(choice.message ?? choice.text)
  if (isRecord(output) && output.role === undefined && output.content === undefined) {
    const text = output.completion ?? output.text ?? output.answer
    return typeof text === 'string' ? { value: text } : { reason: 'is not an answer' }
  }
  const messages = readMessages(output, 'assistant')
  if ('reason' in messages) return messages
  const [answer, ...more] = messages.value
  if (more.length > 0) return { reason: 'has several messages' }
  return { value: answer?.content ?? null }
}

function answersTrace(generation: Fields, trace: Fields): boolean {
  return (
    trace.output != null &&
    JSON.stringify(unpacked(generation.output)) === JSON.stringify(unpacked(trace.output))
  )
}

/** Scores come as a list, or by their names as the tables of the user interface export them. */
function scoresOf({ scores }: Fields): Fields[] {
  const value = unpacked(scores)
  if (Array.isArray(value)) return value.filter(isRecord).map(camelCased)
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((entry: unknown) => ({ name, value: entry })),
  )
}

const Tokens = z.number().int().nonnegative()

function usageOf(fields: Fields): InferencePayload['usage'] {
  const usage = unpacked(fields.usageDetails ?? fields.usage)
  if (!isRecord(usage)) return null
  const prompt = Tokens.safeParse(Number(usage.input ?? usage.promptTokens ?? usage.prompt_tokens))
  const completion = Tokens.safeParse(
    Number(usage.output ?? usage.completionTokens ?? usage.completion_tokens),
  )
  if (!prompt.success || !completion.success) return null
  return prompt.data + completion.data === 0
    ? null
    : { promptTokens: prompt.data, completionTokens: completion.data }
}

/** Langfuse counts in US dollars. */
function costOf(fields: Fields): InferencePayload['cost'] | null {
  const details = unpacked(fields.costDetails)
  const amount = Number(
    fields.calculatedTotalCost ?? fields.totalCost ?? (isRecord(details) ? details.total : null) ?? 0,
  )
  return amount > 0 && Number.isFinite(amount) ? { amount, currency: 'USD' } : null
}

function since(start: Date, value: unknown): number | null {
  const end = timeOf(value)
  return end === null || end < start ? null : end.getTime() - start.getTime()
}

function timeOf(value: unknown): Date | null {
  return typeof value === 'string' || typeof value === 'number' ? parseTime(value) : null
}

/** Values that an export has written as JSON inside of a text. */
function unpacked(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{"]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

function camelCased(fields: Fields): Fields {
  const camel = (key: string) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [camel(key), value]))
}

function dropNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null))
}

function textOr(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function optional<Key extends string, Value>(key: Key, value: Value | null): { [K in Key]?: Value } {
  return value === null ? {} : ({ [key]: value } as { [K in Key]?: Value })
}

function isFilled(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0
}
