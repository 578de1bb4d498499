import { expect, test } from 'vitest'
import { adamW, clipGradients, initialAdamWState } from './adamw.ts'
import type { Parameter } from './learner.ts'
import { learningRate } from './schedule.ts'

function parameter(value: number[], gradient: number[], decays = true): Parameter {
  return { name: 'p', value: Float32Array.from(value), gradient: Float32Array.from(gradient), decays }
}

const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 }

test('AdamW follows torch.optim.AdamW', () => {
  // torch 2.13.0: lr 0.1, weight_decay 0.01, gradients [0.1, -0.2, 0.3], then [-0.3, 0.1, 0.2].
  const p = parameter([1, -2, 0.5], [0.1, -0.2, 0.3])
  const state = initialAdamWState([p])
  adamW([p], state, 0.1, options)
  for (const [i, value] of [0.899, -1.898, 0.3995].entries()) expect(p.value[i]).toBeCloseTo(value, 5)
  p.gradient.set([-0.3, 0.1, 0.2])
  adamW([p], state, 0.1, options)
  for (const [i, value] of [0.94752, -1.869468, 0.302065].entries()) expect(p.value[i]).toBeCloseTo(value, 5)
})

test('weight decay spares norms', () => {
  const norm = parameter([1], [0], false)
  adamW([norm], initialAdamWState([norm]), 0.1, options)
  expect(norm.value[0]).toBe(1)
})

test('clipping scales all gradients to the joint norm and reports the norm before', () => {
  const a = parameter([0, 0], [3, 0])
  const b = parameter([0], [4])
  expect(clipGradients([a, b], 1)).toBeCloseTo(5, 6)
  expect(a.gradient[0]).toBeCloseTo(0.6, 6)
  expect(b.gradient[0]).toBeCloseTo(0.8, 6)
  expect(clipGradients([a, b], 2)).toBeCloseTo(1, 6)
  expect(b.gradient[0]).toBeCloseTo(0.8, 6)
})

test('the learning rate rises linearly, peaks, and decays to its floor', () => {
  const cosine = { name: 'cosine', peak: 1, warmupUpdates: 4, totalUpdates: 104, floor: 0.1 } as const
  expect([0, 1, 3].map((update) => learningRate(cosine, update))).toEqual([0.25, 0.5, 1])
  expect(learningRate(cosine, 4)).toBe(1)
  expect(learningRate(cosine, 54)).toBeCloseTo(0.55, 9)
  expect(learningRate(cosine, 104)).toBeCloseTo(0.1, 9)
  const linear = { name: 'linear', peak: 2, warmupUpdates: 0, totalUpdates: 10 } as const
  expect(learningRate(linear, 5)).toBe(1)
  expect(learningRate({ ...linear, name: 'constant' }, 9)).toBe(2)
})
