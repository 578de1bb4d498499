import { z } from 'zod'
import { findUnstorable } from '../operation/index.ts'
import type { FeedbackPayload } from '../store/types.ts'
import { parseTime } from './parse-time.ts'
import { inferenceIdOf } from './row-ids.ts'

const StorableText = z
  .string()
  .min(1)
  .superRefine((text, context) => {
    const reason = findUnstorable(text)
    if (reason !== null) context.addIssue({ code: 'custom', message: reason })
  })

const Time = z
  .string()
  .refine((text) => parseTime(text) !== null, 'expected an ISO 8601 time, for example 2025-03-01T12:00:00Z')

/** What a product kept of an answer: our response id, or anybody's. */
const Handle = z.string().min(1).max(512)

const fault = z
  .enum(['wrong', 'unwelcome'])
  .optional()
  .describe('what was the matter: the answer was false, or right and not what the person wanted')

const Other = z
  .union([z.strictObject({ inference: Handle }), z.strictObject({ candidate: z.int().min(0) })], {
    error: 'expected {"inference": <id of the other answer>} or {"candidate": <its index>}',
  })
  .describe('the answer that it was compared with')

/** What a signal says, with the fields of `common` beside it: one schema for HTTP and for files. */
function feedbackSignal<Common extends z.core.$ZodLooseShape>(common: Common, text: z.ZodString) {
  const fields = {
    ...common,
    candidate: z
      .int()
      .min(0)
      .optional()
      .describe('index of the answer that is meant, where there were several'),
    position: z.int().min(0).optional().describe('where the answer was shown, from 0'),
    propensity: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe('probability with which it was shown, or feedback on it asked for'),
  }
  const nothing = z.null().optional()
  return z.discriminatedUnion(
    'type',
    [
      z.strictObject({ ...fields, type: z.enum(['correction', 'edit', 'label', 'comment']), value: text }),
      z.strictObject({ ...fields, type: z.literal('thumbs'), value: z.literal([1, -1]), fault }),
      z.strictObject({ ...fields, type: z.enum(['accept', 'copy']), value: nothing }),
      z.strictObject({ ...fields, type: z.literal('abandon'), value: nothing, fault }),
      z.strictObject({
        ...fields,
        type: z.enum(['regenerate', 'rephrase']),
        value: nothing,
        next: Handle.optional().describe('the answer that came next'),
        fault,
      }),
      z.strictObject({
        ...fields,
        type: z.literal('vote'),
        value: z.enum(['win', 'lose', 'tie']),
        other: Other,
      }),
      z.strictObject({
        ...fields,
        type: z.literal('judgement'),
        value: z.enum(['right', 'wrong', 'unwelcome']),
        signal: z
          .string()
          .regex(/^[\w:.-]{1,128}$/, 'expected the id of a compiled signal')
          .optional()
          .describe('the compiled signal that is judged, instead of the answer'),
      }),
    ],
    {
      error:
        "expected a type: 'correction', 'edit', 'label', 'comment', 'thumbs', 'accept', 'copy', 'abandon', 'regenerate', 'rephrase', 'vote' or 'judgement'",
    },
  )
}

/** The body of `POST /v1/feedback`, or one entry of its `events`. */
export const FeedbackEvent = feedbackSignal(
  {
    inference_id: Handle.describe(
      'id of the answer: what /v1/chat/completions returned, or the id in an imported file',
    ),
    author: StorableText.max(512).nullish().describe('who says so'),
    subject: StorableText.max(512)
      .nullish()
      .describe('the end user, as the product knows them: kept as a keyed hash, and seals the event'),
    occurred_at: Time.optional().describe('when it happened; now without it'),
    id: z.uuid().optional().describe('id of this event: sent twice, it is stored once'),
  },
  StorableText,
).superRefine(refuseContradiction)
export type FeedbackEvent = z.output<typeof FeedbackEvent>

/** One entry of `feedback` in an imported file; its texts and times are judged with their row, not with the file. */
export const FileFeedback = feedbackSignal(
  { author: z.string().min(1).nullish(), created: z.union([z.string(), z.number()]).optional() },
  z.string().min(1),
).superRefine(refuseContradiction)
export type FileFeedback = z.output<typeof FileFeedback>

function refuseContradiction(event: FeedbackEvent | FileFeedback, context: z.core.$RefinementCtx): void {
  const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
  if (event.type === 'thumbs' && event.value === 1 && event.fault !== undefined) {
    refuse(['fault'], 'goes with a thumb down only')
  }
  if (
    event.type === 'vote' &&
    'candidate' in event.other &&
    event.other.candidate === (event.candidate ?? 0)
  ) {
    refuse(['other', 'candidate'], 'is the answer itself')
  }
  const other = otherInference(event)
  if (!other || !('inference_id' in event)) return
  if (inferenceIdOf(other.handle) === inferenceIdOf(event.inference_id))
    refuse(other.path, 'is the answer itself')
}

/** The handle of the second inference that an event names, and where it stands. */
function otherInference(event: FeedbackEvent | FileFeedback): { handle: string; path: string[] } | null {
  if ('next' in event && event.next !== undefined) return { handle: event.next, path: ['next'] }
  if (event.type === 'vote' && 'inference' in event.other) {
    return { handle: event.other.inference, path: ['other', 'inference'] }
  }
  return null
}

/** Ids of the inferences that an event is about: its own, and the one that it names beside it. */
export function inferencesOf(event: FeedbackEvent): string[] {
  const other = otherInference(event)
  return [event.inference_id, ...(other ? [other.handle] : [])].map(inferenceIdOf)
}

/** Makes the payload that is stored of an event's signal; handles of other inferences become their ids. */
export function toFeedbackPayload(event: FeedbackEvent | FileFeedback): FeedbackPayload {
  const { candidate, position, propensity } = event
  const context = {
    author: event.author ?? null,
    ...(candidate === undefined ? {} : { candidate }),
    ...(position === undefined ? {} : { position }),
    ...(propensity === undefined ? {} : { propensity }),
  }
  const blame = 'fault' in event && event.fault !== undefined ? { fault: event.fault } : {}
  switch (event.type) {
    case 'accept':
    case 'copy':
      return { type: event.type, ...context }
    case 'thumbs':
      return { type: event.type, value: event.value, ...context, ...blame }
    case 'abandon':
      return { type: event.type, ...context, ...blame }
    case 'regenerate':
    case 'rephrase': {
      const next = event.next === undefined ? {} : { next: inferenceIdOf(event.next) }
      return { type: event.type, ...context, ...next, ...blame }
    }
    case 'vote': {
      const { other } = event
      const compared = 'inference' in other ? { inference: inferenceIdOf(other.inference) } : other
      return { type: event.type, value: event.value, ...context, other: compared }
    }
    case 'judgement': {
      const signal = event.signal === undefined ? {} : { signal: event.signal }
      return { type: event.type, value: event.value, ...context, ...signal }
    }
    default:
      return { type: event.type, value: event.value, ...context }
  }
}
