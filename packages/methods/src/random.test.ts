import { expect, test } from 'vitest'
import { philox4x32, Random } from './random.ts'

// Lines "philox4x32 10" of Random123's kat_vectors.
test.each([
  {
    counter: [0, 0, 0, 0],
    key: [0, 0],
    answer: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    answer: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    answer: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
])('a block of Philox4x32-10 equals the known answer for counter $counter', ({ counter, key, answer }) => {
  expect([...philox4x32(counter, key)]).toEqual(answer)
})

test('words come from consecutive counters, keyed by the seed and offset by the stream', () => {
  const random = new Random(0x299f31d0a4093822n, 0x0370734413198a2en)
  const words = Array.from({ length: 8 }, () => random.nextUint32())
  const key = [0xa4093822, 0x299f31d0]
  const expected = [0, 1].flatMap((block) => [...philox4x32([block, 0, 0x13198a2e, 0x03707344], key)])
  expect(words).toEqual(expected)
})

test('seeds and streams give different numbers; a string names a stream; negative seeds are allowed', () => {
  const first = (random: Random) => random.nextUint32()
  expect(first(new Random(1, 'split'))).toBe(first(new Random(1n, 'split')))
  const firsts = [
    first(new Random(1)),
    first(new Random(2)),
    first(new Random(-1)),
    first(new Random(1, 1)),
    first(new Random(1, 'split')),
    first(new Random(1, 'order')),
  ]
  expect(new Set(firsts).size).toBe(firsts.length)
  // FNV-1a 64 of "foobar", from the test suite of Fowler, Noll and Vo.
  expect(new Random(0, 'foobar').state().stream).toBe(String(0x85944171f73967e8n))
})

test('a generator continues from its state, also from the middle of a block and through JSON', () => {
  for (const drawn of [0, 1, 3, 4, 7]) {
    const random = new Random(7, 'x')
    for (let i = 0; i < drawn; i++) random.nextUint32()
    const copy = Random.fromState(JSON.parse(JSON.stringify(random.state())))
    const rest = Array.from({ length: 9 }, () => random.nextUint32())
    expect(Array.from({ length: 9 }, () => copy.nextUint32())).toEqual(rest)
  }
  // Beyond 2^32 blocks the counter's second word takes part.
  const far = Random.fromState({ seed: '0', stream: '0', position: 4 * 2 ** 32 })
  expect(far.nextUint32()).toBe(philox4x32([0, 1, 0, 0], [0, 0])[0])
  expect(() => Random.fromState({ seed: '0', stream: '0', position: -1 })).toThrow(RangeError)
})

test('uniform numbers fill [0, 1) evenly', () => {
  const random = new Random(11)
  const bins = new Array<number>(10).fill(0)
  for (let i = 0; i < 20_000; i++) {
    const value = random.uniform()
    expect(value >= 0 && value < 1).toBe(true)
    bins[Math.floor(value * 10)]!++
  }
  // The 99.9 % quantile of chi-squared with 9 degrees of freedom is 27.9.
  expect(bins.reduce((sum, n) => sum + (n - 2000) ** 2 / 2000, 0)).toBeLessThan(27.9)
})

test('integers have no modulo bias', () => {
  const random = new Random(12)
  // With `word % n` and n = 3 · 2^30 the lowest quarter of the range would be drawn twice as often: 1/2 of all.
  const n = 3 * 2 ** 30
  let low = 0
  for (let i = 0; i < 6000; i++) if (random.integer(n) < 2 ** 30) low++
  expect(low / 6000).toBeGreaterThan(0.31)
  expect(low / 6000).toBeLessThan(0.36)
  expect(random.integer(1)).toBe(0)
  expect(() => random.integer(0)).toThrow(RangeError)
  expect(() => random.integer(2.5)).toThrow(RangeError)
})

test('normal numbers have the moments and tails of the standard normal distribution', () => {
  const random = new Random(13)
  const n = 40_000
  const values = Array.from({ length: n }, () => random.normal())
  const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / n
  expect(Math.abs(moment(1))).toBeLessThan(0.02)
  expect(Math.abs(moment(2) - 1)).toBeLessThan(0.03)
  expect(Math.abs(moment(3))).toBeLessThan(0.06)
  expect(Math.abs(moment(4) - 3)).toBeLessThan(0.2)
  const share = (limit: number) => values.filter((value) => value < limit).length / n
  // Values of the cumulative distribution: Φ(-2), Φ(-0.5), Φ(1).
  expect(Math.abs(share(-2) - 0.02275)).toBeLessThan(0.003)
  expect(Math.abs(share(-0.5) - 0.30854)).toBeLessThan(0.009)
  expect(Math.abs(share(1) - 0.84134)).toBeLessThan(0.007)
})

test('choice, shuffle and weighted draw each outcome as often as they should', () => {
  const random = new Random(14)
  const orders = new Map<string, number>()
  const source = ['a', 'b', 'c']
  for (let i = 0; i < 6000; i++) {
    const order = random.shuffle(source).join('')
    orders.set(order, (orders.get(order) ?? 0) + 1)
  }
  expect(source).toEqual(['a', 'b', 'c'])
  expect(orders.size).toBe(6)
  for (const count of orders.values()) expect(Math.abs(count - 1000)).toBeLessThan(130)

  const drawn = [0, 0, 0, 0]
  for (let i = 0; i < 8000; i++) drawn[random.weighted([1, 0, 3, 0])]!++
  expect(drawn[1]).toBe(0)
  expect(drawn[3]).toBe(0)
  expect(Math.abs(drawn[0]! - 2000)).toBeLessThan(160)

  const chosen = new Set(Array.from({ length: 60 }, () => random.choice(source)))
  expect([...chosen].sort()).toEqual(source)
  expect(() => random.choice([])).toThrow(RangeError)
  expect(() => random.weighted([0, 0])).toThrow(RangeError)
  expect(() => random.weighted([1, -1])).toThrow(RangeError)
  expect(() => random.weighted([1, Number.NaN])).toThrow(RangeError)
})

test('a seed gives these very numbers for ever', () => {
  const random = new Random(42, 'golden')
  const drawn = [
    random.uniform(),
    random.integer(1000),
    random.normal(),
    random.shuffle([1, 2, 3, 4]).join(''),
  ]
  expect(drawn).toMatchInlineSnapshot(`
    [
      0.5152992125396116,
      494,
      -0.39708095603655036,
      "1423",
    ]
  `)
})
