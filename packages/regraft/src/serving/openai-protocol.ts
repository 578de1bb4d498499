// OpenAI's /v1/chat/completions and /v1/models, written by hand (a protocol, not operations). Every answer is
// journalled as an inference before its end is sent; its id is the response id without the `chatcmpl-`.
import type { Answer } from '@regraft/engine'
import { type Context, Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { v7 as uuidv7 } from 'uuid'
import { type Journals, limitBody } from '../capture/index.ts'
import type { Config } from '../config/index.ts'
import { ERROR_CODES, RegraftError } from '../errors/index.ts'
import { allows, describeError, type Principal, type Services } from '../operation/index.ts'
import type { NewInference, ProjectStore } from '../store/types.ts'
import { Admission } from './admission.ts'
import { type Generation, generationOf, parseChatRequest } from './chat-request.ts'
import { loraRoutes } from './lora-routes.ts'
import { readJson } from './read-json.ts'
import { type ServedModel, ServedModels } from './served-models.ts'

export interface ServingEnv {
  Variables: { principal: Principal; store: ProjectStore }
}

export interface ServingOptions {
  config: Config
  services: Services & { journals: Journals }
}

/** Of one conversation, in bytes. */
const BODY_LIMIT = 4 * 1024 * 1024

/** Routes that ask for another scope. */
const GUARDED_ELSEWHERE = ['/v1/feedback', '/v1/load_lora_adapter', '/v1/unload_lora_adapter']

export const openAIProtocol = {
  path: '/',
  routes(options: ServingOptions): Hono<ServingEnv> {
    const routes = new Hono<ServingEnv>()
    const { config } = options
    const admission = new Admission(config.server.maxWaiting)
    const models = new ServedModels(config)
    routes.onError((error, context) => {
      const description = describeError(error)
      const retryAfter = error instanceof RegraftError ? error.details.retryAfter : undefined
      if (typeof retryAfter === 'number') context.header('retry-after', String(retryAfter))
      return context.json(
        { error: description },
        ERROR_CODES[description.code].status as ContentfulStatusCode,
      )
    })
    routes.use('/v1/*', async (context, next) => {
      const elsewhere = GUARDED_ELSEWHERE.includes(context.req.path)
      if (elsewhere || allows(context.var.principal.scopes, 'infer')) return next()
      throw new RegraftError('forbidden', "this API key lacks the scope 'infer'", {
        hint: 'regraft keys create <name> --scope infer',
      })
    })
    routes.get('/v1/models', async (context) => {
      const list = await models.list(context.var.store)
      return context.json({ object: 'list', data: list.map(modelObject) })
    })
    routes.get('/v1/models/:id{.+}', async (context) => {
      const model = await models.require(context.var.store, context.req.param('id'))
      return context.json(modelObject(model))
    })
    routes.post('/v1/chat/completions', limitBody(BODY_LIMIT), async (context) => {
      const request = parseChatRequest(await readJson(context))
      const model = await models.require(context.var.store, request.model)
      const leave = admission.enter(model.reference.base)
      const call = { id: uuidv7(), model, generation: generationOf(request), startedAt: new Date(), leave }
      if (!request.stream) return completeWhole(context, options, call)
      return completeInChunks(context, options, call, request.stream_options?.include_usage === true)
    })
    routes.route('/', loraRoutes(options, models))
    return routes
  },
}

interface Call {
  id: string
  model: ServedModel
  generation: Generation
  startedAt: Date
  /** Lets the request out of the line of its base. */
  leave(): void
}

async function completeWhole(
  context: Context<ServingEnv>,
  options: ServingOptions,
  call: Call,
): Promise<Response> {
  const answer = await answerOf(options, context, call, context.req.raw.signal)
  await journal(options, context, inferenceOf(call, answer.text, answer))
  return context.json({
    ...completionHead(call, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: answer.text, refusal: null },
        logprobs: null,
        finish_reason: answer.finishReason,
      },
    ],
    usage: usageObject(answer),
  })
}

/** Begins the stream with the first words: what fails before them is answered with its status, as whole answers are. */
async function completeInChunks(
  context: Context<ServingEnv>,
  options: ServingOptions,
  call: Call,
  includeUsage: boolean,
): Promise<Response> {
  const gone = new AbortController()
  const client = context.req.raw.signal
  client.addEventListener('abort', () => gone.abort(), { once: true })
  if (client.aborted) gone.abort()
  let said = ''
  let send: ((text: string) => void) | null = null
  const begun = Promise.withResolvers<void>()
  const answering = answerOf(options, context, call, gone.signal, (text) => {
    said += text
    send?.(text)
    begun.resolve()
  })
  answering.catch(() => {})
  await Promise.race([begun.promise, answering])
  return streamSSE(context, async (stream) => {
    stream.onAbort(() => gone.abort())
    const head = completionHead(call, 'chat.completion.chunk')
    const write = (payload: unknown) => stream.writeSSE({ data: JSON.stringify(payload) })
    const chunk = (delta: unknown, finishReason: string | null = null) =>
      write({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }] })
    let answer: Answer
    try {
      // Both are queued before the next words can come.
      void chunk({ role: 'assistant', content: '' })
      if (said !== '') void chunk({ content: said })
      send = (text) => void chunk({ content: text })
      answer = await answering
    } catch (error) {
      // What the caller has seen so far was an answer of the model too.
      await journal(options, context, inferenceOf(call, said, null))
      await write({ error: describeError(error) })
      return
    }
    await journal(options, context, inferenceOf(call, answer.text, answer))
    await chunk({}, answer.finishReason)
    if (includeUsage) await write({ ...head, choices: [], usage: usageObject(answer) })
    await stream.writeSSE({ data: '[DONE]' })
  })
}

async function answerOf(
  options: ServingOptions,
  context: Context<ServingEnv>,
  { model, generation, leave }: Call,
  signal: AbortSignal,
  onText?: (text: string) => void,
): Promise<Answer> {
  const { messages, maxTokens, sampling, seed } = generation
  try {
    const [answer] = await options.services.engines.generate(
      context.var.store,
      model.reference,
      { conversations: [messages], maxTokens, sampling, seed },
      { signal, ...(onText ? { onText: (_row: number, text: string) => onText(text) } : {}) },
    )
    return answer!
  } finally {
    leave()
  }
}

async function journal(
  options: ServingOptions,
  context: Context<ServingEnv>,
  row: NewInference,
): Promise<void> {
  const project = await options.services.journals.of(context.var.store.projectId)
  await project.append({ kind: 'inference', row })
}

/** The row of a call; without an answer it was cut off. */
function inferenceOf(call: Call, response: string, answer: Answer | null): NewInference {
  const { model, generation } = call
  return {
    id: call.id,
    occurredAt: call.startedAt,
    payload: {
      messages: generation.messages,
      response,
      model: model.id,
      adapter: model.reference.adapter,
      route: model.id,
      parameters: { ...generation.sampling, seed: generation.seed, maxTokens: generation.maxTokens },
      latencyMs: Date.now() - call.startedAt.getTime(),
      usage: answer && { promptTokens: answer.promptTokens, completionTokens: answer.tokens.length },
      finishReason: answer?.finishReason ?? 'cut-off',
      source: { kind: 'serving' },
    },
  }
}

function completionHead({ id, model, startedAt }: Call, object: string) {
  return { id: `chatcmpl-${id}`, object, created: Math.floor(startedAt.getTime() / 1000), model: model.id }
}

function usageObject({ promptTokens, tokens }: Answer) {
  const completionTokens = tokens.length
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  }
}

function modelObject(model: ServedModel) {
  return {
    id: model.id,
    object: 'model',
    created: Math.floor(model.created.getTime() / 1000),
    owned_by: model.owner,
    root: model.root,
    parent: model.parent,
    ...(model.endOfLife ? { shutdown_date: model.endOfLife } : {}),
  }
}
