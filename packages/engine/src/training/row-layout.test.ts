import { expect, test } from 'vitest'
import { layOutUpdate, rowLengths } from './row-layout.ts'

const sequence = (length: number) => ({ ids: Array.from({ length }, (_, i) => i + 1), supervisedFrom: 1 })

test('row lengths are few, and the last is the longest that is allowed', () => {
  expect(rowLengths(16)).toEqual([16])
  expect(rowLengths(100)).toEqual([16, 32, 48, 64, 96, 100])
  expect(rowLengths(2048).length).toBeLessThan(16)
})

test('short examples are not padded to the longest length', () => {
  const [batch, ...others] = layOutUpdate([20, 30, 9].map(sequence), {
    maxLength: 2048,
    microBatchTokens: 4096,
  })
  expect(others).toEqual([])
  expect([batch!.batch, batch!.length]).toEqual([2, 32])
})

test('micro-batches hold whole rows, and every token of every sequence once', () => {
  const lengths = [40, 64, 12, 33, 20, 50, 7, 64]
  const options = { maxLength: 64, microBatchTokens: 150 }
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
