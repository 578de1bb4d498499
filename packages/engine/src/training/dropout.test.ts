import { expect, test } from 'vitest'
import { layOut } from '../decoder/batch.ts'
import { PICO_CONFIG as config } from '../formats/pico-base.ts'
import { dropoutMasks } from './dropout.ts'

const sequences = [30, 12, 50, 21].map((length) => ({
  ids: Array.from({ length }, (_, i) => i),
  supervisedFrom: 1,
}))
const packed = layOut(sequences, { length: 64 })

test.each([0.01, 0.1, 0.5, 0.9])('a share of %f is dropped, and what is kept makes up for it', (rate) => {
  let [dropped, all, total] = [0, 0, 0]
  for (let update = 0; update < 60; update++) {
    const mask = dropoutMasks(packed, { config, rate, seed: 1, update })(1, 'mlpOutput')
    for (const [token, owner] of packed.owners.entries()) {
      const row = mask.subarray(token * config.intermediateSize, (token + 1) * config.intermediateSize)
      if (owner < 0) expect(row.every((value) => value === 0)).toBe(true)
      else {
        all += row.length
        dropped += row.filter((value) => value === 0).length
        total += row.reduce((sum, value) => sum + value, 0)
      }
    }
  }
  // Five standard deviations of a share, and of the mean that it scales.
  const deviation = Math.sqrt((rate * (1 - rate)) / all)
  expect(Math.abs(dropped / all - rate)).toBeLessThan(5 * deviation)
  expect(Math.abs(total / all - 1)).toBeLessThan((5 * deviation) / (1 - rate))
})

test('neighbours are dropped independently', () => {
  let [pairs, both] = [0, 0]
  for (let update = 0; update < 200; update++) {
    const mask = dropoutMasks(packed, { config, rate: 0.3, seed: 2, update })(0, 'attentionInput')
    for (let i = 0; i + 1 < 30 * config.hiddenSize; i++) {
      pairs++
      if (mask[i] === 0 && mask[i + 1] === 0) both++
    }
  }
  expect(Math.abs(both / pairs - 0.09)).toBeLessThan(0.005)
})

test('a sequence has its masks wherever it lies; layers, groups and updates have others', () => {
  const alone = layOut(sequences, { length: 50, rows: [[2]] })
  const options = { config, rate: 0.3, seed: 3, update: 7 }
  const width = config.hiddenSize
  const from = packed.owners.indexOf(2) * width
  const mask = dropoutMasks(packed, options)(0, 'mlpInput')
  const own = mask.subarray(from, from + 50 * width)
  expect(dropoutMasks(alone, options)(0, 'mlpInput')).toEqual(own)
  expect(dropoutMasks(packed, options)(1, 'mlpInput')).not.toEqual(mask)
  expect(dropoutMasks(packed, options)(0, 'attentionInput')).not.toEqual(mask)
  expect(dropoutMasks(packed, { ...options, update: 8 })(0, 'mlpInput')).not.toEqual(mask)
  expect(dropoutMasks(packed, { ...options, seed: 4 })(0, 'mlpInput')).not.toEqual(mask)
})
