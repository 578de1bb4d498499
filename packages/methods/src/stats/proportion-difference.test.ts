import { expect, test } from 'vitest'
import { proportionDifference } from './proportion-difference.ts'

// Newcombe 1998, Statistics in Medicine 17, 873–890, table II, example (a), method 10.
test('56 of 70 against 48 of 80 has the published interval', () => {
  const { estimate, low, high } = proportionDifference({ successes: 56, n: 70 }, { successes: 48, n: 80 })
  expect(estimate).toBeCloseTo(0.2, 12)
  expect(low).toBeCloseTo(0.0524, 4)
  expect(high).toBeCloseTo(0.3339, 4)
})
