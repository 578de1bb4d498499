import { gunzipSync } from 'node:zlib'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { ERROR_CODES, RegraftError } from '../errors/index.ts'
import { allows, describeError, findUnstorableIn, type Principal } from '../operation/index.ts'
import type { InferencePayload, NewInference, ProjectStore } from '../store/types.ts'
import { readGenAiSpan } from './genai-span.ts'
import type { Journals } from './journals.ts'
import { limitBody } from './limit-body.ts'
import { decodeTraceRequest, encodeStatus, encodeTraceResponse } from './otlp-protobuf.ts'
import { readSpans, type Span } from './otlp-spans.ts'
import type { ImportedCall } from './parsed-row.ts'
import { inferenceIdOf } from './row-ids.ts'

const BODY_LIMIT = 16 * 1024 * 1024
/** What a compressed body may grow to. */
const UNPACKED_LIMIT = 64 * 1024 * 1024
const PROTOBUF = 'application/x-protobuf'
/** Reasons that an answer names; it counts them all. */
const NAMED_REASONS = 5
/** Codes of google.rpc, which errors of OTLP bear. */
const GRPC_CODES: Record<number, number> = { 400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 503: 14 }

interface TraceEnv {
  Variables: { principal: Principal; store: ProjectStore }
}

/**
 * `POST /v1/traces`: OTLP over HTTP, in protobuf or JSON, also compressed with gzip (OTLP 1.x, "OTLP/HTTP").
 *
 * Calls of models by the GenAI semantic conventions become inferences, acknowledged by the journal before the answer.
 * Other spans are ignored and counted in the header `x-regraft-ignored-spans`; spans that are calls and cannot be kept
 * are answered as a partial success, which exporters do not repeat. 400 for a body that is no trace request, 503 when
 * the journal cannot be written, which exporters do repeat.
 */
export function traceProtocol(options: { journals: Journals }): { path: string; routes(): Hono<TraceEnv> } {
  return { path: '/', routes: () => traceRoutes(options.journals) }
}

function traceRoutes(journals: Journals): Hono<TraceEnv> {
  const routes = new Hono<TraceEnv>()
  routes.onError((error, context) => {
    const { code, message } = describeError(error)
    const { status } = ERROR_CODES[code]
    const grpc = GRPC_CODES[status] ?? 13
    const body = isProtobuf(context) ? encodeStatus(grpc, message) : JSON.stringify({ code: grpc, message })
    return respond(context, body, status)
  })
  routes.post('/v1/traces', limitBody(BODY_LIMIT), async (context) => {
    const { principal, store } = context.var
    if (!allows(principal.scopes, 'infer')) {
      throw new RegraftError('forbidden', "this API key lacks the scope 'infer'", {
        hint: 'regraft keys create <name> --scope infer',
      })
    }
    const bytes = await readBody(context)
    const spans = readSpans(isProtobuf(context) ? decodeTraceRequest(bytes) : parseJson(bytes))
    const journal = await journals.of(store.projectId)
    const rejected: string[] = []
    let ignored = 0
    const appended: Promise<void>[] = []
    for (const span of spans) {
      const read = readGenAiSpan(span)
      if ('passed' in read) ignored += 1
      else if ('reason' in read) rejected.push(`span ${span.spanId} ${read.reason}`)
      else {
        const row = await toRow(store, span, read.call)
        if ('reason' in row) rejected.push(`span ${span.spanId} ${row.reason}`)
        else appended.push(journal.append({ kind: 'inference', row }))
      }
    }
    await Promise.all(appended)
    context.header('x-regraft-ignored-spans', String(ignored))
    const partial =
      rejected.length === 0 ? null : { rejectedSpans: rejected.length, errorMessage: namesOf(rejected) }
    if (isProtobuf(context)) return respond(context, encodeTraceResponse(partial), 200)
    // Integers of 64 bits are texts in the JSON form.
    const json = partial && { ...partial, rejectedSpans: String(partial.rejectedSpans) }
    return respond(context, JSON.stringify(json === null ? {} : { partialSuccess: json }), 200)
  })
  return routes
}

async function toRow(
  store: ProjectStore,
  { traceId, spanId }: Span,
  call: ImportedCall,
): Promise<NewInference | { reason: string }> {
  const { occurredAt, handle, user, derivedFrom, label: _label, feedback: _feedback, ...known } = call
  const payload: InferencePayload = {
    ...{
      model: null,
      adapter: null,
      route: null,
      parameters: {},
      latencyMs: null,
      usage: null,
      finishReason: null,
    },
    ...known,
    source: { kind: 'trace', trace: traceId, span: spanId },
  }
  const found = findUnstorableIn({ ...payload, user })
  if (found) return { reason: `${found.path} ${found.reason}` }
  return {
    id: inferenceIdOf(handle!),
    occurredAt,
    sourceKey: `span:${traceId}:${spanId}`,
    ...(derivedFrom && derivedFrom.length > 0 ? { derivedFrom } : {}),
    ...(user ? { subject: await store.keys.subjectOf(user) } : {}),
    payload,
  }
}

async function readBody(context: Context<TraceEnv>): Promise<Uint8Array> {
  const bytes = new Uint8Array(await context.req.arrayBuffer())
  const encoding = context.req.header('content-encoding') ?? 'identity'
  if (encoding === 'identity') return bytes
  if (encoding !== 'gzip') {
    throw new RegraftError('invalid-input', `the content encoding '${encoding}' cannot be read`, {
      hint: 'OTEL_EXPORTER_OTLP_COMPRESSION=gzip, or none',
    })
  }
  try {
    return gunzipSync(bytes, { maxOutputLength: UNPACKED_LIMIT })
  } catch (cause) {
    throw new RegraftError('invalid-input', `the body is not gzip of at most ${UNPACKED_LIMIT} bytes`, {
      cause,
    })
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new RegraftError('invalid-input', `the body is not valid JSON: ${(cause as Error).message}`, {
      hint: 'Send protobuf with application/x-protobuf and JSON with application/json.',
      cause,
    })
  }
}

function isProtobuf(context: Context): boolean {
  return (context.req.header('content-type') ?? '').split(';')[0]!.trim().toLowerCase() === PROTOBUF
}

function respond(context: Context, body: string | Uint8Array, status: number): Response {
  const type = typeof body === 'string' ? 'application/json' : PROTOBUF
  return context.body(
    typeof body === 'string' ? body : new Uint8Array(body),
    status as ContentfulStatusCode,
    {
      'content-type': type,
    },
  )
}

function namesOf(rejected: string[]): string {
  const named = rejected.slice(0, NAMED_REASONS).join('; ')
  return rejected.length > NAMED_REASONS ? `${named}; and ${rejected.length - NAMED_REASONS} more` : named
}
