import { expect, test } from 'vitest'
import { initialAdapter } from '../decoder/lora.ts'
import { initialWeights } from '../decoder/weights.ts'
import { plainLlama } from '../formats/decoder-config.ts'
import { planMemory } from './memory-plan.ts'

const config = plainLlama({
  hiddenSize: 576,
  intermediateSize: 1536,
  numHiddenLayers: 30,
  numAttentionHeads: 9,
  numKeyValueHeads: 3,
  headDim: 64,
  vocabSize: 49_152,
  maxPositionEmbeddings: 2048,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  tieWordEmbeddings: true,
  bosTokenId: null,
  eosTokenIds: [0],
})
const lora = {
  rank: 8,
  alpha: 16,
  useRslora: false,
  targetModules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
  rankPattern: {},
  alphaPattern: {},
  baseModelNameOrPath: '',
}
const question = {
  config,
  weights: initialWeights(config, () => 0),
  adapter: initialAdapter(config, lora, () => 0.5),
  tokens: 256,
  length: 256,
  canBeWhole: true,
  availableBytes: 16e9,
}

test('the estimate is near what was measured for SmolLM2-135M', () => {
  // bench/train-step.ts on 2026-11-25, 1 × 256 tokens, rank 8, f32: 1,163 MB whole, 881 MB layered.
  const { wholeBytes, layeredBytes } = planMemory(question)
  expect(Math.abs(wholeBytes / 1163e6 - 1)).toBeLessThan(0.1)
  expect(Math.abs(layeredBytes / 881e6 - 1)).toBeLessThan(0.1)
})

test('the whole graph is chosen where it fits and the loss allows it', () => {
  expect(planMemory(question).execution).toBe('whole')
  expect(planMemory({ ...question, availableBytes: 1.5e9 }).execution).toBe('layered')
  expect(planMemory({ ...question, canBeWhole: false }).execution).toBe('layered')
  const many = planMemory({ ...question, tokens: 16_384, length: 1024, availableBytes: 8e9 })
  expect(many).toMatchObject({ execution: 'layered', bytes: many.layeredBytes })
})
