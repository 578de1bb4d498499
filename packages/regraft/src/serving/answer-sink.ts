import { PassThrough, Readable } from 'node:stream'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import { nodeOf, type ServingEnv } from './serving-env.ts'

/** Where an answer is written as it comes, byte for byte. */
export interface AnswerSink {
  /** Aborted when the caller goes away. */
  readonly gone: AbortSignal
  begin(status: number, headers: Record<string, string | string[]>): void
  /** Resolves when more may be written: what the caller does not read is not fetched from the upstream either. */
  write(bytes: Uint8Array): Promise<void> | void
  end(bytes?: Uint8Array): void
  /** Breaks the connection off, so that nobody takes what was sent for all of it. */
  destroy(): void
}

/** Lets a function answer on Node's response itself; without one (a request in memory) the same as a Response. */
export async function answerOn(
  context: Context<ServingEnv>,
  answer: (sink: AnswerSink) => Promise<void>,
): Promise<Response> {
  const outgoing = nodeOf(context).outgoing
  const gone = new AbortController()
  if (outgoing) {
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) gone.abort()
    })
    if (outgoing.destroyed) gone.abort()
    await answer({
      gone: gone.signal,
      begin: (status, headers) => void outgoing.writeHead(status, headers),
      write: (bytes) => (outgoing.write(bytes) ? undefined : drained(outgoing, gone.signal)),
      end: (bytes) => void outgoing.end(bytes),
      destroy: () => void outgoing.destroy(),
    })
    return RESPONSE_ALREADY_SENT
  }
  const body = new PassThrough()
  const head = Promise.withResolvers<ResponseInit>()
  body.once('close', () => {
    if (!body.writableFinished) gone.abort()
  })
  const answering = answer({
    gone: gone.signal,
    begin: (status, headers) =>
      head.resolve({
        status,
        headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
      }),
    write: (bytes) => (body.write(bytes) ? undefined : drained(body, gone.signal)),
    end: (bytes) => void body.end(bytes),
    destroy: () => void body.destroy(new Error('the upstream broke off')),
  })
  answering.catch(head.reject)
  return new Response(Readable.toWeb(body) as ReadableStream, await head.promise)
}

function drained(writable: NodeJS.WritableStream, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (gone.aborted) return resolve()
    const done = () => {
      writable.off('drain', done)
      gone.removeEventListener('abort', done)
      resolve()
    }
    writable.once('drain', done)
    gone.addEventListener('abort', done)
  })
}
