// OpenAI's /v1/chat/completions and /v1/models, written by hand (a protocol, not operations). Every answer is
// journalled as an inference before its end is sent; the embedded engine's has the response id `chatcmpl-` and its id.
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { v7 as uuidv7 } from 'uuid'
import { ERROR_CODES, RegraftError } from '../errors/index.ts'
import { allows, describeError } from '../operation/index.ts'
import { Admission } from './admission.ts'
import { answerOn } from './answer-sink.ts'
import { readCallFacts } from './call-facts.ts'
import { CallLog } from './call-log.ts'
import type { Call } from './call-record.ts'
import { generationOf, parseChatRequest } from './chat-request.ts'
import { completeInChunks, completeWhole } from './completions.ts'
import { isRecord } from './json.ts'
import { loggedCallRoutes } from './logged-calls.ts'
import { loraRoutes } from './lora-routes.ts'
import { ModelDirectory } from './model-directory.ts'
import { proxyCall } from './proxy.ts'
import { readBody } from './read-body.ts'
import { parseBody } from './read-json.ts'
import { ServedModels } from './served-models.ts'
import { nodeOf, type ServingEnv, type ServingOptions } from './serving-env.ts'
import { UpstreamIds } from './upstream-ids.ts'
import { Upstreams } from './upstreams.ts'

/** Of one conversation with its images, in bytes. */
const BODY_LIMIT = 32 * 1024 * 1024

/** Routes that ask for another scope. */
const GUARDED_ELSEWHERE = ['/v1/feedback', '/v1/load_lora_adapter', '/v1/unload_lora_adapter']

export const openAIProtocol = {
  path: '/',
  routes(options: ServingOptions): Hono<ServingEnv> {
    const routes = new Hono<ServingEnv>()
    const { config } = options
    const upstreams = new Upstreams(config)
    const log = new CallLog(options)
    const proxy = { upstreams, ids: new UpstreamIds(), log }
    const embedded = { options, log, admission: new Admission(config.server.maxWaiting) }
    const models = new ServedModels(
      config,
      upstreams.list().map(({ id }) => id),
    )
    const directory = new ModelDirectory(config, upstreams, models)
    routes.onError(respondError)
    routes.use('/v1/*', async (context, next) => {
      const elsewhere = GUARDED_ELSEWHERE.includes(context.req.path)
      if (elsewhere || allows(context.var.principal.scopes, 'infer')) return next()
      throw new RegraftError('forbidden', "this API key lacks the scope 'infer'", {
        hint: 'regraft keys create <name> --scope infer',
      })
    })
    routes.get('/v1/models', async (context) => {
      return context.json({ object: 'list', data: await directory.list(context.var.store) })
    })
    routes.get('/v1/models/:id{.+}', async (context) => {
      return context.json(await directory.require(context.var.store, context.req.param('id')))
    })
    routes.post('/v1/chat/completions', async (context) => {
      const startedAt = new Date()
      const startedMs = performance.now()
      const body = await readBody(context, BODY_LIMIT)
      const request = parseBody(body.toString('utf8'))
      const target =
        isRecord(request) && typeof request.model === 'string' ? upstreams.find(request.model) : null
      const { store } = context.var
      const callOf = async (fields: Record<string, unknown>): Promise<Call> => ({
        ...{ startedAt, startedMs },
        messages: Array.isArray(fields.messages) ? fields.messages : [],
        facts: await readCallFacts(store, (name) => context.req.header(name), fields),
      })
      if (target) {
        const call = await callOf(request as Record<string, unknown>)
        const headers = nodeOf(context).incoming?.headers ?? context.req.header()
        const proxied = { projectId: store.projectId, target, call, headers, body }
        return answerOn(context, (sink) => proxyCall(proxy, proxied, sink))
      }
      const asked = parseChatRequest(request)
      const model = await models.require(store, upstreams.modelOf(asked.model))
      const call = await callOf(request as Record<string, unknown>)
      const leave = embedded.admission.enter(model.reference.base)
      const generating = {
        ...call,
        id: uuidv7(),
        model,
        route: asked.model,
        generation: generationOf(asked),
        leave,
      }
      if (!asked.stream) return completeWhole(context, embedded, generating)
      return completeInChunks(context, embedded, generating, asked.stream_options?.include_usage === true)
    })
    routes.route('/', loraRoutes(options, models))
    routes.route('/', loggedCallRoutes(options))
    return routes
  },
}

function respondError(error: Error, context: Context<ServingEnv>): Response {
  const description = describeError(error)
  const details = error instanceof RegraftError ? error.details : {}
  if (typeof details.retryAfter === 'number') context.header('retry-after', String(details.retryAfter))
  const status = typeof details.status === 'number' ? details.status : ERROR_CODES[description.code].status
  // OpenAI's API knows no 422; its SDKs expect what cannot be answered as 400.
  return context.json({ error: description }, (status === 422 ? 400 : status) as ContentfulStatusCode)
}
