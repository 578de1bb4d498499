import { expect, test } from 'vitest'
import { RecipeOptions, resolveRecipe } from '../../training/index.ts'
import { agreementOf } from './agreement.ts'
import { chooseRate } from './recheck-rate.ts'
import { successorRecipe } from './successor-recipe.ts'

test('agreement is the share of equal answers, beside what chance would reach', () => {
  // Cohen 1960's kind of table: 20 both yes, 5 and 10 apart, 15 both no; p_o = .7, p_e = .5.
  const pairs = [
    ...Array.from({ length: 20 }, () => ({ one: 'yes', other: ' Yes' })),
    ...Array.from({ length: 5 }, () => ({ one: 'yes', other: 'no' })),
    ...Array.from({ length: 10 }, () => ({ one: 'no', other: 'yes' })),
    ...Array.from({ length: 15 }, () => ({ one: 'no', other: 'no' })),
  ]
  const found = agreementOf(pairs)!
  expect(found.share).toBeCloseTo(0.7)
  expect(found.byChance).toBeCloseTo(0.5)
  // Wilson 95 % of 35 of 50, as statsmodels' proportion_confint gives it.
  expect(found.low).toBeCloseTo(0.5625, 3)
  expect(found.high).toBeCloseTo(0.809, 3)
  expect(agreementOf([])).toBeNull()
})

test('the recorded rate stays unless another one is clearly better, or it broke off', () => {
  const tried = (losses: (number | null)[]) =>
    losses.map((loss, index) => ({ learningRate: 10 ** (index - 3), loss }))
  expect(chooseRate(tried([1.2, 1, 0.97]), 0.01)).toBe(0.01)
  expect(chooseRate(tried([1.2, 1, 0.9]), 0.01)).toBe(0.1)
  expect(chooseRate(tried([0.8, 1, null]), 0.01)).toBe(0.001)
  expect(chooseRate(tried([2, null, null]), 0.01)).toBe(0.001)
  expect(chooseRate(tried([null, null, null]), 0.01)).toBe(0.001)
})

test('a recipe moves with its modules; what the successor does not have is left out and said', () => {
  const options = RecipeOptions.omit({ teacher: true }).parse({
    ...{ seed: 3, maxLength: 512, threads: 1 },
    rankPattern: { q_proj: 2, 'model.layers.1.mlp.up_proj': 8, 'model.layers.9.self_attn.q_proj': 4 },
    alphaPattern: { 'model.layers.9.self_attn.q_proj': 4 },
  })
  const { recipe: moved, changes } = successorRecipe(resolveRecipe(options, 'old', 's'), {
    ...{ digest: 'new', config: { numHiddenLayers: 2, maxPositionEmbeddings: 128 } },
  })
  expect(moved).toMatchObject({ base: 'new', snapshot: 's', training: { seed: 3, maxLength: 128 } })
  expect(moved.training.lora.rankPattern).toEqual({ q_proj: 2, 'model.layers.1.mlp.up_proj': 8 })
  expect(moved.training.lora.alphaPattern).toEqual({})
  expect(changes.join('; ')).toMatch(
    /q_proj, k_proj, .*, down_proj, in each of its 2 layers; .*layers\.9\.self_attn\.q_proj; rows of up to 128 tokens instead of 512/,
  )
})
