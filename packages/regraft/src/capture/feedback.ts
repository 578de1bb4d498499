import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import { ERROR_CODES, RegraftError } from '../errors/index.ts'
import { allows, describeError, invalidInput, type Principal } from '../operation/index.ts'
import type { NewFeedback, ProjectStore } from '../store/types.ts'
import { batchResults } from './batch-results.ts'
import { FeedbackEvent, inferencesOf, toFeedbackPayload } from './feedback-event.ts'
import type { Journals } from './journals.ts'
import { limitBody } from './limit-body.ts'
import { parseTime } from './parse-time.ts'
import { rowId } from './row-ids.ts'

const BODY_LIMIT = 1024 * 1024
const MOST_EVENTS = 500

const Batch = z.strictObject({ events: z.array(z.unknown()).min(1).max(MOST_EVENTS) })

/** What the app that mounts the routes has found out about the request. */
interface FeedbackEnv {
  Variables: { principal: Principal; store: ProjectStore }
}

/** Makes the row of an event; without a time of its own it happened now, without an id it gets a new one. */
function toFeedbackRow(event: FeedbackEvent, now: Date): NewFeedback {
  const occurredAt = event.occurred_at === undefined ? now : parseTime(event.occurred_at)!
  const inferenceIds = inferencesOf(event)
  return {
    id: event.id?.toLowerCase() ?? rowId(now, [randomUUID()]),
    inferenceId: inferenceIds[0]!,
    occurredAt,
    derivedFrom: inferenceIds,
    payload: toFeedbackPayload(event),
  }
}

/**
 * `POST /v1/feedback`: takes a FeedbackEvent, or `{"events": […]}` with up to 500, and answers 202 once the journal has
 * acknowledged it. Each event of a batch is acknowledged or refused by itself.
 *
 * Nobody checks that the inference is known: feedback may overtake it. An event with a subject, or about an inference
 * whose subject is known, is sealed before it reaches the disk. Errors have OpenAI's shape: 400 names the field, 403 for
 * a key without the scope ('feedback'; 'write' for judgements), 503 when the journal cannot be written.
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
    if (!allows(principal.scopes, 'feedback') && !allows(principal.scopes, 'write')) {
      throw new RegraftError('forbidden', "this API key lacks the scope 'feedback'", {
        hint: 'regraft keys create <name> --scope feedback',
      })
    }
    const body = parseJson(await context.req.text())
    const isBatch = typeof body === 'object' && body !== null && 'events' in body
    const results = await takeEvents(isBatch ? parseBatch(body) : [body], { principal, store, journals })
    if (!isBatch) {
      const [result] = results
      if (result instanceof Error) throw result
      return context.json(receiptOf(result!), 202)
    }
    return context.json(
      batchResults(results.map((result) => (result instanceof Error ? result : receiptOf(result)))),
      202,
    )
  })
  return routes
}

/** Journals every event that can be; the result of each is its row, or why it was refused. */
async function takeEvents(
  events: unknown[],
  caller: { principal: Principal; store: ProjectStore; journals: Journals },
): Promise<(NewFeedback | Error)[]> {
  const { principal, store, journals } = caller
  const now = new Date()
  const checked = events.map((value) => checkEvent(value, principal))
  const unnamed = checked.flatMap((event) =>
    event instanceof RegraftError || event.subject != null ? [] : inferencesOf(event)[0]!,
  )
  const subjects = await journals.subjects.find(store, unnamed)
  const journal = await journals.of(store.projectId)
  return Promise.all(
    checked.map(async (event) => {
      if (event instanceof RegraftError) return event
      try {
        const row = toFeedbackRow(event, now)
        const subject =
          event.subject == null ? subjects.get(row.inferenceId) : await store.keys.subjectOf(event.subject)
        if (subject != null) row.subject = subject
        await journal.append({ kind: 'feedback', row })
        return row
      } catch (error) {
        return error as Error
      }
    }),
  )
}

function checkEvent(value: unknown, principal: Principal): FeedbackEvent | RegraftError {
  const parsed = FeedbackEvent.safeParse(value)
  if (!parsed.success) return invalidInput(parsed.error)
  const event = parsed.data
  if (event.type === 'judgement') {
    if (allows(principal.scopes, 'write')) return event
    // Judgements decide which signals are believed; a key that a product ships to browsers must not.
    return new RegraftError(
      'forbidden',
      "judgements calibrate signals: this API key lacks the scope 'write'",
      {
        hint: 'regraft keys create <name> --scope feedback,write',
        details: { param: 'type' },
      },
    )
  }
  if (allows(principal.scopes, 'feedback')) return event
  return new RegraftError('forbidden', "this API key lacks the scope 'feedback'", {
    hint: 'regraft keys create <name> --scope feedback',
  })
}

function receiptOf({ id, inferenceId, occurredAt, payload }: NewFeedback) {
  return {
    id,
    object: 'feedback',
    inference_id: inferenceId,
    type: payload.type,
    occurred_at: occurredAt.toISOString(),
  }
}

function parseBatch(body: object): unknown[] {
  const batch = Batch.safeParse(body)
  if (!batch.success) throw invalidInput(batch.error)
  return batch.data.events
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (cause) {
    throw new RegraftError('invalid-input', `the body is not valid JSON: ${(cause as Error).message}`, {
      cause,
    })
  }
}
