// Answers of /v1/chat/completions, whole and in chunks.
import type { Answer, StreamedToken } from '@regraft/engine'
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import { describeError } from '../operation/index.ts'
import type { NewInference } from '../store/types.ts'
import { INFERENCE_HEADER } from './call-facts.ts'
import type { CallLog } from './call-log.ts'
import { type Call, recordOf } from './call-record.ts'
import type { Generation } from './chat-request.ts'
import { logProbabilitiesObject } from './log-probabilities.ts'
import type { ServedModel } from './served-models.ts'
import type { ServingEnv, ServingOptions } from './serving-env.ts'
import { routeDigest } from './upstreams.ts'

export interface Generating extends Call {
  id: string
  model: ServedModel
  /** What the request called it. */
  route: string
  generation: Generation
  /** Lets the request out of the line of its base. */
  leave(): void
}

interface Parts {
  options: ServingOptions
  log: CallLog
}

type OnText = (text: string, tokens: StreamedToken[]) => void

export async function completeWhole(
  context: Context<ServingEnv>,
  { options, log }: Parts,
  call: Generating,
): Promise<Response> {
  const reported: StreamedToken[] = []
  const wanted = call.generation.topLogProbabilities !== null
  const collect: OnText = (_text, tokens) => void reported.push(...tokens)
  const answer = await answerOf(options, context, call, context.req.raw.signal, wanted ? collect : undefined)
  const row = inferenceOf(call, answer.text, answer, null)
  if (await log.append(context.var.store.projectId, row)) context.header(INFERENCE_HEADER, call.id)
  return context.json({
    ...completionHead(call, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: answer.text, refusal: null },
        logprobs: wanted ? logProbabilitiesObject(reported) : null,
        finish_reason: answer.finishReason,
      },
    ],
    usage: usageObject(answer),
  })
}

/** Begins the stream with the first words: what fails before them is answered with its status, as whole answers are. */
export async function completeInChunks(
  context: Context<ServingEnv>,
  { options, log }: Parts,
  call: Generating,
  includeUsage: boolean,
): Promise<Response> {
  const gone = new AbortController()
  const client = context.req.raw.signal
  client.addEventListener('abort', () => gone.abort(), { once: true })
  if (client.aborted) gone.abort()
  let said = ''
  let firstPieceAt: number | null = null
  const early: Parameters<OnText>[] = []
  let send: OnText = (...piece) => void early.push(piece)
  const begun = Promise.withResolvers<void>()
  const answering = answerOf(options, context, call, gone.signal, (text, tokens) => {
    said += text
    firstPieceAt ??= performance.now()
    send(text, tokens)
    begun.resolve()
  })
  answering.catch(() => {})
  await Promise.race([begun.promise, answering])
  context.header(INFERENCE_HEADER, call.id)
  const append = (response: string, answer: Answer | null) =>
    log.append(context.var.store.projectId, inferenceOf(call, response, answer, firstPieceAt))
  return streamSSE(context, async (stream) => {
    stream.onAbort(() => gone.abort())
    const head = completionHead(call, 'chat.completion.chunk')
    const write = (payload: unknown) => stream.writeSSE({ data: JSON.stringify(payload) })
    const chunk = (delta: unknown, tokens: StreamedToken[] = [], finishReason: string | null = null) => {
      const logprobs = tokens.length > 0 ? logProbabilitiesObject(tokens) : null
      return write({ ...head, choices: [{ index: 0, delta, logprobs, finish_reason: finishReason }] })
    }
    let answer: Answer
    try {
      // These are queued before the next words can come.
      void chunk({ role: 'assistant', content: '' })
      send = (text, tokens) => void chunk({ content: text }, tokens)
      for (const piece of early) send(...piece)
      answer = await answering
    } catch (error) {
      // What the caller has seen so far was an answer of the model too.
      await append(said, null)
      await write({ error: describeError(error) })
      return
    }
    await append(answer.text, answer)
    await chunk({}, [], answer.finishReason)
    if (includeUsage) await write({ ...head, choices: [], usage: usageObject(answer) })
    await stream.writeSSE({ data: '[DONE]' })
  })
}

async function answerOf(
  options: ServingOptions,
  context: Context<ServingEnv>,
  { model, generation, leave }: Generating,
  signal: AbortSignal,
  onText?: OnText,
): Promise<Answer> {
  const { messages, maxTokens, sampling, seed, stop, topLogProbabilities } = generation
  try {
    const [answer] = await options.services.engines.generate(
      context.var.store,
      model.reference,
      {
        ...{ conversations: [messages], maxTokens, sampling, seed, stop },
        ...(topLogProbabilities === null ? {} : { topLogProbabilities }),
      },
      {
        signal,
        ...(onText
          ? { onText: (_row: number, text: string, tokens: StreamedToken[]) => onText(text, tokens) }
          : {}),
      },
    )
    return answer!
  } finally {
    leave()
  }
}

/** The row of a call; without an answer it was cut off. */
function inferenceOf(
  call: Generating,
  response: string,
  answer: Answer | null,
  firstPieceAt: number | null,
): NewInference {
  const { model, route, generation } = call
  const { base, adapter } = model.reference
  const { sampling, seed, maxTokens, stop } = generation
  const choice = {
    index: 0,
    message: { role: 'assistant', content: response },
    finish_reason: answer?.finishReason ?? null,
  }
  return recordOf(call.id, call, [choice], {
    ...{ endedMs: performance.now(), cutOff: answer === null, firstPieceAt },
    payload: {
      ...{ model: model.id, adapter, route },
      parameters: {
        ...call.facts.parameters,
        ...{ ...sampling, seed, maxTokens },
        ...(stop.length > 0 ? { stop } : {}),
      },
      usage: answer && { promptTokens: answer.promptTokens, completionTokens: answer.tokens.length },
      configDigest: routeDigest({ route, model: model.id, base, adapter }),
    },
  })
}

function completionHead({ id, model, startedAt }: Generating, object: string) {
  return { id: `chatcmpl-${id}`, object, created: Math.floor(startedAt.getTime() / 1000), model: model.id }
}

function usageObject({ promptTokens, tokens, reusedTokens }: Answer) {
  const completionTokens = tokens.length
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: reusedTokens },
  }
}
