import { expect, test } from 'vitest'
import type { FeedbackPayload } from '../store/types.ts'
import { FeedbackEvent, FileFeedback, toFeedbackPayload } from './feedback-event.ts'
import { inferenceIdOf } from './row-ids.ts'

const signals: [signal: object, stored?: object][] = [
  [{ type: 'label', value: 'lost_card' }],
  [{ type: 'thumbs', value: -1, fault: 'unwelcome', position: 1, propensity: 0.5 }],
  [{ type: 'copy', candidate: 2 }],
  [{ type: 'abandon', fault: 'wrong' }],
  [
    { type: 'rephrase', next: 'chatcmpl-2' },
    { type: 'rephrase', next: inferenceIdOf('chatcmpl-2') },
  ],
  [
    { type: 'vote', value: 'win', other: { inference: 'b' } },
    { type: 'vote', value: 'win', other: { inference: inferenceIdOf('b') } },
  ],
  [{ type: 'judgement', value: 'right', signal: '01981f3e-5a30-7cc4-9c2b-2f6d2c1f0a11' }],
]

test.each(signals)('%j means the same in a file and over HTTP', (signal, stored = signal) => {
  const payload: FeedbackPayload = toFeedbackPayload(
    FileFeedback.parse({ ...signal, created: 1_756_625_405 }),
  )
  expect(payload).toEqual({ author: null, ...stored })
  expect(toFeedbackPayload(FeedbackEvent.parse({ ...signal, inference_id: 'a' }))).toEqual(payload)
})

test('a file is held to the same rules', () => {
  const refused = { type: 'vote', value: 'win', candidate: 1, other: { candidate: 1 } }
  expect(FileFeedback.safeParse(refused).error?.issues[0]).toMatchObject({ path: ['other', 'candidate'] })
})
