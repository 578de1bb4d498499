import { expect, test } from 'vitest'
import { binomialPmf } from './binomial.ts'
import { clopperPearsonInterval } from './clopper-pearson.ts'
import golden from './estimates-golden.json' with { type: 'json' }

test('the limits are those of statsmodels', () => {
  for (const { successes, n, level, interval } of golden.clopperPearson) {
    const { estimate, low, high } = clopperPearsonInterval(successes, n, level)
    expect(estimate).toBe(successes / n)
    expect(low).toBeCloseTo(interval[0]!, 10)
    expect(high).toBeCloseTo(interval[1]!, 10)
  }
})

test('the interval covers every proportion at least as often as it says', () => {
  const n = 23
  const intervals = Array.from({ length: n + 1 }, (_, right) => clopperPearsonInterval(right, n, 0.9))
  for (let p = 0.01; p < 1; p += 0.01) {
    const covering = intervals.map(({ low, high }, right) =>
      low <= p && p <= high ? binomialPmf(right, n, p) : 0,
    )
    expect(covering.reduce((sum, mass) => sum + mass)).toBeGreaterThan(0.9)
  }
})

test('impossible counts are refused', () => {
  expect(() => clopperPearsonInterval(3, 2)).toThrow(/3 successes in 2/)
  expect(() => clopperPearsonInterval(1, 2, 1)).toThrow(/confidence level/)
})
