import { expect, test } from 'vitest'
import { chooseRowLength, layOutUpdate } from './row-layout.ts'

const sequence = (length: number) => ({ ids: Array.from({ length }, (_, i) => i + 1), supervisedFrom: 1 })

test('the row length is the shortest of those that need the fewest tokens', () => {
  expect(chooseRowLength([[20, 30, 9]], 2048)).toBe(32)
  expect(chooseRowLength([[100]], 100)).toBe(100)
  // 40 and 40 waste 48 tokens in rows of 64, and 16 in one of 96.
  expect(chooseRowLength([[40, 40]], 128)).toBe(48)
  expect(
    chooseRowLength(
      [
        [60, 40, 20],
        [60, 30],
      ],
      128,
    ),
  ).toBe(64)
  expect(chooseRowLength([[60, 40, 20, 120]], 128)).toBe(128)
})

test('short examples are not padded to the longest length', () => {
  const lengths = [20, 30, 9]
  const rowLength = chooseRowLength([lengths], 2048)
  const [batch, ...others] = layOutUpdate(lengths.map(sequence), { rowLength, microBatchTokens: 4096 })
  expect(others).toEqual([])
  expect([batch!.batch, batch!.length]).toEqual([2, 32])
})

test('micro-batches hold whole rows, and every token of every sequence once', () => {
  const lengths = [40, 64, 12, 33, 20, 50, 7, 64]
  const options = { rowLength: 64, microBatchTokens: 150 }
  const batches = layOutUpdate(lengths.map(sequence), options)
  expect(batches.length).toBeGreaterThan(2)
  const seen = new Map<number, number>()
  for (const { batch, length, owners, sequences } of batches) {
    expect(batch * length).toBeLessThanOrEqual(150)
    for (const owner of owners) if (owner >= 0) seen.set(owner, (seen.get(owner) ?? 0) + 1)
    expect(new Set(sequences)).toEqual(new Set(owners.filter((owner) => owner >= 0)))
  }
  expect([...seen.keys()].sort()).toEqual(lengths.map((_, i) => i))
  for (const [owner, tokens] of seen) expect(tokens).toBe(lengths[owner])
  // A row that is longer than the limit goes alone.
  expect(layOutUpdate([sequence(64), sequence(60)], { ...options, microBatchTokens: 1 })).toHaveLength(2)
})
