import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { nonInferiority } from './non-inferiority.ts'
import type { PairedCounts } from './paired-difference.ts'
import { itemsForNonInferiority } from './sample-size.ts'

const margin = 0.05

test('clear cases pass and fail, and few items cannot tell', () => {
  expect(nonInferiority({ both: 800, onlyA: 50, onlyB: 50, neither: 100 }, margin).outcome).toBe('pass')
  expect(nonInferiority({ both: 700, onlyA: 10, onlyB: 150, neither: 140 }, margin).outcome).toBe('fail')
  expect(nonInferiority({ both: 40, onlyA: 2, onlyB: 2, neither: 6 }, margin).outcome).toBe('cannot-tell')
})

test('a real loss within the margin is no reason to fail', () => {
  const verdict = nonInferiority({ both: 8000, onlyA: 400, onlyB: 600, neither: 1000 }, margin)
  expect(verdict).toMatchObject({ difference: -0.02, outcome: 'pass' })
  expect(verdict.high).toBeLessThan(0)
})

test('equal candidates pass with about the planned power, and a loss of the margin passes with about alpha', () => {
  // 247 items are planned for 80 % power at 10 % discordance; 2,000 trials have a standard error below 1 point.
  const n = itemsForNonInferiority({ margin, discordance: 0.1 })
  expect(passRate(n, 0.05, 0.05)).toBeGreaterThan(0.75)
  expect(passRate(n, 0.05, 0.05)).toBeLessThan(0.85)
  expect(passRate(n, 0.025, 0.075)).toBeLessThan(0.07)
})

test('a margin or alpha that cannot be meant is refused', () => {
  const counts = { both: 8, onlyA: 1, onlyB: 1, neither: 1 }
  expect(() => nonInferiority(counts, 5)).toThrow(/margin/)
  expect(() => nonInferiority(counts, 0.05, 0.5)).toThrow(/alpha/)
})

function passRate(n: number, onlyA: number, onlyB: number): number {
  const random = new Random(11)
  const outcomes: (keyof PairedCounts)[] = ['onlyA', 'onlyB', 'neither', 'both']
  let passed = 0
  for (let trial = 0; trial < 2000; trial++) {
    const counts = { both: 0, onlyA: 0, onlyB: 0, neither: 0 }
    for (let item = 0; item < n; item++) {
      counts[outcomes[random.weighted([onlyA, onlyB, 0.2, 0.8 - onlyA - onlyB])]!]++
    }
    if (nonInferiority(counts, margin).outcome === 'pass') passed++
  }
  return passed / 2000
}
