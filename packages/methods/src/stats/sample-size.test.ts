import { expect, test } from 'vitest'
import { binomialPmf } from './binomial.ts'
import { normalQuantile } from './normal.ts'
import {
  itemsForIndependentDifference,
  itemsForNonInferiority,
  itemsForPairedDifference,
} from './sample-size.ts'

test.each([
  [0.05, 247],
  [0.03, 687],
  [0.02, 1546],
  [0.01, 6183],
])('non-inferiority by %f at 10 %% discordance needs about %i items', (margin, expected) => {
  // By hand: (1.644854 + 0.841621)^2 = 6.182557, times 0.1, over the squared margin.
  expect(itemsForNonInferiority({ margin, discordance: 0.1 })).toBe(expected)
})

test('an expected loss costs items and an expected gain saves them', () => {
  const design = { margin: 0.05, discordance: 0.1 }
  const equal = itemsForNonInferiority(design)
  expect(itemsForNonInferiority({ ...design, difference: -0.02 })).toBeGreaterThan(2 * equal)
  expect(itemsForNonInferiority({ ...design, difference: 0.02 })).toBeLessThan(equal)
  expect(() => itemsForNonInferiority({ ...design, difference: -0.05 })).toThrow(/no number settles it/)
})

test('superiority needs the published numbers', () => {
  // Connor 1987, page 209, as worked by the public calculator powerandsamplesize.com: 0.45 against 0.05, 80 % power.
  expect(itemsForPairedDifference({ difference: 0.4, discordance: 0.5 })).toBe(23)
})

test.each([
  // Power of McNemar's uncorrected test at this n by exact enumeration with scipy 1.17.1: 0.826, 0.913, 0.802.
  [0.05, 0.1, 0.8, 312],
  [0.1, 0.2, 0.9, 206],
  [-0.05, 0.3, 0.8, 940],
])(
  'a difference of %f at %f discordance and power %f is found by %i items',
  (difference, discordance, power, n) => {
    expect(itemsForPairedDifference({ difference, discordance, power })).toBe(n)
  },
)

test('designs that no number of items serves are refused', () => {
  expect(() => itemsForPairedDifference({ difference: 0, discordance: 0.1 })).toThrow(RangeError)
  expect(() => itemsForPairedDifference({ difference: 0.2, discordance: 0.1 })).toThrow(/discordant/)
  expect(() => itemsForNonInferiority({ margin: 0, discordance: 0.1 })).toThrow(/margin/)
  expect(() => itemsForNonInferiority({ margin: 0.05, discordance: 0 })).toThrow(/discordant/)
})

test('independent samples need the published number', () => {
  // Chow, Shao and Wang 2008, section 4.2, as worked by the public calculator powerandsamplesize.com.
  expect(itemsForIndependentDifference({ first: 0.85, second: 0.65, margin: -0.1 })).toBe(25)
  expect(() => itemsForIndependentDifference({ first: 0.5, second: 0.4, margin: 0.5 - 0.4 })).toThrow(
    /itself/,
  )
})

test.each([
  [0.8, 0.78, 0.1],
  [0.9, 0.6, 0.1],
])(
  'with so many items %f and %f are told from a margin of %f four times in five',
  (first, second, margin) => {
    const n = itemsForIndependentDifference({ first, second, margin })
    const z = normalQuantile(0.95)
    const [a, b] = [first, second].map((share) =>
      Array.from({ length: n + 1 }, (_, k) => binomialPmf(k, n, share)),
    )
    let power = 0
    for (const [right, chance] of a!.entries()) {
      for (const [other, otherChance] of b!.entries()) {
        const [p, q] = [right / n, other / n]
        const distance = Math.sign(first - second - margin) * (p - q - margin)
        if (distance > z * Math.sqrt((p * (1 - p) + q * (1 - q)) / n)) power += chance * otherChance
      }
    }
    expect(Math.abs(power - 0.8)).toBeLessThan(0.02)
  },
)
