// Watches a client of OpenAI's API: what it was asked and answered is remembered, and the client notices nothing.
import type { Answers, RememberedAnswer } from './answers.ts'
import { type Chunk, type Completion, CompletionBuilder } from './completion.ts'
import { newEventId } from './event-id.ts'

/** What is needed of a client: the official `openai` package's, or one of its shape. */
export interface ChatClient {
  baseURL?: string
  chat: { completions: { create: (...parameters: never[]) => unknown } }
}

/** One call as `POST /v1/inferences` takes it. */
export interface LoggedCall {
  id: string
  request: unknown
  response: unknown
  started_at: string
  latency_ms: number
  first_token_ms?: number
  /** The stream ended before the answer did. */
  cut_off?: boolean
  /** Host that answered. */
  upstream?: string
  subject?: string
  conversation?: string
}

export interface Watcher {
  answers: Answers
  /** Whether requests to this address go through Regraft, which logs them itself. */
  isRegraft(baseURL: string | undefined): boolean
  /** Sends a call that Regraft did not see. */
  log(call: LoggedCall): void
  /** The same messages were answered again in a conversation. */
  regenerated(before: RememberedAnswer, next: RememberedAnswer): void
  onProblem(error: unknown): void
}

interface Call {
  upstream: string | null
  messages: string
  /** JSON of the whole request; null where Regraft logs it itself. */
  request: string | null
  subject: string | null
  conversation: string | null
  startedAt: number
  /** The last answer of its conversation when it began. */
  before: RememberedAnswer | undefined
}

type Anything = Record<PropertyKey, unknown>
type Method = (...parameters: unknown[]) => unknown

const INFERENCE_HEADER = 'x-regraft-inference-id'
const CONVERSATION_HEADER = 'x-regraft-conversation'
const SUBJECT_HEADER = 'x-regraft-subject'
/** Ollama draws its ids from a thousand numbers: they name nothing. */
const DRAWN_FROM_FEW = /^chatcmpl-\d{1,3}$/
const watched = new WeakSet<object>()

/** Watches `chat.completions.create`, which the client's own helpers (`stream`, `parse`, `runTools`) call too. */
export function watch<Client extends ChatClient>(client: Client, watcher: Watcher): Client {
  const completions = client.chat.completions as unknown as Anything
  if (watched.has(completions)) return client
  watched.add(completions)
  const create = (completions.create as Method).bind(completions)
  completions.create = (...parameters: unknown[]) => {
    const call = guard(watcher, () => beginCall(client.baseURL, parameters, watcher))
    const result = create(...parameters)
    return call ? observe(result, (data, response) => seeResult(watcher, call, data, response)) : result
  }
  const { withOptions } = client as Anything
  if (typeof withOptions === 'function') {
    Object.assign(client, {
      withOptions: (...options: unknown[]) =>
        watch(withOptions.apply(client, options) as ChatClient, watcher),
    })
  }
  return client
}

function beginCall(
  baseURL: string | undefined,
  [body, options]: unknown[],
  { answers, isRegraft }: Watcher,
): Call | null {
  if (!isObject(body) || !Array.isArray(body.messages)) return null
  const header = headerReader(isObject(options) ? options.headers : undefined)
  const metadata = isObject(body.metadata) ? body.metadata : {}
  const conversation = header(CONVERSATION_HEADER) ?? textOf(metadata.conversation)
  return {
    // The product may change both before the answer is there.
    messages: JSON.stringify(body.messages),
    request: isRegraft(baseURL) ? null : JSON.stringify(body),
    upstream: textOf(/^\w+:\/\/([^/]+)/.exec(baseURL ?? '')?.[1]),
    subject: header(SUBJECT_HEADER) ?? textOf(body.safety_identifier) ?? textOf(body.user),
    conversation,
    startedAt: Date.now(),
    before: conversation === null ? undefined : answers.lastOf(conversation),
  }
}

/** Calls back with what the client parses, without reading anything that it does not read itself. */
function observe(result: unknown, seen: (data: unknown, response: unknown) => void): unknown {
  if (!isObject(result)) return result
  // A promise of the official client may be asked for the raw response instead: it parses only when it is awaited.
  if (typeof result._thenUnwrap === 'function') {
    return result._thenUnwrap((data: unknown, sources: unknown) => {
      seen(data, isObject(sources) ? sources.response : undefined)
      return data
    })
  }
  if (typeof result.then === 'function') {
    result.then(
      (data: unknown) => seen(data, undefined),
      () => {},
    )
  }
  return result
}

function seeResult(watcher: Watcher, call: Call, data: unknown, response: unknown): void {
  guard(watcher, () => {
    if (!isObject(data)) return
    const headers = isObject(response) ? response.headers : undefined
    const named = headerReader(headers)(INFERENCE_HEADER)
    const end = (completion: Completion | null, firstPieceAt: number | null, cutOff: boolean) =>
      guard(watcher, () => {
        if (completion) endCall(watcher, call, { completion, firstPieceAt, cutOff, named })
      })
    if (Array.isArray(data.choices)) end(data as unknown as Completion, null, false)
    else if (Symbol.asyncIterator in data) observeStream(data, watcher, end)
  })
}

/** Replaces what a stream is read from; its other methods (`tee`, `toReadableStream`) read from there too. */
function observeStream(
  stream: Anything,
  watcher: Watcher,
  end: (completion: Completion | null, firstPieceAt: number | null, cutOff: boolean) => void,
): void {
  const source = typeof stream.iterator === 'function' ? 'iterator' : Symbol.asyncIterator
  const read = (stream[source] as () => AsyncIterable<object>).bind(stream)
  stream[source] = async function* () {
    const builder = new CompletionBuilder()
    let complete = false
    try {
      for await (const chunk of read()) {
        guard(watcher, () => builder.add(chunk as Chunk, Date.now()))
        yield chunk
      }
      complete = true
    } finally {
      const completion = builder.completion()
      const finished = completion?.choices.every(({ finish_reason: reason }) => reason !== null) ?? false
      end(completion, builder.firstPieceAt, !(complete && finished))
    }
  }
}

function endCall(
  watcher: Watcher,
  call: Call,
  answer: {
    completion: Completion
    firstPieceAt: number | null
    cutOff: boolean
    named: string | null
  },
): void {
  const { completion, firstPieceAt, cutOff, named } = answer
  const { id } = completion
  if (typeof id !== 'string' || id === '') return
  const logged = named !== null || call.request === null
  const namesIt = logged || !(DRAWN_FROM_FEW.test(id) || watcher.answers.get(id))
  const inferenceId = named ?? (namesIt ? id : newEventId(Date.now()))
  const remembered: RememberedAnswer = {
    id,
    inferenceId,
    messages: call.messages,
    texts: completion.choices.map(({ message }) =>
      typeof message?.content === 'string' ? message.content : '',
    ),
    subject: call.subject,
    conversation: call.conversation,
    used: false,
  }
  if (!logged) {
    watcher.log({
      id: inferenceId,
      request: JSON.parse(call.request!),
      response: completion,
      started_at: new Date(call.startedAt).toISOString(),
      latency_ms: Date.now() - call.startedAt,
      ...(firstPieceAt === null ? {} : { first_token_ms: firstPieceAt - call.startedAt }),
      ...(cutOff ? { cut_off: true } : {}),
      ...(call.upstream === null ? {} : { upstream: call.upstream }),
      ...(call.subject === null ? {} : { subject: call.subject }),
      ...(call.conversation === null ? {} : { conversation: call.conversation }),
    })
  }
  const { before } = call
  watcher.answers.note(remembered)
  if (before && !before.used && before.messages === call.messages) watcher.regenerated(before, remembered)
}

/** Reads headers however they are given: an object, pairs, or a Headers; names in any case. */
function headerReader(headers: unknown): (name: string) => string | null {
  if (!isObject(headers)) return () => null
  if (typeof headers.get === 'function') {
    const { get } = headers as { get(name: string): unknown }
    return (name) => textOf(get.call(headers, name))
  }
  const pairs = Array.isArray(headers) ? (headers as [string, unknown][]) : Object.entries(headers)
  return (name) => textOf(pairs.find(([key]) => String(key).toLowerCase() === name)?.[1])
}

/** The product's own code path goes on whatever happens here. */
function guard<T>(watcher: Watcher, work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    watcher.onProblem(error)
    return null
  }
}

function isObject(value: unknown): value is Anything {
  return typeof value === 'object' && value !== null
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null
}
