import { expect, test } from 'vitest'
import { inference, NOON } from '../store/spec/fixtures.ts'
import type { Candidate } from './candidates.ts'
import { findDuplicates } from './duplicates.ts'

function row(
  text: string,
  completion: string,
  signal: Candidate['signal'] = 'accept',
  minute = 0,
): Candidate {
  const made = inference(text)
  return {
    inference: {
      ...made,
      occurredAt: new Date(NOON.getTime() + minute * 60_000),
      payload: { ...made.payload, messages: [{ role: 'user', content: text }] },
    } as unknown as Candidate['inference'],
    signal,
    feedback: [],
    examples: [{ completion }],
  } as unknown as Candidate
}

const days = 'why has my transfer not arrived after three long days'
const weeks = 'why has my transfer not arrived after three long weeks'

async function decide(rows: Candidate[], threshold = 0.7) {
  const found = await findDuplicates(rows, { threshold, seed: 1 })
  return rows.map((each) => {
    const duplicate = found.get(each)
    return duplicate ? { ...duplicate, of: rows.indexOf(duplicate.of) } : null
  })
}

test('the most trusted signal survives, then the newest row, then the smaller id, and the reason is told', async () => {
  const equal = (of: number, survivor: string) => ({ of, similarity: null, survivor })
  expect(await decide([row(days, 'late'), row(days, 'other', 'label')])).toEqual([equal(1, 'signal'), null])
  expect(await decide([row(days, 'a', 'accept', 1), row(days, 'b', 'accept', 2)])).toEqual([
    equal(1, 'time'),
    null,
  ])
  const [one, two] = [row(days, 'a'), row(days, 'a')]
  const smaller = one.inference.id < two.inference.id ? 0 : 1
  const decided = await decide([one, two])
  expect(decided[smaller]).toBeNull()
  expect(decided[1 - smaller]).toEqual(equal(smaller, 'id'))
  // A signal that nobody has ranked is trusted least.
  expect(await decide([row(days, 'a', 'rephrase', 9), row(days, 'a', 'thumbs')])).toEqual([
    equal(1, 'signal'),
    null,
  ])
})

test('a near duplicate with nearly the same answer goes, one with another answer stays', async () => {
  const near = { of: 0, similarity: 0.8, survivor: 'signal' }
  expect(await decide([row(days, 'late', 'label'), row(weeks, 'LATE!')])).toEqual([null, near])
  expect(await decide([row(days, 'late', 'label'), row(weeks, 'lost')])).toEqual([null, null])
  const long = 'it was sent to the wrong account and comes back on'
  expect(await decide([row(days, `${long} monday`, 'label'), row(weeks, `${long} friday`)])).toEqual([
    null,
    near,
  ])
  const rated = (each: Candidate, label: boolean): Candidate => {
    return { ...each, examples: [{ kind: 'desirability', completion: 'late', label }] }
  }
  expect(await decide([rated(row(days, '', 'label'), true), rated(row(weeks, ''), false)])).toEqual([
    null,
    null,
  ])
})

test('a higher threshold keeps more, and 0 looks for equal rows only', async () => {
  const rows = [row(days, 'late', 'label'), row(weeks, 'late'), row(days.toUpperCase(), 'late')]
  const copy = { of: 0, similarity: null, survivor: 'signal' }
  expect(await decide(rows, 0.81)).toEqual([null, null, copy])
  expect(await decide(rows, 0)).toEqual([null, null, copy])
  // The same bigrams in another order: nothing is equal here.
  const twisted = [row('to be or not to be or', 'x', 'label'), row('to be or not to be or not to be or', 'x')]
  expect((await decide(twisted, 0.7))[1]).toMatchObject({ similarity: 1 })
  expect(await decide(twisted, 0)).toEqual([null, null])
})
