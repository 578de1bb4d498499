import { Random } from '@regraft/methods'
import { afterAll, expect, test } from 'vitest'
import { layOut } from '../decoder/batch.ts'
import { createDecoder, type Decoder } from '../decoder/decoder.ts'
import { isLinearGroup, type LayerWeightName, layerWeightShapes } from '../decoder/layer.ts'
import { initialAdapter } from '../decoder/lora.ts'
import { type Matrix, toPrecision, type WeightPrecision } from '../decoder/matrix.ts'
import { type DecoderWeights, initialWeights, type LayerArrays } from '../decoder/weights.ts'
import { plainLlama } from '../formats/decoder-config.ts'
import type { DecoderConfig, LoraConfig } from '../formats/types.ts'
import { dropoutMasks } from './dropout.ts'
import { adapterLearner, type Learner, type Teacher, weightsLearner } from './learner.ts'

const config = plainLlama({
  hiddenSize: 24,
  intermediateSize: 40,
  numHiddenLayers: 2,
  numAttentionHeads: 6,
  numKeyValueHeads: 2,
  headDim: 4,
  vocabSize: 50,
  maxPositionEmbeddings: 64,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  tieWordEmbeddings: true,
  bosTokenId: null,
  eosTokenIds: [0],
})

const decoders: Decoder[] = []
afterAll(async () => {
  for (const decoder of decoders) await decoder.release()
})

/** Large random weights, so that no gradient is lost in rounding. */
function randomWeights(tied: boolean) {
  const random = new Random(7)
  const weights = initialWeights({ ...config, tieWordEmbeddings: tied }, () => random.normal() * 12)
  for (const norm of [weights.finalNorm, ...weights.layers.flatMap((l) => [l.attentionNorm, l.mlpNorm])]) {
    for (let i = 0; i < norm.length; i++) norm[i] = 1 + 0.3 * random.normal()
  }
  return weights
}

const random = new Random(11)
const tokens = (count: number) => Array.from({ length: count }, () => random.integer(config.vocabSize))
const batch = layOut(
  [
    { ids: tokens(9), supervisedFrom: 1 },
    { ids: tokens(5), supervisedFrom: 3 },
    { ids: tokens(12), supervisedFrom: 4 },
  ],
  { length: 16 },
)
const rowWeights = Float32Array.from(batch.rows, (_, i) => -0.2 - 0.1 * (i % 3))

async function objective(learner: Learner): Promise<number> {
  learner.clearGradients()
  const scores = await learner.accumulate(batch, rowWeights)
  return scores.reduce((sum, score, i) => sum + score * rowWeights[i]!, 0)
}

/** Compares the gradient of each parameter with a fourth-order central difference along it. */
async function worstRelativeError(
  learner: Learner,
  measure = objective,
): Promise<{ name: string; error: number }> {
  let worst = { name: '', error: 0 }
  for (const parameter of learner.parameters) {
    await measure(learner)
    const gradient = Float32Array.from(parameter.gradient)
    const norm = Math.hypot(...gradient)
    expect(norm, `${parameter.name} has a gradient`).toBeGreaterThan(1e-4)
    const start = Float32Array.from(parameter.value)
    const at = (distance: number) => {
      for (let i = 0; i < start.length; i++) parameter.value[i] = start[i]! + (distance * gradient[i]!) / norm
      return measure(learner)
    }
    const h = 1e-2
    const slope = (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h)
    parameter.value.set(start)
    const error = Math.abs(slope - norm) / (norm + 1e-2)
    if (error > worst.error) worst = { name: parameter.name, error }
  }
  return worst
}

test.each([true, false])(
  'gradients of all weights agree with finite differences (tied head: %s)',
  async (tied) => {
    const tiedConfig = { ...config, tieWordEmbeddings: tied }
    const decoder = createDecoder({
      config: tiedConfig,
      weights: randomWeights(tied),
      trainable: 'weights',
      threads: 1,
    })
    decoders.push(decoder)
    expect((await worstRelativeError(weightsLearner(decoder))).error).toBeLessThan(5e-3)
  },
)

/** Everything that relatives of Llama add, at once. */
const variedConfig: DecoderConfig = {
  ...config,
  architecture: 'gemma3',
  activation: 'gelu_tanh',
  attentionBias: true,
  queryKeyNorm: true,
  postNorms: true,
  embeddingScale: 2,
  attentionScale: 0.7,
  attentionKinds: [
    { window: 3, rope: { theta: 100, factors: [1, 4] } },
    { window: null, rope: null },
  ],
  layerKinds: [0, 1],
}

test('gradients of all weights agree with finite differences where every variation is used', async () => {
  const weights = initialWeights(variedConfig, () => random.normal() * 12)
  for (const { attentionBias } of weights.layers) {
    for (const i of attentionBias!.keys()) attentionBias![i] = random.normal()
  }
  const decoder = createDecoder({ config: variedConfig, weights, trainable: 'weights', threads: 1 })
  decoders.push(decoder)
  const learner = weightsLearner(decoder)
  expect(learner.parameters.map(({ name }) => name)).toContain('layers.1.mlpPostNorm')
  const { name, error } = await worstRelativeError(learner)
  expect(error, name).toBeLessThan(5e-3)
})

const lora: LoraConfig = {
  rank: 3,
  alpha: 6,
  useRslora: false,
  targetModules: ['q_proj', 'v_proj', 'o_proj', 'gate_proj', 'down_proj'],
  rankPattern: {},
  alphaPattern: {},
  baseModelNameOrPath: 'test',
}

function learnerOfAdapter(changes: Partial<LoraConfig> = {}, precision: WeightPrecision = 'f32'): Learner {
  const adapter = initialAdapter(config, { ...lora, ...changes }, () => random.uniform())
  for (const { b } of adapter.modules.values()) {
    for (const i of b.keys()) b[i] = random.normal() * 0.3
  }
  const weights = inPrecision(randomWeights(true), precision)
  const decoder = createDecoder({ config, weights, adapter, trainable: 'adapter', threads: 1 })
  decoders.push(decoder)
  return adapterLearner(decoder)
}

function inPrecision(weights: DecoderWeights, precision: WeightPrecision, of = config): DecoderWeights {
  const reduced = (name: LayerWeightName, matrix: Matrix) => {
    const rows = layerWeightShapes(of).get(name)![0]!
    return isLinearGroup(name) ? toPrecision(matrix as Float32Array, rows, precision) : matrix
  }
  const layers = weights.layers.map((arrays) => {
    const entries = Object.entries(arrays) as [LayerWeightName, Matrix][]
    return Object.fromEntries(entries.map(([name, matrix]) => [name, reduced(name, matrix)])) as LayerArrays
  })
  const embedding = toPrecision(weights.embedding as Float32Array, of.vocabSize, precision)
  return { ...weights, precision, layers, embedding, head: embedding }
}

test('gradients of an adapter agree with finite differences', async () => {
  expect((await worstRelativeError(learnerOfAdapter())).error).toBeLessThan(5e-3)
})

test('one whole graph and layer by layer give the same bits', async () => {
  const variants = [
    { of: config, precision: 'f32' },
    { of: config, precision: 'int8' },
    { of: variedConfig, precision: 'f16' },
  ] as const
  for (const { of, precision } of variants) {
    const adapter = initialAdapter(of, lora, () => random.uniform())
    for (const { b } of adapter.modules.values()) {
      for (const i of b.keys()) b[i] = random.normal() * 0.3
    }
    const weights = inPrecision(
      initialWeights(of, () => random.normal() * 12),
      precision,
      of,
    )
    const masks = dropoutMasks(batch, { config: of, rate: 0.2, seed: 4, update: 1 })
    const learners = (['layered', 'whole'] as const).map((execution) => {
      const decoder = createDecoder({
        config: of,
        weights,
        adapter,
        trainable: 'adapter',
        threads: 1,
        execution,
      })
      decoders.push(decoder)
      return adapterLearner(decoder)
    })
    // The second time gradients are added to those of the first.
    for (const [dropout, isFirst] of [
      [undefined, true],
      [masks, true],
      [masks, false],
    ] as const) {
      const scores = await Promise.all(
        learners.map((learner) => {
          if (isFirst) learner.clearGradients()
          return learner.accumulate(batch, rowWeights, dropout)
        }),
      )
      expect(scores[1]).toEqual(scores[0])
      const [layered, whole] = learners.map(({ parameters }) => parameters.map(({ gradient }) => gradient))
      expect(Math.hypot(...layered![0]!)).toBeGreaterThan(1e-4)
      expect(whole).toEqual(layered)
    }
  }
})

test.each(['f16', 'int8'] as const)(
  'gradients of an adapter agree with finite differences over weights in %s',
  async (precision) => {
    expect((await worstRelativeError(learnerOfAdapter({}, precision))).error).toBeLessThan(5e-3)
  },
)

test('gradients agree with finite differences where modules have ranks and scales of their own', async () => {
  const learner = learnerOfAdapter({
    alpha: 2,
    useRslora: true,
    rankPattern: { v_proj: 5, 'layers.1.mlp.down_proj': 2 },
    alphaPattern: { 'layers.0.self_attn.q_proj': 3 },
  })
  const elements = Object.fromEntries(learner.parameters.map(({ name, value }) => [name, value.length]))
  expect(elements['model.layers.0.self_attn.v_proj.a']).toBe(5 * 24)
  expect(elements['model.layers.0.mlp.down_proj.a']).toBe(3 * 40)
  expect(elements['model.layers.1.mlp.down_proj.a']).toBe(2 * 40)
  expect((await worstRelativeError(learner)).error).toBeLessThan(5e-3)
})

test('gradients agree with finite differences under dropout, and the mask is the same each time', async () => {
  const learner = learnerOfAdapter()
  const masks = dropoutMasks(batch, { config, rate: 0.2, seed: 5, update: 2 })
  const dropped = async (own: Learner) => {
    own.clearGradients()
    const scores = await own.accumulate(batch, rowWeights, masks)
    return scores.reduce((sum, score, i) => sum + score * rowWeights[i]!, 0)
  }
  expect((await worstRelativeError(learner, dropped)).error).toBeLessThan(5e-3)
  expect(await dropped(learner)).toBe(await dropped(learner))
  expect(Math.abs((await dropped(learner)) - (await objective(learner)))).toBeGreaterThan(1e-3)
})

test('gradients agree with finite differences for the divergence from a teacher', async () => {
  const teacher = createDecoder({ config, weights: randomWeights(true), threads: 1 })
  decoders.push(teacher)
  const divergenceWeights = Float32Array.from(batch.rows, (_, i) => 0.3 + 0.1 * (i % 2))
  const teacherOf: Teacher = async () => {
    const hidden = await teacher.stack.forward(batch)
    const rows = (start: number, count: number) => batch.rows.subarray(start, start + count)
    return {
      temperature: 1.7,
      teacherLogits: (start, count) => teacher.head.logits(hidden, rows(start, count)),
    }
  }
  const distilled = async (own: Learner) => {
    own.clearGradients()
    const { logProbabilities, divergences } = await own.distill(batch, teacherOf, {
      rowWeights,
      divergenceWeights,
    })
    const scored = await own.score(batch)
    for (const [i, score] of scored.entries()) expect(logProbabilities[i]).toBeCloseTo(score, 4)
    return (
      logProbabilities.reduce((sum, score, i) => sum + score * rowWeights[i]!, 0) +
      divergences.reduce((sum, divergence, i) => sum + divergence * divergenceWeights[i]!, 0)
    )
  }
  const learner = learnerOfAdapter()
  expect((await worstRelativeError(learner, distilled)).error).toBeLessThan(5e-3)
})

test('packed sequences score as they do alone', async () => {
  const decoder = createDecoder({ config, weights: randomWeights(true), threads: 1 })
  decoders.push(decoder)
  const sequences = [9, 5, 12].map((count) => ({ ids: tokens(count), supervisedFrom: 1 }))
  const packed = layOut(sequences, { length: 32 })
  expect(packed.batch).toBe(1)
  const together = await decoder.head.logProbabilities(
    await decoder.stack.forward(packed),
    packed.rows,
    packed.targets,
  )
  const alone: number[] = []
  for (const sequence of sequences) {
    const one = layOut([sequence])
    alone.push(
      ...(await decoder.head.logProbabilities(await decoder.stack.forward(one), one.rows, one.targets)),
    )
  }
  expect(together.length).toBe(alone.length)
  for (const [i, score] of alone.entries()) expect(together[i]).toBeCloseTo(score, 4)
})
