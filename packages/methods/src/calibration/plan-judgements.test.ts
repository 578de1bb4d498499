import { expect, test } from 'vitest'
import { planJudgements } from './plan-judgements.ts'

const rule = { n: 0, right: 0, available: 500, volume: 500, threshold: 0.7 }

test('judgements go where they settle most signals, and not to what is settled', () => {
  const plan = planJudgements(
    [
      { ...rule, key: 'settled', n: 100, right: 90 },
      { ...rule, key: 'near', n: 15, right: 13 },
      { ...rule, key: 'rare', volume: 2, available: 2 },
      { ...rule, key: 'hopeless', n: 200, right: 142 },
    ],
    30,
  )
  const given = Object.fromEntries(plan.map(({ key, judgements }) => [key, judgements]))
  expect(given).toMatchObject({ settled: 0, rare: 0 })
  expect(given.near).toBeGreaterThan(given.hopeless!)
  expect(plan.reduce((sum, { judgements }) => sum + judgements, 0)).toBe(30)
  const near = plan.find(({ key }) => key === 'near')!
  expect(near.settled).toBeGreaterThan(0.5)
})

test('no more is asked for than there is, and a chance is that of the beta-binomial distribution', () => {
  const [only] = planJudgements([{ ...rule, key: 'few', n: 9, right: 9, available: 1 }], 50)
  // 9 of 9: the tail is 0.7^9 = 0.040, so the rule is settled already; 8 of 8 (0.058) wants one more right one.
  expect(only).toEqual({ key: 'few', judgements: 0, settled: 1 })
  const [next] = planJudgements([{ ...rule, key: 'few', n: 8, right: 8, available: 1 }], 50)
  expect(next!.judgements).toBe(1)
  expect(next!.settled).toBeCloseTo(9 / 10, 12)
})
