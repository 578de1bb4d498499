import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { answerDrift } from './answer-drift.ts'

const thrice = (answer: string) => [answer, answer, answer]

test('prompts that are always answered otherwise count by their exchanges: each is reached by 2 of 20', () => {
  const one = answerDrift([thrice('a')], [thrice('b')])
  expect(one).toEqual({ changed: 1, distance: 2, p: expect.closeTo(1 / 10, 12) })
  const same = [thrice('c'), thrice('d')]
  const two = answerDrift([thrice('a'), thrice('b'), ...same], [thrice('b'), thrice('a'), ...same])
  expect(two).toEqual({ changed: 2, distance: 1, p: expect.closeTo(1 / 100, 12) })
  // 2 of 3 against 1 of 3: of the 20 exchanges none is nearer, 18 are as near.
  expect(answerDrift([['a', 'a', 'b']], [['b', 'a', 'b']]).p).toBe(1)
})

test('equal rounds are no drift, and a replaced model is', () => {
  const same = Array.from({ length: 24 }, (_, index) => thrice(`answer ${index}`))
  expect(answerDrift(same, same)).toEqual({ changed: 0, distance: 0, p: 1 })
  const other = same.map((answers, index) => (index < 8 ? thrice('other') : answers))
  expect(answerDrift(same, other).p).toBeCloseTo(1e-8, 12)
})

test('p is that of shuffling the answers of each prompt', () => {
  const random = new Random(4)
  const round = () =>
    Array.from({ length: 5 }, () => Array.from({ length: 3 }, () => random.choice(['a', 'b', 'c'])))
  const [before, after] = [round(), round()]
  const { distance, p } = answerDrift(before, after)
  const shuffles = 4_000
  let reached = 0
  for (let turn = 0; turn < shuffles; turn++) {
    const pooled = before.map((answers, index) => random.shuffle([...answers, ...after[index]!]))
    const drawn = pooled.map((answers) => ({
      first: answers.slice(0, 3),
      second: answers.slice(3),
      names: [...new Set(answers)],
    }))
    const share = (answers: string[], name: string) => answers.filter((answer) => answer === name).length / 3
    const total = drawn.flatMap(({ first, second, names }) =>
      names.map((name) => (share(first, name) - share(second, name)) ** 2),
    )
    if (total.reduce((a, b) => a + b, 0) / 5 >= distance - 1e-9) reached++
  }
  // Four standard deviations of a share of 4,000.
  expect(Math.abs(reached / shuffles - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / shuffles) + 1e-3)
})

test('a model that varies is called drifted no oftener than is said', () => {
  const random = new Random(11)
  const round = () =>
    Array.from({ length: 24 }, (_, prompt) =>
      Array.from({ length: 3 }, () => (random.uniform() < (prompt % 6) / 12 ? 'rare' : 'common')),
    )
  const alarms = Array.from({ length: 300 }, () => answerDrift(round(), round())).filter(
    ({ p }) => p <= 0.05,
  ).length
  // 5 % of 300 are 15; four standard deviations above is 30.
  expect(alarms).toBeLessThan(30)
})

test('the order of answers says nothing, nor which round came first', () => {
  const answers = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 2, maxLength: 2 })
  const rounds = fc.array(fc.tuple(answers, answers), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(rounds, (pairs) => {
      const [before, after] = [pairs.map(([first]) => first), pairs.map(([, second]) => second)]
      const drift = answerDrift(before, after)
      expect(answerDrift(after, before).p).toBeCloseTo(drift.p, 12)
      expect(
        answerDrift(
          before.map((one) => one.toReversed()),
          after,
        ),
      ).toEqual(drift)
      expect(drift.p).toBeGreaterThan(0)
    }),
  )
  expect(() => answerDrift([['a']], [])).toThrow(/same prompts/)
  expect(() => answerDrift([[]], [['a']])).toThrow(RangeError)
  expect(() => answerDrift([['a'], ['a', 'b']], [['a'], ['b']])).toThrow(/as many answers/)
})
