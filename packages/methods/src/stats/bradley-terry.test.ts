import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { bradleyTerry, type Comparison } from './bradley-terry.ts'
import golden from './estimates-golden.json' with { type: 'json' }

function repeat(first: string, second: string, outcome: Comparison['outcome'], times: number): Comparison[] {
  return Array.from({ length: times }, () => ({ first, second, outcome }))
}

function estimatesOf(comparisons: readonly Comparison[], reference?: string) {
  const fit = bradleyTerry(comparisons, { reference })
  if (fit.kind !== 'estimates') throw new Error(`unbounded: ${fit.cause}`)
  return fit
}

test('the baseball season of 1987 has the published strengths', () => {
  const { players: names, wins, reference, estimates, intervals } = golden.bradleyTerry
  const comparisons = names.flatMap((first, i) =>
    names.flatMap((second, j) => repeat(first, second, 'first', wins[i]![j]!)),
  )
  const { players, ties } = estimatesOf(comparisons, reference)
  expect(ties).toBeUndefined()
  // Printed in Agresti 2002, section 10.6, and in the vignette of the R package BradleyTerry2 (Turner and Firth 2012).
  const published = { Milwaukee: 1.5814, Detroit: 1.4364, Toronto: 1.2945, Boston: 1.1077, Cleveland: 0.6839 }
  for (const [name, strength] of Object.entries(published)) {
    expect(players.find((player) => player.name === name)?.estimate).toBeCloseTo(strength, 4)
  }
  // statsmodels 0.15.0, a binomial regression.
  for (const { name, estimate, low, high } of players) {
    const at = names.indexOf(name)
    expect(estimate).toBeCloseTo(estimates[at]!, 8)
    expect(low).toBeCloseTo(intervals[at]![0]!, 7)
    expect(high).toBeCloseTo(intervals[at]![1]!, 7)
  }
})

test('with ties, strengths that add up to 0 are those of a log-linear model in statsmodels', () => {
  const comparisons = golden.davidson.tallies.flatMap(({ first, second, wins }) => [
    ...repeat(`${first}`, `${second}`, 'first', wins[0]!),
    ...repeat(`${second}`, `${first}`, 'first', wins[1]!),
    ...repeat(`${first}`, `${second}`, 'tie', wins[2]!),
  ])
  const { players, ties } = estimatesOf(comparisons)
  for (const { name, estimate, high } of players) {
    expect(estimate).toBeCloseTo(golden.davidson.estimates[Number(name)]!, 8)
    expect((high - estimate) / 1.959963984540054).toBeCloseTo(golden.davidson.errors[Number(name)]!, 7)
  }
  expect(ties?.estimate).toBeCloseTo(golden.davidson.logNu, 8)
  expect((ties!.high - ties!.estimate) / 1.959963984540054).toBeCloseTo(golden.davidson.logNuError, 7)
})

test('two players have closed forms', () => {
  const fit = estimatesOf(
    [...repeat('a', 'b', 'first', 9), ...repeat('a', 'b', 'second', 4), ...repeat('b', 'a', 'tie', 6)],
    'b',
  )
  expect(fit.players[0]!.estimate).toBeCloseTo(Math.log(9 / 4), 9)
  expect(fit.ties?.estimate).toBeCloseTo(Math.log(6 / Math.sqrt(9 * 4)), 9)
  expect(fit.players[1]).toMatchObject({ name: 'b', estimate: 0, low: 0, high: 0 })
})

test('who was never beaten by the others has no finite strength: the groups are named, the best first', () => {
  const comparisons = [
    ...repeat('c', 'd', 'first', 3),
    ...repeat('d', 'c', 'first', 2),
    ...repeat('a', 'c', 'first', 5),
    ...repeat('a', 'b', 'tie', 1),
  ]
  expect(bradleyTerry(comparisons)).toEqual({
    kind: 'unbounded',
    cause: 'groups',
    groups: [
      ['a', 'b'],
      ['c', 'd'],
    ],
  })
})

test('ties alone, or ties with wins that never contradict each other, have no finite fit', () => {
  const chain = [...repeat('a', 'b', 'first', 5), ...repeat('a', 'b', 'tie', 3)]
  for (const comparisons of [repeat('a', 'b', 'tie', 4), chain]) {
    expect(bradleyTerry(comparisons)).toMatchObject({ kind: 'unbounded', cause: 'ties' })
  }
  expect(bradleyTerry([...chain, ...repeat('a', 'b', 'second', 1)]).kind).toBe('estimates')
})

test('whatever is not called unbounded has strengths at which every player wins as much as observed', () => {
  const player = fc.constantFrom('a', 'b', 'c', 'd')
  const comparison = fc
    .record({ first: player, second: player, outcome: fc.constantFrom('first', 'second', 'tie') })
    .filter(({ first, second }) => first !== second)
  fc.assert(
    fc.property(fc.array(comparison, { minLength: 1, maxLength: 40 }), (comparisons) => {
      const fit = bradleyTerry(comparisons as Comparison[])
      if (fit.kind === 'unbounded') return
      const strength = new Map(fit.players.map(({ name, estimate }) => [name, estimate]))
      const nu = fit.ties ? Math.exp(fit.ties.estimate) : 0
      const surplus = new Map([...strength.keys()].map((name) => [name, 0]))
      let ties = 0
      for (const { first, second, outcome } of comparisons) {
        const half = Math.exp((strength.get(first)! - strength.get(second)!) / 2)
        const total = half + 1 / half + nu
        const scored = outcome === 'first' ? 1 : outcome === 'tie' ? 0.5 : 0
        surplus.set(first, surplus.get(first)! + scored - (half + nu / 2) / total)
        surplus.set(second, surplus.get(second)! + 1 - scored - (1 / half + nu / 2) / total)
        ties += (outcome === 'tie' ? 1 : 0) - nu / total
      }
      for (const value of [...surplus.values(), ties]) expect(Math.abs(value)).toBeLessThan(1e-6)
      expect(fit.players.reduce((sum, { estimate }) => sum + estimate, 0)).toBeCloseTo(0, 8)
    }),
    { numRuns: 300 },
  )
})

test('intervals cover the true strengths', () => {
  const truth = [0.8, 0.2, -0.3, -0.7]
  const random = new Random(31)
  let [covered, all] = [0, 0]
  for (let round = 0; round < 60; round++) {
    const comparisons: Comparison[] = []
    for (let game = 0; game < 300; game++) {
      const [first, second] = random.shuffle([0, 1, 2, 3]) as [number, number]
      const half = (truth[first]! - truth[second]!) / 2
      const at = random.weighted([Math.exp(half), Math.exp(-half), 0.6])
      const outcome = (['first', 'second', 'tie'] as const)[at]!
      comparisons.push({ first: `${first}`, second: `${second}`, outcome })
    }
    for (const { name, low, high } of estimatesOf(comparisons).players) {
      all++
      if (low <= truth[Number(name)]! && truth[Number(name)]! <= high) covered++
    }
  }
  expect(covered / all).toBeGreaterThan(0.91)
  expect(covered / all).toBeLessThan(0.99)
})

test('comparisons that cannot be are refused', () => {
  expect(() => bradleyTerry([])).toThrow(/there is none/)
  expect(() => bradleyTerry(repeat('a', 'a', 'tie', 1))).toThrow(/with itself/)
  expect(() => bradleyTerry(repeat('a', 'b', 'tie', 1), { reference: 'c' })).toThrow(/never compared/)
})
