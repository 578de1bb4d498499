import { expect, test } from 'vitest'
import type { FeedbackPayload, FeedbackRow, InferencePayload, InferenceRow } from '../store/types.ts'
import { compileSignals } from './compile.ts'
import { decideExamples } from './decide.ts'
import type { ExampleKind } from './examples.ts'
import type { Signal } from './signal.ts'
import { type Policy, UNCALIBRATED } from './use.ts'

type Event = FeedbackPayload extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'author'>
    : never
  : never

function inference(id: string, response: string | null, more: Partial<InferencePayload> = {}): InferenceRow {
  return {
    ...{ id, digest: 'd', occurredAt: new Date(0), derivedFrom: [], subject: null },
    payload: {
      messages: [{ role: 'user', content: 'Where is my parcel?' }],
      ...{ response, model: 'm', adapter: null, route: null, parameters: {}, latencyMs: null, usage: null },
      ...{ finishReason: null, source: { kind: 'serving' } },
      ...more,
    },
  }
}

function feedback(id: string, ...events: Event[]): FeedbackRow[] {
  return events.map((event, i) => ({
    ...{ id: `${id}-f${i}`, digest: '', inferenceId: id, derivedFrom: [], subject: null },
    occurredAt: new Date(i * 1000),
    payload: { ...event, author: null } as FeedbackPayload,
  }))
}

interface World {
  about?: InferenceRow
  others?: [InferenceRow, FeedbackRow[]][]
  repeats?: string[]
}

function compile(
  events: Event[],
  { about = inference('i', 'billing'), others = [], repeats = [] }: World = {},
) {
  const input = {
    inference: about,
    feedback: feedback(about.id, ...events).reverse(),
    find: (id: string) => {
      const found = others.find(([other]) => other.id === id)
      return found ? { inference: found[0], feedback: found[1] } : null
    },
    repeats: () => repeats,
  }
  return { input, signals: compileSignals(input) }
}

const ALL: Policy = { findings: new Map(), allowUncalibrated: true }

function decide(kind: ExampleKind, events: Event[], world: World = {}, policy = ALL) {
  const { input, signals } = compile(events, world)
  const decision = decideExamples(kind, signals, input, policy)
  if ('dropped' in decision) return decision.dropped
  return decision.kept.examples.map(({ from: _, ...body }) => body)
}
const learn = (...events: Event[]) => decide('demonstrations', events, {}, UNCALIBRATED)

test('a correction replaces the answer even when somebody else accepted it later', () => {
  expect(learn({ type: 'correction', value: 'delivery' }, { type: 'accept' })).toEqual([
    { completion: 'delivery' },
  ])
})

test('the newest of two corrections counts, and a label outranks a newer edit', () => {
  expect(learn({ type: 'correction', value: 'orders' }, { type: 'correction', value: 'delivery' })).toEqual([
    { completion: 'delivery' },
  ])
  expect(learn({ type: 'label', value: 'delivery' }, { type: 'edit', value: 'orders' })).toEqual([
    { completion: 'delivery' },
  ])
})

test('the newest of two edits counts, however much each changed', () => {
  const world = { about: inference('i', 'your parcel is on its way') }
  const events: Event[] = [
    { type: 'edit', value: 'I do not know that' },
    { type: 'edit', value: 'your parcel is on its way.' },
  ]
  expect(decide('demonstrations', events, world)).toEqual([{ completion: 'your parcel is on its way.' }])
  expect(decide('demonstrations', events.toReversed(), world)).toEqual([{ completion: 'I do not know that' }])
})

test('an accepted answer is a demonstration of itself, also one of several candidates', () => {
  expect(learn({ type: 'accept' })).toEqual([{ completion: 'billing' }])
  const candidates = ['billing', 'delivery'].map((content) => ({ content, finishReason: null }))
  const world = { about: inference('i', 'billing', { candidates }) }
  const events: Event[] = [
    { type: 'thumbs', value: -1 },
    { type: 'accept', candidate: 1 },
  ]
  expect(decide('demonstrations', events, world)).toEqual([{ completion: 'delivery' }])
  expect(decide('desirability', events, world)).toEqual([
    { kind: 'desirability', completion: 'delivery', label: true },
    { kind: 'desirability', completion: 'billing', label: false },
  ])
})

test.each([
  ['no-signal', [{ type: 'comment', value: 'hm' }]],
  ['rejected-without-replacement', [{ type: 'thumbs', value: -1 }]],
  ['contradictory-signals', [{ type: 'accept' }, { type: 'thumbs', value: -1 }]],
  ['no-answer', [{ type: 'correction', value: '  ' }]],
  ['said-wrong', [{ type: 'accept' }, { type: 'judgement', value: 'wrong' }]],
  ['uncalibrated', [{ type: 'copy' }]],
] as [string, Event[]][])('%s drops a demonstration', (reason, events) => {
  expect(learn(...events)).toBe(reason)
})

test('an edit makes a pair; a small one is flagged and approves of the answer, a rewrite calls it bad', () => {
  const given = 'your parcel is at the office'
  const flagsOf = (value: string) => {
    const { signals } = compile([{ type: 'edit', value }], { about: inference('i', given) })
    return signals.map(({ rule, flags }) => [rule, ...flags])
  }
  const rated = (value: string) =>
    decide('desirability', [{ type: 'edit', value }], { about: inference('i', given) })
  const [tiny, middle, rewrite] = [`${given}.`, 'your parcel is at the post office', 'no idea, sorry']
  expect(flagsOf(tiny)).toEqual([['small-edit', 'small-edit']])
  expect(flagsOf(middle)).toEqual([['edit']])
  expect(flagsOf(rewrite)).toEqual([['edit', 'replaced']])
  const good = (completion: string) => ({ kind: 'desirability', completion, label: true })
  expect(rated(tiny)).toEqual([good(given)])
  expect(rated(middle)).toEqual([good(middle)])
  expect(rated(rewrite)).toEqual([good(rewrite), { kind: 'desirability', completion: given, label: false }])
  for (const chosen of [tiny, middle, rewrite]) {
    const world = { about: inference('i', given) }
    expect(decide('preferences', [{ type: 'edit', value: chosen }], world)).toEqual([
      { kind: 'preference', chosen, rejected: given },
    ])
  }
})

test('what was asked for again loses to the next answer that was accepted', () => {
  const second = inference('j', 'orders')
  const third = inference('k', 'delivery')
  const others: World['others'] = [
    [second, feedback('j', { type: 'regenerate', next: 'k' })],
    [third, feedback('k', { type: 'accept' })],
  ]
  const pair = [{ kind: 'preference', chosen: 'delivery', rejected: 'billing' }]
  expect(decide('preferences', [{ type: 'regenerate', next: 'j' }], { others })).toEqual(pair)
  // Not named: found among the later calls of the same prompt.
  expect(decide('preferences', [{ type: 'regenerate' }], { others, repeats: ['j', 'k'] })).toEqual(pair)
  expect(decide('preferences', [{ type: 'regenerate' }], { others })).toBe('no-signal')
})

test('an answer that somebody called wrong is never chosen', () => {
  const wrong = feedback('k', { type: 'accept' }, { type: 'thumbs', value: -1, fault: 'wrong' })
  const others: World['others'] = [[inference('k', 'delivery'), wrong]]
  expect(decide('preferences', [{ type: 'regenerate', next: 'k' }], { others })).toBe('no-signal')
  const judged: World['others'] = [
    [inference('k', 'delivery'), feedback('k', { type: 'judgement', value: 'wrong' })],
  ]
  const lost: Event = { type: 'vote', value: 'lose', other: { inference: 'k' } }
  expect(decide('preferences', [lost], { others: judged })).toBe('said-wrong')
  const unwelcome: World['others'] = [
    [inference('k', 'delivery'), feedback('k', { type: 'thumbs', value: -1, fault: 'unwelcome' })],
  ]
  expect(decide('preferences', [lost], { others: unwelcome })).toHaveLength(1)
})

test('votes make a pair for whoever has more of them; ties and other prompts make none', () => {
  const other = inference('k', 'delivery')
  const world: World = { others: [[other, []]] }
  const vote = (value: 'win' | 'lose' | 'tie'): Event => ({ type: 'vote', value, other: { inference: 'k' } })
  expect(decide('preferences', [vote('win')], world)).toEqual([
    { kind: 'preference', chosen: 'billing', rejected: 'delivery' },
  ])
  expect(decide('preferences', [vote('lose'), vote('lose'), vote('win')], world)).toEqual([
    { kind: 'preference', chosen: 'delivery', rejected: 'billing' },
  ])
  expect(decide('preferences', [vote('lose'), vote('win')], world)).toBe('no-signal')
  expect(decide('preferences', [vote('tie')], world)).toBe('no-signal')
  const elsewhere = inference('k', 'delivery', { messages: [{ role: 'user', content: 'Other' }] })
  expect(decide('preferences', [vote('win')], { others: [[elsewhere, []]] })).toBe('no-signal')
})

test('wrong and unwelcome stay apart, and what nobody said stays unknown', () => {
  const faultOf = (...events: Event[]) => compile(events).signals.map(({ fault }) => fault)
  expect(faultOf({ type: 'abandon' })).toEqual([null])
  expect(faultOf({ type: 'abandon', fault: 'unwelcome' })).toEqual(['unwelcome'])
  expect(
    faultOf({ type: 'thumbs', value: -1, fault: 'unwelcome' }, { type: 'rephrase', fault: 'wrong' }),
  ).toEqual(['wrong', 'wrong'])
})

test('a calibrated rule counts with its probability, a failed one nowhere, another only where somebody wrote the answer', () => {
  const finding = (outcome: 'pass' | 'fail' | 'cannot-tell') => ({
    findings: new Map([['correction', { outcome, probability: 0.9 }]]),
    allowUncalibrated: false,
  })
  const events: Event[] = [{ type: 'correction', value: 'delivery' }]
  const { input, signals } = compile(events)
  const passed = decideExamples('preferences', signals, input, finding('pass'))
  expect(passed).toMatchObject({ kept: { examples: [{ from: { rule: 'correction', probability: 0.9 } }] } })
  expect(decide('demonstrations', events, {}, finding('fail'))).toBe('below-threshold')
  expect(decide('preferences', events, {}, finding('cannot-tell'))).toBe('uncalibrated')
  expect(decide('demonstrations', events, {}, finding('cannot-tell'))).toHaveLength(1)
  expect(decide('preferences', [{ type: 'label', value: 'delivery' }], {}, UNCALIBRATED)).toHaveLength(1)
})

test('the id of a signal follows from what it derives from, and not from further events', () => {
  const idOf = (...events: Event[]) => compile(events).signals.find(({ rule }) => rule === 'accept')?.id
  const id = idOf({ type: 'accept' })
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(idOf({ type: 'accept' }, { type: 'accept' }, { type: 'copy' })).toBe(id)
  const ids = new Set<Signal['id']>(compile([{ type: 'accept' }, { type: 'copy' }]).signals.map((s) => s.id))
  expect(ids.size).toBe(2)
})
