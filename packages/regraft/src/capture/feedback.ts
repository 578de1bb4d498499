import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { ERROR_CODES, RegraftError } from '../errors/index.ts'
import { allows, describeError, invalidInput, type Principal } from '../operation/index.ts'
import type { NewFeedback, ProjectStore } from '../store/types.ts'
import { FeedbackEvent, toFeedbackPayload } from './feedback-event.ts'
import type { Journals } from './journals.ts'
import { limitBody } from './limit-body.ts'
import { parseTime } from './parse-time.ts'
import { inferenceIdOf, rowId } from './row-ids.ts'

const BODY_LIMIT = 1024 * 1024

/** What the app that mounts the routes has found out about the request. */
interface FeedbackEnv {
  Variables: { principal: Principal; store: ProjectStore }
}

/** Makes the row of an event; without a time of its own it happened now, without an id it gets a new one. */
function toFeedbackRow(event: FeedbackEvent, now: Date): NewFeedback {
  const occurredAt = event.occurred_at === undefined ? now : parseTime(event.occurred_at)!
  const inferenceId = inferenceIdOf(event.inference_id)
  return {
    id: event.id?.toLowerCase() ?? rowId(now, [randomUUID()]),
    inferenceId,
    occurredAt,
    derivedFrom: [inferenceId],
    payload: toFeedbackPayload(event),
  }
}

/**
 * `POST /v1/feedback`: takes a FeedbackEvent and answers 202 once the journal has acknowledged it.
 *
 * Nobody checks that the inference is known: feedback may overtake it. Errors have OpenAI's shape: 400 names the field,
 * 403 for a key without the scope 'feedback', 503 when the journal cannot be written.
 */
export function feedbackProtocol(options: { journals: Journals }): {
  path: string
  routes(): Hono<FeedbackEnv>
} {
  return { path: '/', routes: () => feedbackRoutes(options.journals) }
}

function feedbackRoutes(journals: Journals): Hono<FeedbackEnv> {
  const routes = new Hono<FeedbackEnv>()
  routes.onError((error, context) => {
    const description = describeError(error)
    return context.json({ error: description }, ERROR_CODES[description.code].status as ContentfulStatusCode)
  })
  routes.post('/v1/feedback', limitBody(BODY_LIMIT), async (context) => {
    const { principal, store } = context.var
    if (!allows(principal.scopes, 'feedback')) {
      throw new RegraftError('forbidden', "this API key lacks the scope 'feedback'", {
        hint: 'regraft keys create <name> --scope feedback',
      })
    }
    const row = toFeedbackRow(parseEvent(await context.req.text()), new Date())
    const journal = await journals.of(store.projectId)
    await journal.append({ kind: 'feedback', row })
    const { id, inferenceId, occurredAt, payload } = row
    return context.json(
      {
        id,
        object: 'feedback',
        inference_id: inferenceId,
        type: payload.type,
        occurred_at: occurredAt.toISOString(),
      },
      202,
    )
  })
  return routes
}

function parseEvent(body: string): FeedbackEvent {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (cause) {
    throw new RegraftError('invalid-input', `the body is not valid JSON: ${(cause as Error).message}`, {
      cause,
    })
  }
  const event = FeedbackEvent.safeParse(value)
  if (!event.success) throw invalidInput(event.error)
  return event.data
}
