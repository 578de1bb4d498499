import { expect, test } from 'vitest'
import type { FeedbackPayload, FeedbackRow, InferenceRow } from '../store/types.ts'
import { decideDemonstration } from './demonstrations.ts'

const inference: InferenceRow = {
  id: 'i',
  digest: 'd',
  occurredAt: new Date(0),
  derivedFrom: [],
  subject: null,
  payload: {
    messages: [{ role: 'user', content: 'Where is my parcel?' }],
    response: 'billing',
    model: 'm',
    adapter: null,
    route: null,
    parameters: {},
    latencyMs: null,
    usage: null,
    finishReason: null,
    source: { kind: 'serving' },
  },
}

type Signal = FeedbackPayload extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'author'>
    : never
  : never

function feedback(...signals: Signal[]): FeedbackRow[] {
  return signals.map((signal, i) => ({
    id: `f${i}`,
    digest: '',
    inferenceId: 'i',
    derivedFrom: [],
    subject: null,
    occurredAt: new Date(i * 1000),
    payload: { ...signal, author: null } as FeedbackPayload,
  }))
}

test('a correction replaces the answer even when somebody else accepted it later', () => {
  const decision = decideDemonstration(
    inference,
    feedback({ type: 'correction', value: 'delivery' }, { type: 'accept' }),
  )
  expect(decision).toMatchObject({ kept: { completion: 'delivery', signal: 'correction' } })
})

test('the newest of two corrections counts', () => {
  const signals = feedback({ type: 'correction', value: 'orders' }, { type: 'correction', value: 'delivery' })
  expect(decideDemonstration(inference, signals)).toMatchObject({ kept: { completion: 'delivery' } })
})

test('a label outranks a newer edit', () => {
  const signals = feedback({ type: 'label', value: 'delivery' }, { type: 'edit', value: 'orders' })
  expect(decideDemonstration(inference, signals)).toMatchObject({
    kept: { completion: 'delivery', signal: 'label' },
  })
})

test('an accepted answer is a demonstration of itself', () => {
  expect(decideDemonstration(inference, feedback({ type: 'accept' }))).toMatchObject({
    kept: { completion: 'billing', signal: 'accept' },
  })
})

test.each([
  ['no-signal', [{ type: 'comment', value: 'hm' }]],
  ['rejected-without-replacement', [{ type: 'thumbs', value: -1 }]],
  ['contradictory-signals', [{ type: 'accept' }, { type: 'thumbs', value: -1 }]],
  ['no-answer', [{ type: 'correction', value: '  ' }]],
] as [string, Signal[]][])('%s drops the row', (reason, signals) => {
  expect(decideDemonstration(inference, feedback(...signals))).toEqual({ dropped: reason })
})
