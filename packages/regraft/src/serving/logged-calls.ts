// `POST /v1/inferences`: calls of models that did not go through Regraft, as whoever made them tells of them.
import { Hono } from 'hono'
import { z } from 'zod'
import { batchResults, inferenceIdOf, parseTime } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import { findUnstorableIn, invalidInput } from '../operation/index.ts'
import type { NewInference, ProjectStore } from '../store/types.ts'
import { CONVERSATION_HEADER, PROPENSITY_HEADER, readCallFacts, SUBJECT_HEADER } from './call-facts.ts'
import { recordOf } from './call-record.ts'
import { isRecord } from './json.ts'
import { readCompletion } from './observed-answer.ts'
import { readBody } from './read-body.ts'
import { parseBody } from './read-json.ts'
import type { ServingEnv, ServingOptions } from './serving-env.ts'

const BODY_LIMIT = 32 * 1024 * 1024
const MOST_CALLS = 500

const ShortText = z.string().min(1).max(512)
const Milliseconds = z.number().min(0)

const LoggedCall = z.strictObject({
  request: z
    .looseObject({
      model: z.string().optional(),
      messages: z.array(z.looseObject({ role: z.string() })).min(1),
    })
    .describe('body of the chat completion request'),
  response: z
    .looseObject({
      id: z.string().max(512).optional(),
      choices: z.array(z.looseObject({ message: z.looseObject({}) })).min(1),
    })
    .describe('the chat completion, put together if it was streamed'),
  id: ShortText.optional().describe('handle for feedback; the id of the response without it'),
  started_at: z
    .string()
    .refine((text) => parseTime(text) !== null, 'expected an ISO 8601 time, for example 2025-03-01T12:00:00Z')
    .optional(),
  latency_ms: Milliseconds.optional(),
  first_token_ms: Milliseconds.optional().describe('until the first piece of a streamed answer'),
  cut_off: z.boolean().optional().describe('the answer ended before it was complete'),
  upstream: ShortText.optional().describe('who answered'),
  subject: ShortText.nullish().describe('the end user; without it safety_identifier or user of the request'),
  conversation: ShortText.nullish().describe('without it metadata.conversation of the request'),
  propensity: z.number().gt(0).max(1).optional().describe('probability with which this model was chosen'),
})
type LoggedCall = z.output<typeof LoggedCall>

const Batch = z.strictObject({ inferences: z.array(z.unknown()).min(1).max(MOST_CALLS) })

/**
 * Takes a LoggedCall, or `{"inferences": […]}` with up to 500, each acknowledged by the journal or refused by itself.
 *
 * The scope is 'infer', which the routes are mounted behind. A call that is told of twice is stored once, by its id.
 */
export function loggedCallRoutes({ services }: Pick<ServingOptions, 'services'>): Hono<ServingEnv> {
  const routes = new Hono<ServingEnv>()
  routes.post('/v1/inferences', async (context) => {
    const { store } = context.var
    const body = parseBody((await readBody(context, BODY_LIMIT)).toString('utf8'))
    const isBatch = isRecord(body) && 'inferences' in body
    const journal = await services.journals.of(store.projectId)
    const take = async (value: unknown) => {
      try {
        const row = await rowOf(store, value, new Date())
        await journal.append({ kind: 'inference', row })
        return { id: row.id, object: 'inference', inference_id: row.id }
      } catch (error) {
        return error as Error
      }
    }
    if (!isBatch) {
      const result = await take(body)
      if (result instanceof Error) throw result
      return context.json(result, 202)
    }
    const batch = Batch.safeParse(body)
    if (!batch.success) throw invalidInput(batch.error)
    return context.json(batchResults(await Promise.all(batch.data.inferences.map(take))), 202)
  })
  return routes
}

async function rowOf(store: ProjectStore, value: unknown, now: Date): Promise<NewInference> {
  const parsed = LoggedCall.safeParse(value)
  if (!parsed.success) throw invalidInput(parsed.error)
  const call = parsed.data
  const unstorable = findUnstorableIn(call)
  if (unstorable) {
    const { path, reason } = unstorable
    throw new RegraftError('invalid-input', `${path}: ${reason}`, { details: { param: path } })
  }
  const handle = call.id ?? call.response.id
  if (!handle) {
    throw new RegraftError('invalid-input', 'neither the call nor its response has an id', {
      details: { param: 'id' },
      hint: 'give the call an id of your own, and use it for feedback',
    })
  }
  const answer = readCompletion(JSON.stringify(call.response))!
  const facts = await readCallFacts(store, headersOf(call), call.request)
  const { usage } = answer
  const row = recordOf(
    inferenceIdOf(handle),
    {
      startedAt: call.started_at === undefined ? now : parseTime(call.started_at)!,
      startedMs: 0,
      messages: call.request.messages,
      facts,
    },
    answer.choices,
    {
      endedMs: call.latency_ms ?? 0,
      cutOff: call.cut_off ?? false,
      firstPieceAt: call.first_token_ms ?? null,
      payload: {
        model: answer.model ?? call.request.model ?? null,
        adapter: null,
        route: call.request.model ?? null,
        parameters: facts.parameters,
        usage: usage && { promptTokens: usage.promptTokens, completionTokens: usage.completionTokens },
        ...(call.upstream === undefined ? {} : { upstream: call.upstream }),
      },
    },
  )
  return call.latency_ms === undefined ? { ...row, payload: { ...row.payload, latencyMs: null } } : row
}

/** The gateway reads these from headers. */
function headersOf(call: LoggedCall): (name: string) => string | undefined {
  const { subject, conversation, propensity } = call
  const headers: Record<string, string | undefined> = {
    [SUBJECT_HEADER]: subject ?? undefined,
    [CONVERSATION_HEADER]: conversation ?? undefined,
    [PROPENSITY_HEADER]: propensity?.toString(),
  }
  return (name) => headers[name]
}
