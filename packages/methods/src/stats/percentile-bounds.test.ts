import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { clopperPearsonLower } from './clopper-pearson.ts'
import { itemsForProportion } from './items-for-proportion.ts'
import { percentileBounds, valuesForPercentile } from './percentile-bounds.ts'

test('the ranks are those of the exact binomial sums', () => {
  const values = Array.from({ length: 100 }, (_, i) => i + 1)
  // Ranks by summing binomial coefficients in rational arithmetic (Python): the least r with P(X >= r) at most alpha.
  expect(percentileBounds(values, 90, 0.025)).toMatchObject({ low: 84, high: 96 })
  expect(percentileBounds(values, 50, 0.025)).toMatchObject({ estimate: 50.5, low: 40, high: 61 })
})

test('the upper bound of a 95th percentile takes 59 values', () => {
  expect(valuesForPercentile(95)).toBe(59)
  const values = Array.from({ length: 59 }, (_, i) => i)
  expect(percentileBounds(values, 95).high).toBe(58)
  expect(percentileBounds(values.slice(1), 95).high).toBe(null)
})

test('each bound misses the true percentile at most alpha of the time', () => {
  const random = new Random(3, 'percentile')
  const runs = 4000
  let [below, above] = [0, 0]
  for (let run = 0; run < runs; run++) {
    const values = Array.from({ length: 80 }, () => random.uniform())
    const { low, high } = percentileBounds(values, 95)
    if (low !== null && low > 0.95) below++
    if (high !== null && high < 0.95) above++
  }
  expect(clopperPearsonLower(below, runs, 0.999)).toBeLessThan(0.05)
  expect(clopperPearsonLower(above, runs, 0.999)).toBeLessThan(0.05)
})

test('the number of trials is the one at which the exact bound clears the bar', () => {
  // Nothing but successes: 0.95^59 is the first power below 0.05, the rule of three.
  expect(itemsForProportion({ bar: 0.95, expected: 1 })).toBe(59)
  // Signal precision of the specification: 78 of 100 clear 0.7.
  const n = itemsForProportion({ bar: 0.7, expected: 0.78, power: 0.5 })
  expect(n).toBeGreaterThan(85)
  expect(n).toBeLessThan(115)
  expect(clopperPearsonLower(Math.ceil(0.78 * n), n)).toBeGreaterThan(0.69)
  expect(itemsForProportion({ bar: 0.05, expected: 0 })).toBe(59)
  expect(() => itemsForProportion({ bar: 0.5, expected: 0.5 })).toThrow(RangeError)
})
