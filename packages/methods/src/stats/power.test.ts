import { expect, test } from 'vitest'
import golden from './comparisons-golden.json' with { type: 'json' }
import { conjunctionPower } from './conjunction-power.ts'
import { powerOfEquivalence, powerOfNonInferiority, powerOfPairedDifference } from './power.ts'
import { itemsForEquivalence, itemsForMeans, itemsForNonInferiority } from './sample-size.ts'

// numpy and scipy: the probabilities of all outcomes summed.
test.each(golden.power)(
  '$n items at $discordance discordance have the power of an enumeration',
  ({ nonInferiority, equivalence, pairedDifference, ...design }) => {
    expect(powerOfNonInferiority(design)).toBeCloseTo(nonInferiority, 8)
    expect(powerOfEquivalence(design)).toBeCloseTo(equivalence, 8)
    expect(powerOfPairedDifference(design)).toBeCloseTo(pairedDifference, 8)
  },
)

test.each([
  [0.05, 343],
  [0.03, 952],
  [0.02, 2141],
  [0.01, 8564],
])('equivalence within %f at 10 %% discordance needs about %i items', (margin, expected) => {
  // By hand: (1.644854 + 1.281552)^2 = 8.563848, times 0.1, over the squared margin.
  const n = itemsForEquivalence({ margin, discordance: 0.1 })
  expect(n).toBe(expected)
  expect(Math.abs(powerOfEquivalence({ margin, discordance: 0.1, n }) - 0.8)).toBeLessThan(0.04)
})

test.each([0.05, 0.03, 0.02, 0.01])(
  'the planned items show non-inferiority by %f four times in five',
  (margin) => {
    const n = itemsForNonInferiority({ margin, discordance: 0.1 })
    expect(Math.abs(powerOfNonInferiority({ margin, discordance: 0.1, n }) - 0.8)).toBeLessThan(0.03)
  },
)

test('a true difference costs items for equivalence, most of all near the margin', () => {
  const design = { margin: 0.05, discordance: 0.1 }
  const off = itemsForEquivalence({ ...design, difference: 0.03 })
  expect(off).toBe(itemsForEquivalence({ ...design, difference: -0.03 }))
  expect(off).toBeGreaterThan(4 * itemsForEquivalence(design))
  expect(Math.abs(powerOfEquivalence({ ...design, difference: 0.03, n: off }) - 0.8)).toBeLessThan(0.02)
  expect(() => itemsForEquivalence({ ...design, difference: 0.05 })).toThrow(/no number settles it/)
})

// statsmodels, TTestPower, by the noncentral t distribution.
test.each(golden.means)(
  'an effect of $effect at $alpha and power $power needs $n items',
  ({ effect, alpha, power, n }) => {
    expect(Math.abs(itemsForMeans({ deviation: 2, difference: 2 * effect, alpha, power }) - n)).toBeLessThan(
      1.1,
    )
    const planned = itemsForMeans({ deviation: 2, difference: 2 * effect, alpha, power })
    expect(itemsForMeans({ deviation: 2, margin: 2 * effect, alpha, power })).toBe(planned)
  },
)

// scipy.stats.multivariate_normal.cdf.
test.each(golden.joint)('the joint power of $parts at $correlation', ({ parts, correlation, power }) => {
  expect(conjunctionPower(parts, correlation).power).toBeCloseTo(power, 4)
})

test('the joint power lies between its bounds and grows with the correlation', () => {
  const parts = [0.8, 0.9, 0.7]
  const powers = [0, 0.2, 0.5, 0.9, 0.999].map((correlation) => conjunctionPower(parts, correlation))
  expect(powers[0]).toMatchObject({
    power: expect.closeTo(0.504, 12),
    atLeast: expect.closeTo(0.4, 12),
    atMost: 0.7,
  })
  for (const [i, { power, atLeast, atMost }] of powers.entries()) {
    expect(power).toBeGreaterThan(Math.max(atLeast, powers[i - 1]?.power ?? 0))
    expect(power).toBeLessThanOrEqual(atMost)
  }
  expect(conjunctionPower([0.8, 1], 0.5).power).toBeCloseTo(0.8, 10)
  expect(conjunctionPower([0.8, 0], 0.5).power).toBe(0)
  expect(() => conjunctionPower([])).toThrow(/at least one/)
  expect(() => conjunctionPower([0.8], 1)).toThrow(/correlation/)
})

test('impossible designs are refused', () => {
  expect(() => powerOfNonInferiority({ n: 0, margin: 0.05, discordance: 0.1 })).toThrow(/items/)
  expect(() => itemsForMeans({ deviation: 0, difference: 1 })).toThrow(/deviation/)
  expect(() => itemsForMeans({ deviation: 1, difference: -1 })).toThrow(/no number settles it/)
})
