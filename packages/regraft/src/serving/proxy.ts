// Requests whose model belongs to an upstream: the bytes go there and back as they are, and what passes by is logged.
import type { IncomingHttpHeaders } from 'node:http'
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { RegraftError } from '../errors/index.ts'
import { describeError } from '../operation/index.ts'
import type { AnswerSink } from './answer-sink.ts'
import { INFERENCE_HEADER } from './call-facts.ts'
import type { CallLog } from './call-log.ts'
import { type Call, upstreamRecord } from './call-record.ts'
import { type ObservedAnswer, readCompletion } from './observed-answer.ts'
import { replaceModel } from './replace-model.ts'
import { StreamReader } from './stream-reader.ts'
import { requestHeaders, responseHeaders, secretsOf, withoutSecrets } from './upstream-headers.ts'
import type { UpstreamIds } from './upstream-ids.ts'
import { upstreamFailure } from './upstream-pool.ts'
import type { Target, Upstreams } from './upstreams.ts'

/** The head of a stream waits for its first event, which has the id, but holds back no more than this, in bytes. */
const MOST_HELD_BACK = 64 * 1024

export interface Proxied {
  projectId: string
  target: Target
  call: Call
  /** The caller's headers and body. */
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface ProxyParts {
  upstreams: Upstreams
  ids: UpstreamIds
  log: CallLog
}

/**
 * Forwards a call and its answer.
 *
 * An answer is logged before its end is sent: whoever has it whole has one that was acknowledged. Throws 'unavailable'
 * (status 502, or 504 for a timeout) while nothing has been sent.
 */
export async function proxyCall(parts: ProxyParts, proxied: Proxied, sink: AnswerSink): Promise<void> {
  const { target } = proxied
  const { config, route, model } = target
  const { pathname } = new URL(config.url)
  let response: Dispatcher.ResponseData
  try {
    response = await parts.upstreams.pool(target.upstream).request({
      path: `${pathname.replace(/\/$/, '')}/chat/completions`,
      method: 'POST',
      headers: requestHeaders(proxied.headers, config),
      body: route === model ? proxied.body : replaceModel(proxied.body.toString('utf8'), model),
      signal: sink.gone,
    })
  } catch (cause) {
    throw sink.gone.aborted
      ? new RegraftError('cancelled', 'the caller broke off')
      : upstreamFailure(target.upstream, cause)
  }
  const { statusCode: status, headers } = response
  if (status >= 300 && status < 400) {
    await response.body.dump()
    throw redirected(target, headers.location)
  }
  const isStream = status < 300 && /^text\/event-stream\b/i.test(String(headers['content-type'] ?? ''))
  if (isStream) await forwardStream(parts, proxied, response, sink)
  else await forwardWhole(parts, proxied, response, sink)
}

async function forwardWhole(
  { ids, log }: ProxyParts,
  { projectId, target, call }: Proxied,
  response: Dispatcher.ResponseData,
  sink: AnswerSink,
): Promise<void> {
  let body: Buffer<ArrayBufferLike>
  try {
    body = Buffer.from(await response.body.bytes())
  } catch (cause) {
    throw sink.gone.aborted
      ? new RegraftError('cancelled', 'the caller broke off')
      : upstreamFailure(target.upstream, cause)
  }
  const secrets = secretsOf(target.config)
  const headers = responseHeaders(response.headers, secrets)
  const coding = String(response.headers['content-encoding'] ?? 'identity')
  if (response.statusCode >= 300) {
    const text = decoded(body, coding)
    if (text !== null && secrets.some((secret) => text.includes(secret))) {
      body = Buffer.from(withoutSecrets(text, secrets))
      delete headers['content-encoding']
    }
  } else {
    const text = decoded(body, coding)
    const answer = text === null ? null : readCompletion(text)
    if (answer) {
      const id = ids.idFor(answer.id)
      if (await log.append(projectId, upstreamRecord(id, call, target, answer)))
        headers[INFERENCE_HEADER] = id
    } else log.noteUnreadable(target.upstream, String(response.headers['content-type'] ?? 'of no type'))
  }
  headers['content-length'] = String(body.length)
  sink.begin(response.statusCode, headers)
  sink.end(body)
}

async function forwardStream(
  { ids, log }: ProxyParts,
  { projectId, target, call }: Proxied,
  response: Dispatcher.ResponseData,
  sink: AnswerSink,
): Promise<void> {
  const reader = new StreamReader()
  const headers = responseHeaders(response.headers, secretsOf(target.config))
  const coding = response.headers['content-encoding']
  // Compressed although nobody asked for it: then it passes unread, and is read at the end.
  const unread: Buffer[] | null = coding === undefined || coding === 'identity' ? null : []
  let heldBack: Buffer[] | null = []
  let isLogged = false
  let name: string | null = null
  const nameOnce = () => {
    name ??= ids.idFor(reader.id)
    return name
  }
  const begin = () => {
    if (!heldBack) return
    if (reader.begun) headers[INFERENCE_HEADER] = nameOnce()
    sink.begin(response.statusCode, headers)
    const bytes = heldBack
    heldBack = null
    return bytes.length > 0 ? sink.write(bytes.length === 1 ? bytes[0]! : Buffer.concat(bytes)) : undefined
  }
  const logOnce = async (answer: ObservedAnswer) => {
    if (isLogged) return
    isLogged = true
    await log.append(projectId, upstreamRecord(nameOnce(), call, target, answer))
  }
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      if (unread) unread.push(chunk)
      else reader.feed(chunk)
      if (reader.done) await logOnce(reader.finish())
      if (heldBack) {
        heldBack.push(chunk)
        const size = heldBack.reduce((sum, { length }) => sum + length, 0)
        if (reader.begun || unread || size > MOST_HELD_BACK) await begin()
      } else {
        const full = sink.write(chunk)
        if (full) await full
      }
    }
  } catch (cause) {
    const isBetweenEvents = reader.betweenEvents && !unread
    await logOnce({ ...reader.finish(), cutOff: true })
    if (sink.gone.aborted) return
    const failure = upstreamFailure(target.upstream, cause)
    if (heldBack) throw failure
    if (!isBetweenEvents) return sink.destroy()
    return sink.end(Buffer.from(`data: ${JSON.stringify({ error: describeError(failure) })}\n\n`))
  }
  if (unread) {
    const text = decoded(Buffer.concat(unread), String(coding))
    if (text !== null) reader.feed(Buffer.from(text))
  }
  await logOnce(reader.finish())
  await begin()
  sink.end()
}

function redirected({ upstream }: Target, location: string | string[] | undefined): RegraftError {
  return new RegraftError(
    'unavailable',
    `the upstream ${upstream} sends elsewhere, to ${location ?? 'nowhere'}`,
    {
      hint: `correct upstreams.${upstream}.url in regraft.yaml`,
      details: { status: 502 },
    },
  )
}

const DECODERS: Record<string, (bytes: Buffer) => Buffer> = {
  identity: (bytes) => bytes,
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
}

/** The text of a body; null when it cannot be read. */
function decoded(body: Buffer, coding: string): string | null {
  try {
    return DECODERS[coding.toLowerCase()]?.(body).toString('utf8') ?? null
  } catch {
    return null
  }
}
