import { expect, test } from 'vitest'
import { binomialPmf } from './binomial.ts'
import { nonInferiority } from './non-inferiority.ts'

const margin = 0.05

test('clear cases pass and fail, and few items cannot tell', () => {
  expect(nonInferiority({ both: 800, onlyA: 50, onlyB: 50, neither: 100 }, margin).outcome).toBe('pass')
  expect(nonInferiority({ both: 700, onlyA: 10, onlyB: 150, neither: 140 }, margin).outcome).toBe('fail')
  expect(nonInferiority({ both: 40, onlyA: 2, onlyB: 2, neither: 6 }, margin).outcome).toBe('cannot-tell')
})

test('a real loss within the margin is no reason to fail', () => {
  const verdict = nonInferiority({ both: 2400, onlyA: 120, onlyB: 180, neither: 300 }, margin)
  expect(verdict).toMatchObject({ difference: -0.02, outcome: 'pass' })
  expect(verdict.high).toBeLessThan(0)
})

test('a loss of the margin passes with probability alpha at most, whatever the share of discordant items', () => {
  const n = 14
  const passes: [onlyA: number, discordant: number][] = []
  for (let discordant = 0; discordant <= n; discordant++) {
    for (let onlyA = 0; onlyA <= discordant; onlyA++) {
      const counts = { both: n - discordant, onlyA, onlyB: discordant - onlyA, neither: 0 }
      if (nonInferiority(counts, 0.1).outcome === 'pass') passes.push([onlyA, discordant])
    }
  }
  const sizes = Array.from({ length: 19 }, (_, step) => {
    const discordance = 0.1 + 0.05 * step
    const share = (discordance - 0.1) / discordance / 2
    return passes.reduce(
      (sum, [onlyA, discordant]) =>
        sum + binomialPmf(discordant, n, discordance) * binomialPmf(onlyA, discordant, share),
      0,
    )
  })
  expect(Math.max(...sizes)).toBeLessThanOrEqual(0.05)
  // Not by never passing.
  expect(Math.max(...sizes)).toBeGreaterThan(0.03)
})

test('a margin or alpha that cannot be meant is refused', () => {
  const counts = { both: 8, onlyA: 1, onlyB: 1, neither: 1 }
  expect(() => nonInferiority(counts, 5)).toThrow(/margin/)
  expect(() => nonInferiority(counts, 0.05, 0.5)).toThrow(/alpha/)
})
