// An OpenAI-compatible API for tests: real HTTP, answers that the request asks for by its model.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Received {
  headers: IncomingMessage['headers']
  body: string
  url: string
}

export interface FakeUpstream {
  url: string
  /** Requests in the order in which they came. */
  received: Received[]
  /** Requests whose caller went away before the end. */
  aborted: number
  close(): Promise<void>
}

type Answer = (response: ServerResponse, request: Record<string, unknown>, received: Received) => unknown

/** Starts it; `answers` by model, or by path where there is no body, and `answer` for all others. */
export async function startFakeUpstream(answers: Record<string, Answer> = {}): Promise<FakeUpstream> {
  const received: Received[] = []
  let aborted = 0
  const server: Server = createServer(async (request, response) => {
    response.once('close', () => {
      if (!response.writableFinished) aborted++
    })
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const seen = { headers: request.headers, body, url: request.url! }
    received.push(seen)
    const parsed = (body === '' ? {} : JSON.parse(body)) as Record<string, unknown>
    // What has no body is answered by its path.
    await (answers[String(parsed.model ?? request.url)] ?? answer)(response, parsed, seen)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    received,
    get aborted() {
      return aborted
    },
    async close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

let count = 0
export const usage = { prompt_tokens: 1000, completion_tokens: 200, total_tokens: 1200 }

/** Answers `n` times with the last message, whole or word by word; a stream about 'endless' stops in the middle. */
export async function answer(response: ServerResponse, request: Record<string, unknown>): Promise<void> {
  const messages = request.messages as { content: string }[]
  const head = { id: `chatcmpl-fake-${++count}`, created: 1, model: request.model }
  const texts = Array.from({ length: Number(request.n ?? 1) }, (_, index) => [
    `answer ${index} `,
    `to ${messages.at(-1)!.content}`,
  ])
  if (request.stream !== true) {
    const choices = texts.map((words, index) => ({
      index,
      message: { role: 'assistant', content: words.join(''), refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    }))
    sendJson(response, 200, { ...head, object: 'chat.completion', choices, usage })
    return
  }
  const chunk = (index: number, delta: object, finish_reason: string | null = null) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index, delta, finish_reason }],
  })
  const chunks: object[] = texts.map((_, index) => chunk(index, { role: 'assistant', content: '' }))
  const isEndless = messages.at(-1)!.content === 'endless'
  for (const word of isEndless ? [0] : [0, 1])
    for (const [index, words] of texts.entries()) chunks.push(chunk(index, { content: words[word] }))
  if (isEndless)
    return sendEvents(
      response,
      chunks.map((one) => JSON.stringify(one)),
      { end: false },
    )
  for (const index of texts.keys()) chunks.push(chunk(index, {}, 'stop'))
  if ((request.stream_options as { include_usage?: boolean } | undefined)?.include_usage)
    chunks.push({ ...head, object: 'chat.completion.chunk', choices: [], usage })
  await sendEvents(response, [...chunks.map((one) => JSON.stringify(one)), '[DONE]'])
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Sends server-sent events, each in a write of its own, and ends unless told otherwise. */
export async function sendEvents(
  response: ServerResponse,
  events: string[],
  { end = true, pause = 0 } = {},
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  for (const data of events) {
    response.write(`data: ${data}\n\n`)
    await sleep(pause)
  }
  if (end) response.end()
}
