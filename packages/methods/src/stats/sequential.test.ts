import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { sequentialNonInferiority, sequentialSuperiority } from './sequential.ts'
import { itemsForSequential } from './sequential-size.ts'

test('an outcome that is settled stays with further items', () => {
  const items = drawn(new Random(5), 3000, 0.05, 0.05)
  const settled = sequentialNonInferiority(items, 0.05)
  expect(settled.outcome).toBe('pass')
  const at = settled.settledAt!
  expect(sequentialNonInferiority(items.slice(0, at - 1), 0.05).outcome).toBe('cannot-tell')
  expect(sequentialNonInferiority(items.slice(0, at), 0.05)).toMatchObject({ outcome: 'pass', settledAt: at })
  const turned = [...items, ...Array<number>(500).fill(-1)]
  expect(sequentialNonInferiority(turned, 0.05)).toMatchObject({ outcome: 'pass', settledAt: at })
})

test('gains, losses and the bounds agree with the outcome', () => {
  const better = drawn(new Random(6), 1500, 0.12, 0.04)
  const worse = better.map((difference) => -difference)
  expect(sequentialSuperiority(better)).toMatchObject({ outcome: 'pass' })
  expect(sequentialSuperiority(better).low).toBeGreaterThan(0)
  expect(sequentialSuperiority(worse).outcome).toBe('fail')
  expect(sequentialNonInferiority(worse, 0.02).outcome).toBe('fail')
  expect(sequentialNonInferiority(worse, 0.02).high).toBeLessThan(-0.02)
  expect(sequentialSuperiority(worse).settledAt).toBe(sequentialSuperiority(better).settledAt)
})

test('a loss of exactly the margin passes at some look with probability alpha at most', () => {
  const random = new Random(9)
  let passed = 0
  for (let trial = 0; trial < 200; trial++) {
    if (sequentialNonInferiority(drawn(random, 300, 0.05, 0.15), 0.1).outcome === 'pass') passed++
  }
  // 20 of 200 would be three standard errors above 5 %.
  expect(passed).toBeLessThan(20)
})

test('the planned number of items gives the wanted power to one look, and more to many', () => {
  const n = itemsForSequential({ margin: 0.1, discordance: 0.2 })
  const random = new Random(10)
  let passed = 0
  for (let trial = 0; trial < 150; trial++) {
    if (sequentialNonInferiority(drawn(random, n, 0.1, 0.1), 0.1).outcome === 'pass') passed++
  }
  expect(passed / 150).toBeGreaterThan(0.75)
  expect(passed / 150).toBeLessThan(0.97)
})

test('planning needs a truth that can be shown', () => {
  expect(() => itemsForSequential({ margin: 0, discordance: 0.1 })).toThrow(/no number settles it/)
  expect(itemsForSequential({ margin: 0, discordance: 0.1, difference: 0.05 })).toBeLessThan(
    itemsForSequential({ margin: 0, discordance: 0.1, difference: 0.03 }),
  )
  expect(() => sequentialSuperiority([2])).toThrow(/does not lie/)
  expect(() => sequentialNonInferiority([1], 5)).toThrow(/margin/)
})

function drawn(random: Random, n: number, onlyA: number, onlyB: number): number[] {
  return Array.from({ length: n }, () => {
    const at = random.uniform()
    return at < onlyA ? 1 : at < onlyA + onlyB ? -1 : 0
  })
}
