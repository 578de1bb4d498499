import { Random } from '@regraft/methods'
import { expect, test } from 'vitest'
import type { LossRecipe } from '../recipe.ts'
import { evaluateLoss, LOSSES } from './index.ts'
import type { PartName, ScoredExample, ScoredPart } from './types.ts'

const dpo = {
  name: 'dpo',
  beta: 0.3,
  variant: 'sigmoid',
  labelSmoothing: 0,
  sftWeight: 0,
  dpopWeight: 0,
} as const
const RECIPES: LossRecipe[] = [
  { name: 'sft' },
  dpo,
  { ...dpo, labelSmoothing: 0.2 },
  { ...dpo, sftWeight: 0.7 },
  { ...dpo, dpopWeight: 5 },
  { ...dpo, variant: 'ipo' },
  { ...dpo, variant: 'ipo', dpopWeight: 5 },
  { ...dpo, variant: 'hinge' },
  { ...dpo, variant: 'robust', labelSmoothing: 0.1 },
  { name: 'kto', beta: 0.2, desirableWeight: 1, undesirableWeight: 1.5 },
  { name: 'orpo', beta: 0.4 },
  { name: 'simpo', beta: 2, gamma: 0.5 },
  { name: 'distill', temperature: 2, sftWeight: 0.3 },
]

function randomExamples(seed: number, count: number): ScoredExample[] {
  const random = new Random(seed)
  const part = (): ScoredPart => {
    const tokens = 1 + random.integer(9)
    const logProbability = -tokens * (0.1 + 3 * random.uniform())
    return {
      logProbability,
      tokens,
      reference: logProbability + random.normal(),
      divergence: random.uniform(),
    }
  }
  return Array.from({ length: count }, (_, i) => ({
    parts: { completion: part(), chosen: part(), rejected: part(), mismatched: part() },
    desirable: i % 3 > 0,
  }))
}

/** The same examples with weights and probabilities of their own; some have none. */
function trusted(examples: ScoredExample[], seed: number): ScoredExample[] {
  const random = new Random(seed, 'trust')
  return examples.map((example, i) => ({
    ...example,
    ...(i % 4 === 3 ? {} : { weight: 3 * random.uniform() }),
    ...(i % 3 === 2 ? {} : { probability: 0.55 + 0.45 * random.uniform() }),
  }))
}

test.each(RECIPES)('the gradient agrees with finite differences: %o', (recipe) => {
  expectGradient(recipe, randomExamples(5, 6))
})

test.each(RECIPES)('so does that of weighted and doubted examples: %o', (recipe) => {
  expectGradient(recipe, trusted(randomExamples(5, 8), 1))
})

function expectGradient(recipe: LossRecipe, examples: ScoredExample[]): void {
  const { gradients } = evaluateLoss(recipe, examples)
  const h = 1e-5
  for (const [i, { parts }] of examples.entries()) {
    for (const name of LOSSES[recipe.name].parts) {
      // The reference point of KTO is a constant to the gradient.
      if (name === 'mismatched') continue
      const start = parts[name].logProbability
      const at = (distance: number) => {
        parts[name].logProbability = start + distance
        return evaluateLoss(recipe, examples).loss
      }
      const slope = (at(h) - at(-h)) / (2 * h)
      parts[name].logProbability = start
      expect(gradients[i]![name], `${name} of example ${i}`).toBeCloseTo(slope, 6)
    }
  }
}

test.each(RECIPES)('a weight of 1 changes no bit, and a weight multiplies: %o', (recipe) => {
  const examples = randomExamples(9, 5)
  const plain = evaluateLoss(recipe, examples)
  expect(
    evaluateLoss(
      recipe,
      examples.map((example) => ({ ...example, weight: 1 })),
    ),
  ).toEqual(plain)
  const doubled = evaluateLoss(
    recipe,
    examples.map((example) => ({ ...example, weight: 2 })),
  )
  expect(doubled.loss).toBeCloseTo(2 * plain.loss, 12)
  for (const [i, gradient] of doubled.gradients.entries()) {
    for (const name of LOSSES[recipe.name].parts) {
      expect(gradient[name]).toBeCloseTo(2 * plain.gradients[i]![name], 12)
    }
  }
})

test('a probability is the label smoothing of its pair, and a mark of 0.5 says nothing', () => {
  const doubt = (examples: ScoredExample[], probability: number) =>
    examples.map((example) => ({ ...example, probability }))
  const examples = randomExamples(10, 4)
  for (const variant of ['sigmoid', 'robust'] as const) {
    const asRecipe = evaluateLoss({ ...dpo, variant, labelSmoothing: 0.2 }, examples)
    const asExample = evaluateLoss({ ...dpo, variant }, doubt(examples, 0.8))
    expect(asExample.loss).toBeCloseTo(asRecipe.loss, 12)
    expect(asExample.gradients[0]!.chosen).toBeCloseTo(asRecipe.gradients[0]!.chosen, 12)
  }
  const kto = { name: 'kto', beta: 0.2, desirableWeight: 1, undesirableWeight: 1 } as const
  for (const { completion } of evaluateLoss(kto, doubt(examples, 0.5)).gradients) {
    expect(completion).toBeCloseTo(0, 15)
  }
})

test('a loss has gradients for its own parts alone, and none for the mismatched answers of KTO', () => {
  const all: PartName[] = ['completion', 'chosen', 'rejected', 'mismatched']
  for (const recipe of RECIPES) {
    const { gradients } = evaluateLoss(recipe, randomExamples(6, 4))
    const used = all.filter((part) => gradients.some((gradient) => gradient[part] !== 0))
    expect(used).toEqual(LOSSES[recipe.name].parts.filter((part) => part !== 'mismatched'))
  }
})

test('DPO of a policy that is its reference is log 2, and its gradient is β/2 of a pair', () => {
  const examples = randomExamples(7, 4)
  for (const { parts } of examples) {
    for (const part of Object.values(parts)) part.reference = part.logProbability
  }
  const { loss, gradients, metrics } = evaluateLoss(dpo, examples)
  expect(loss).toBeCloseTo(Math.log(2), 12)
  expect(gradients[0]).toMatchObject({ chosen: -0.3 / 2 / 4, rejected: 0.3 / 2 / 4 })
  expect(metrics).toMatchObject({ rewardMargin: 0, rewardAccuracy: 0 })
})

test('KTO without a batch that drifted has its reference point at zero', () => {
  const examples = randomExamples(8, 4)
  for (const { parts } of examples) parts.mismatched.reference = parts.mismatched.logProbability + 1
  const recipe = { name: 'kto', beta: 0.2, desirableWeight: 1, undesirableWeight: 1 } as const
  expect(evaluateLoss(recipe, examples).metrics.kl).toBe(0)
  for (const { parts } of examples) parts.mismatched.reference = parts.mismatched.logProbability - 1.5
  expect(evaluateLoss(recipe, examples).metrics.kl).toBeCloseTo(1.5, 12)
})

test('extreme log-probabilities give finite losses and gradients', () => {
  const part = (logProbability: number, reference: number): ScoredPart => {
    return { logProbability, tokens: 3, reference, divergence: 0 }
  }
  for (const [good, bad] of [
    [0, -5000],
    [-5000, 0],
  ] as const) {
    const parts = {
      completion: part(good, bad),
      chosen: part(good, bad),
      rejected: part(bad, good),
      mismatched: part(bad, good),
    }
    for (const recipe of RECIPES) {
      const value = evaluateLoss(recipe, [{ parts, desirable: true }])
      expect([value.loss, ...Object.values(value.gradients[0]!)].every(Number.isFinite)).toBe(true)
    }
  }
})
