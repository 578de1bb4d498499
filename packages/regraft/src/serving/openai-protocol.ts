// OpenAI's /v1/chat/completions and /v1/models, written by hand (a protocol, not operations). Every answer is
// journalled as an inference before its end is sent; its id is the response id without the `chatcmpl-`.
import { Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { v7 as uuidv7 } from 'uuid'
import { limitBody } from '../capture/index.ts'
import { ERROR_CODES, RegraftError } from '../errors/index.ts'
import { allows, describeError } from '../operation/index.ts'
import { Admission } from './admission.ts'
import { generationOf, parseChatRequest } from './chat-request.ts'
import { completeInChunks, completeWhole } from './completions.ts'
import { loraRoutes } from './lora-routes.ts'
import { readJson } from './read-json.ts'
import { type ServedModel, ServedModels } from './served-models.ts'
import type { ServingEnv, ServingOptions } from './serving-env.ts'

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
      // OpenAI's API knows no 422; its SDKs expect what cannot be answered as 400.
      const { status } = ERROR_CODES[description.code]
      return context.json({ error: description }, (status === 422 ? 400 : status) as ContentfulStatusCode)
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
