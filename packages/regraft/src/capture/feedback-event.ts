import { z } from 'zod'
import { findUnstorable } from '../operation/index.ts'
import type { FeedbackPayload } from '../store/types.ts'
import { parseTime } from './parse-time.ts'

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

/** What a signal says, with the fields of `common` beside it: one schema for HTTP and for files. */
function feedbackSignal<Common extends z.core.$ZodLooseShape>(common: Common, text: z.ZodString) {
  return z.discriminatedUnion(
    'type',
    [
      z.strictObject({
        ...common,
        type: z.enum(['correction', 'edit', 'label', 'comment']),
        value: text,
      }),
      z.strictObject({ ...common, type: z.literal('thumbs'), value: z.literal([1, -1]) }),
      z.strictObject({ ...common, type: z.literal('accept'), value: z.null().optional() }),
    ],
    { error: "expected a type: 'correction', 'edit', 'label', 'comment', 'thumbs' or 'accept'" },
  )
}

/** The body of `POST /v1/feedback`. */
export const FeedbackEvent = feedbackSignal(
  {
    inference_id: z
      .string()
      .min(1)
      .max(512)
      .describe('id of the answer: what /v1/chat/completions returned, or the id in an imported file'),
    author: StorableText.max(512).nullish().describe('who says so'),
    occurred_at: Time.optional().describe('when it happened; now without it'),
    id: z.uuid().optional().describe('id of this event: sent twice, it is stored once'),
  },
  StorableText,
)
export type FeedbackEvent = z.output<typeof FeedbackEvent>

/** One entry of `feedback` in an imported file; its texts and times are judged with their row, not with the file. */
export const FileFeedback = feedbackSignal(
  { author: z.string().min(1).nullish(), created: z.union([z.string(), z.number()]).optional() },
  z.string().min(1),
)
export type FileFeedback = z.output<typeof FileFeedback>

/** Makes the payload that is stored of an event's signal. */
export function toFeedbackPayload(event: FeedbackEvent | FileFeedback): FeedbackPayload {
  const author = event.author ?? null
  if (event.type === 'accept') return { type: 'accept', author }
  if (event.type === 'thumbs') return { type: 'thumbs', value: event.value, author }
  if (event.type === 'comment') return { type: 'comment', value: event.value, author }
  return { type: event.type, value: event.value, author }
}
