import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SPLITS, type SplitRow, splitRows } from './index.ts'

const rows = fc
  .array(
    fc.record({
      day: fc.integer({ min: 0, max: 40 }),
      user: fc.option(fc.integer({ min: 0, max: 12 })),
      conversation: fc.option(fc.integer({ min: 0, max: 12 })),
      label: fc.constantFrom('cards', 'cards', 'cards', 'refunds', 'parcels'),
    }),
    { maxLength: 80 },
  )
  .map((drawn) =>
    drawn.map(({ day, user, conversation, label }, index): SplitRow => {
      const entities = [
        ...(user === null ? [] : [`user ${user}`]),
        ...(conversation === null ? [] : [`conversation ${conversation}`]),
      ]
      return { id: `row ${index}`, occurredAt: new Date(Date.UTC(2026, 2, 1 + day)), entities, label }
    }),
  )
const share = fc.double({ min: 0, max: 0.5, noNaN: true })
const seed = fc.integer({ min: 0, max: 1000 })

test.each(SPLITS)('%s: every row is on one side, whatever the order in which rows come', (by) => {
  fc.assert(
    fc.property(rows, share, seed, (given, cut, number) => {
      const { kept, taken } = splitRows(given, { by, share: cut, seed: number })
      expect([...kept, ...taken].map(({ id }) => id).sort()).toEqual(given.map(({ id }) => id).sort())
      const again = splitRows(given.toReversed(), { by, share: cut, seed: number })
      expect(again).toEqual({ kept, taken, by: again.by })
    }),
  )
})

test('by entity, nobody is on both sides, and the share is missed by half of the largest group at most', () => {
  fc.assert(
    fc.property(
      rows,
      share,
      seed,
      fc.constantFrom([], ['user 3', 'conversation 1']),
      (given, cut, number, bound) => {
        const { kept, taken } = splitRows(given, { by: 'entity', share: cut, seed: number, bound })
        const entities = (part: SplitRow[]) => new Set(part.flatMap((row) => row.entities))
        expect([...entities(kept)].filter((entity) => entities(taken).has(entity))).toEqual([])
        expect(bound.filter((entity) => entities(taken).has(entity))).toEqual([])
        if (bound.length === 0) {
          const largest = Math.max(1, ...linked(given).map((group) => group.length))
          expect(Math.abs(taken.length - Math.round(given.length * cut))).toBeLessThanOrEqual(largest / 2)
        }
      },
    ),
  )
})

/** Groups by plain repeated merging: slow, and another way than union–find. */
function linked(given: readonly SplitRow[]): SplitRow[][] {
  let groups = given.map((row) => [row])
  for (;;) {
    const merged: SplitRow[][] = []
    for (const group of groups) {
      const mates = merged.find((other) =>
        other.some((a) => group.some((b) => a.entities.some((one) => b.entities.includes(one)))),
      )
      if (mates) mates.push(...group)
      else merged.push([...group])
    }
    if (merged.length === groups.length) return merged
    groups = merged
  }
}

test('rows without an entity are their own, so that the share is met to a row', () => {
  const lone = Array.from({ length: 95 }, (_, index): SplitRow => {
    return { id: `row ${index}`, occurredAt: new Date(0), entities: [], label: 'x' }
  })
  expect(splitRows(lone, { by: 'entity', share: 0.1, seed: 1 }).taken).toHaveLength(10)
})

test('stratified, every label keeps its share to a row, and so does the whole', () => {
  fc.assert(
    fc.property(rows, share, seed, (given, cut, number) => {
      const { taken } = splitRows(given, { by: 'stratified', share: cut, seed: number })
      expect(taken).toHaveLength(Math.round(given.length * cut))
      for (const [label, all] of Map.groupBy(given, (row) => row.label)) {
        const count = taken.filter((row) => row.label === label).length
        expect(Math.abs(count - all.length * cut)).toBeLessThan(1)
      }
    }),
  )
})

test('other seeds cut off other rows', () => {
  const many = Array.from({ length: 60 }, (_, index): SplitRow => {
    const entities = [`user ${index % 20}`]
    return { id: `row ${index}`, occurredAt: new Date(index), entities, label: `${index % 3}` }
  })
  for (const by of ['entity', 'stratified'] as const) {
    const cut = (number: number) =>
      splitRows(many, { by, share: 0.2, seed: number }).taken.map(({ id }) => id)
    expect(cut(1)).not.toEqual(cut(2))
  }
})
