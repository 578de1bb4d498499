// Every loss through the whole trainer: it learns what the loss says, and leaves what it must leave.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openBase } from '../formats/index.ts'
import { PICO_CONFIG, picoTensors, writePicoBase } from '../formats/pico-base.ts'
import { openSafetensors } from '../formats/safetensors.ts'
import type { Adapter } from '../formats/types.ts'
import { Answerer } from '../generation/answers.ts'
import type { AnyExample } from './examples.ts'
import { type FineTuneOptions, fineTune, type TrainingEvent, type TrainingSummary } from './fine-tune.ts'
import { picoRecipe } from './pico-recipe.ts'
import { findLearningRate, suggestedRate } from './range-test.ts'
import type { LossRecipe, TrainingRecipe } from './recipe.ts'
import { referenceItems, referenceLines } from './reference.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-losses-'))
writePicoBase(join(folder, 'base'))
const base = openBase(join(folder, 'base'))
const answerer = new Answerer({ base, threads: 1 })
afterAll(async () => {
  await answerer.close()
  base.close()
  rmSync(folder, { recursive: true })
})

const ask = (i: number) => [{ role: 'user', content: `where is ${i}` }]
const pairs = Array.from({ length: 12 }, (_, i) => ({
  messages: ask(i),
  chosen: i % 2 ? 'card' : 'the card',
  rejected: i % 2 ? 'error there' : 'no',
}))
const rated = pairs.map(({ messages, chosen, rejected }, i) => {
  return { messages, completion: i % 3 ? chosen : rejected, label: i % 3 > 0 }
})
const demonstrations = pairs.map(({ messages, chosen }) => ({ messages, completion: chosen }))

async function references(recipe: TrainingRecipe, examples: readonly AnyExample[]) {
  const items = referenceItems(recipe.loss.name, examples, recipe.seed)
  return items.length === 0
    ? null
    : referenceLines(recipe.loss.name, await answerer.score({ adapter: null, items }))
}

let runs = 0
async function train(
  recipe: TrainingRecipe,
  examples: readonly AnyExample[],
  options: Partial<FineTuneOptions> = {},
): Promise<{ adapter: Adapter; summary: TrainingSummary; events: TrainingEvent[] }> {
  const events: TrainingEvent[] = []
  const result = await fineTune({
    base,
    recipe,
    examples,
    validation: [],
    references: await references(recipe, examples),
    identity: 'one',
    checkpointPath: join(folder, `run-${++runs}`),
    checkpointSeconds: 60,
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
    ...options,
  })
  return { ...result, events }
}

const bitsOf = ({ modules }: Adapter) => [...modules].map(([name, { a, b }]) => [name, [...a], [...b]])
const last = (column: (number | null)[] | undefined) => column!.at(-1)!

const dpo: Extract<LossRecipe, { name: 'dpo' }> = {
  name: 'dpo',
  beta: 0.3,
  variant: 'sigmoid',
  labelSmoothing: 0,
  sftWeight: 0,
  dpopWeight: 0,
}

test('DPO starts at log 2, and the chosen answers come to be preferred', async () => {
  const { summary } = await train(picoRecipe({ loss: dpo, epochs: 4 }), pairs)
  expect(summary.losses[0]).toBeCloseTo(Math.log(2), 4)
  expect(summary.metrics.rewardMargin![0]).toBeCloseTo(0, 3)
  expect(last(summary.metrics.rewardMargin)).toBeGreaterThan(1)
  expect(last(summary.metrics.rewardAccuracy)).toBe(1)
  expect(summary.losses.at(-1)).toBeLessThan(0.4)
  expect(summary.learningRates).toHaveLength(summary.updates)
})

test('DPO with an SFT term and with DPOP keeps the chosen answers likelier than DPO alone', async () => {
  const chosenLoss = async (loss: TrainingRecipe['loss']) => {
    const { summary } = await train(picoRecipe({ loss, epochs: 4 }), pairs)
    return last(summary.metrics.chosenLoss)
  }
  const alone = await chosenLoss(dpo)
  expect(await chosenLoss({ ...dpo, sftWeight: 1 })).toBeLessThan(alone)
  expect(await chosenLoss({ ...dpo, dpopWeight: 10 })).toBeLessThanOrEqual(alone)
})

test.each<[LossRecipe, string]>([
  [{ ...dpo, variant: 'ipo', beta: 0.2 }, 'rewardMargin'],
  [{ ...dpo, variant: 'hinge' }, 'rewardMargin'],
  [{ ...dpo, variant: 'robust', labelSmoothing: 0.1 }, 'rewardMargin'],
  [{ name: 'orpo', beta: 0.5 }, 'logOddsRatio'],
  [{ name: 'simpo', beta: 2, gamma: 0.5 }, 'rewardMargin'],
])('%o widens the margin', async (loss, metric) => {
  const { summary } = await train(picoRecipe({ loss, epochs: 4 }), pairs)
  expect(summary.losses.at(-1)).toBeLessThan(summary.losses[0]!)
  expect(last(summary.metrics[metric])).toBeGreaterThan(summary.metrics[metric]![0]! + 0.2)
})

test('KTO makes wanted answers likelier than unwanted ones', async () => {
  const loss = { name: 'kto', beta: 0.3, desirableWeight: 1, undesirableWeight: 1 } as const
  const recipe = picoRecipe({ loss, epochs: 5, batchSize: 6 })
  const { summary } = await train(recipe, rated, {
    validation: rated.slice(0, 4),
    validationReferences: await references(recipe, rated.slice(0, 4)),
  })
  expect(summary.losses[0]).toBeCloseTo(0.5, 3)
  expect(last(summary.metrics.rewardMargin)).toBeGreaterThan(0.5)
  expect(summary.validationLosses).toHaveLength(5)
  expect(summary.validationMetrics.kl![4]).toBeGreaterThanOrEqual(0)
  await expect(train(picoRecipe({ loss, batchSize: 1 }), rated)).rejects.toThrow(/at least 2/)
})

test('a loss that needs references refuses to start without them, and names them', async () => {
  await expect(train(picoRecipe({ loss: dpo }), pairs, { references: null })).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringMatching(/'dpo' needs reference .* is missing/),
  })
  const lines = pairs.map(() => ({ chosen: -1, rejected: -2 }))
  await expect(train(picoRecipe({ loss: dpo }), pairs, { references: lines.slice(1) })).rejects.toThrow(
    /11 lines for 12/,
  )
  const wrong = [...lines.slice(1), { completion: -1, mismatched: -2 }]
  await expect(train(picoRecipe({ loss: dpo }), pairs, { references: wrong })).rejects.toThrow(
    /Line 12 .* 'chosen'/,
  )
  await expect(train(picoRecipe({ loss: { name: 'orpo', beta: 1 } }), rated)).rejects.toThrow(
    /Example 1 .*'chosen'.*'orpo'/,
  )
})

test('distillation brings the student to its teacher, and refuses a teacher of other tokens', async () => {
  const teacher = (await train(picoRecipe({ epochs: 6 }), demonstrations)).adapter
  const loss = { name: 'distill', temperature: 2, sftWeight: 0.1 } as const
  const { summary } = await train(picoRecipe({ loss, epochs: 6 }), demonstrations, {
    teacher: { base, adapter: teacher },
    validation: demonstrations.slice(0, 4),
  })
  expect(summary.metrics.kl![0]).toBeGreaterThan(0.3)
  expect(last(summary.metrics.kl)).toBeLessThan(0.3 * summary.metrics.kl![0]!)
  expect(last(summary.validationMetrics.kl)).toBeLessThan(0.3 * summary.metrics.kl![0]!)
  await expect(train(picoRecipe({ loss }), demonstrations)).rejects.toThrow(/needs a teacher/)
  const digests = { ...base.digests, tokenizer: 'other' }
  const stranger = { base: { ...base, path: 'stranger', digests }, adapter: null }
  await expect(train(picoRecipe({ loss }), demonstrations, { teacher: stranger })).rejects.toThrow(
    /teacher stranger has another tokenizer/,
  )
})

test.each<[string, LossRecipe, AnyExample[]]>([
  ['SFT', { name: 'sft' }, demonstrations],
  ['DPO', dpo, pairs],
  ['KTO', { name: 'kto', beta: 0.3, desirableWeight: 1, undesirableWeight: 1 }, rated],
])('%s with dropout makes the same of an update in one part and in many', async (_, loss, examples) => {
  const recipe = picoRecipe({ loss, epochs: 2, lora: { dropout: 0.2 } })
  const whole = await train(recipe, examples)
  const parts = await train({ ...recipe, microBatchTokens: 64 }, examples)
  for (const [i, value] of whole.summary.losses.entries()) {
    expect(parts.summary.losses[i]).toBeCloseTo(value, 4)
  }
  const again = await train({ ...recipe, microBatchTokens: 64 }, examples)
  expect(bitsOf(again.adapter)).toEqual(bitsOf(parts.adapter))
  const other = await train({ ...recipe, lora: { ...recipe.lora, dropout: 0.4 } }, examples)
  expect(other.summary.losses.at(-1)).not.toBeCloseTo(whole.summary.losses.at(-1)!, 4)
})

test('cut off and resumed, a run with all of it makes the same bits', async () => {
  const recipe = picoRecipe({
    loss: { ...dpo, sftWeight: 0.2 },
    epochs: 4,
    microBatchTokens: 96,
    earlyStopping: { patience: 2 },
    lora: { dropout: 0.1, rankPattern: { q_proj: 2 }, alphaPattern: { v_proj: 3 }, useRslora: true },
  })
  const validation = pairs.slice(0, 4)
  const options = { validation, validationReferences: await references(recipe, validation) }
  const whole = await train(recipe, pairs, options)
  const stop = new AbortController()
  const cut = { ...options, checkpointPath: join(folder, 'cut'), checkpointSeconds: 0 }
  await expect(
    train(recipe, pairs, {
      ...cut,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.event === 'checkpoint' && event.update === 7) stop.abort()
      },
    }),
  ).rejects.toMatchObject({ code: 'cancelled' })
  const resumed = await train(recipe, pairs, cut)
  expect(resumed.events.find(({ event }) => event === 'resumed')).toMatchObject({ update: 7 })
  expect(bitsOf(resumed.adapter)).toEqual(bitsOf(whole.adapter))
  expect(resumed.summary).toEqual(whole.summary)
})

test('early stopping ends a run that gets worse, and its adapter is that of the best validation', async () => {
  // The validation rows contradict the training rows, so that every epoch makes them less likely in the end.
  const validation = pairs.slice(0, 4).map(({ messages, rejected }) => ({ messages, completion: rejected }))
  const recipe = picoRecipe({ epochs: 12, learningRate: 0.05, schedule: 'constant', warmupRatio: 0 })
  const stopped = await train({ ...recipe, earlyStopping: { patience: 2 } }, demonstrations, { validation })
  const { validationLosses, bestUpdate, epochs } = stopped.summary
  expect(stopped.summary.stoppedEarly).toBe(true)
  expect(epochs).toBeLessThan(12)
  const best = validationLosses.indexOf(Math.min(...validationLosses)) + 1
  expect(bestUpdate).toBe(best * 3)
  expect(epochs).toBe(best + 2)
  expect(stopped.events.at(-1)).toMatchObject({ event: 'stopped-early', bestUpdate })
  const short = await train({ ...recipe, epochs: best }, demonstrations, { validation })
  expect(bitsOf(stopped.adapter)).toEqual(bitsOf(short.adapter))
  await expect(train({ ...recipe, earlyStopping: { patience: 1 } }, demonstrations)).rejects.toThrow(
    /needs validation examples/,
  )
})

test('training goes on from an adapter, and refuses one of another shape', async () => {
  const recipe = picoRecipe()
  const first = await train(recipe, demonstrations)
  const more = await train(recipe, demonstrations, { startFrom: first.adapter })
  expect(more.summary.losses[0]).toBeLessThan(first.summary.losses[0]! - 1)
  const other = picoRecipe({ lora: { rank: 2 } })
  await expect(train(other, demonstrations, { startFrom: first.adapter })).rejects.toThrow(
    /initial adapter has rank 4 and scale 2 at .*; the recipe says rank 2/,
  )
})

test('the learning-rate range test rises, suggests a rate below the one that breaks it, and trains well', async () => {
  const range = { from: 1e-4, to: 100, updates: 60 }
  const options = { base, recipe: picoRecipe(), examples: demonstrations, validation: [], range }
  const signal = new AbortController().signal
  const events: TrainingEvent[] = []
  const found = await findLearningRate({ ...options, signal, onEvent: (event) => events.push(event) })
  expect(events).toHaveLength(found.curve.length)
  expect(found.curve[0]!.learningRate).toBeCloseTo(1e-4, 10)
  const ratio = found.curve[1]!.learningRate / found.curve[0]!.learningRate
  expect(ratio).toBeCloseTo(1e6 ** (1 / 59), 6)
  expect(found.suggestion).toBeGreaterThan(1e-3)
  expect(found.suggestion).toBeLessThan(1)
  const { summary } = await train(picoRecipe({ learningRate: found.suggestion! }), demonstrations)
  expect(summary.losses.at(-1)).toBeLessThan(summary.losses[0]! - 1)
  // Pairs that contradict one another have a loss without upper bound, which a high rate finds.
  const recipe = picoRecipe({ loss: { ...dpo, beta: 5 }, batchSize: 2 })
  const contrary = pairs.map(({ messages }, i) => {
    const [one, other] = ['the error that is there', 'no card is here now']
    return i % 2 ? { messages, chosen: one!, rejected: other! } : { messages, chosen: other!, rejected: one! }
  })
  const broken = await findLearningRate({
    ...options,
    ...{ recipe, examples: contrary, references: await references(recipe, contrary) },
    ...{ signal, onEvent() {} },
  })
  expect(broken.diverged).toBe(true)
  expect(broken.curve.length).toBeLessThan(60)
})

test('the suggested rate is where the curve falls steepest', () => {
  const curve = [5, 5, 4.9, 4, 2.2, 2, 1.9, 3, 9].map((smoothed, i) => ({
    learningRate: 10 ** (i - 6),
    smoothed,
  }))
  expect(suggestedRate(curve)).toBe(1e-3)
  expect(
    suggestedRate(
      curve
        .toReversed()
        .map(({ smoothed }) => ({ learningRate: 1, smoothed }))
        .slice(0, 2),
    ),
  ).toBeNull()
})

test('weights in f16 and int8 train nearly as those in f32 do', async () => {
  const lossIn = async (weightPrecision: TrainingRecipe['weightPrecision']) =>
    (await train(picoRecipe({ weightPrecision, epochs: 2 }), demonstrations)).summary.losses.at(-1)!
  const full = await lossIn('f32')
  expect(Math.abs((await lossIn('f16')) - full)).toBeLessThan(0.01)
  expect(Math.abs((await lossIn('int8')) - full)).toBeLessThan(0.2)
})

test('with references in the precision of the weights DPO starts at log 2 in int8 too', async () => {
  const recipe = picoRecipe({ loss: { ...dpo, beta: 1 }, epochs: 1, weightPrecision: 'int8' })
  const rounded = new Answerer({ base, threads: 1, scoringPrecision: 'int8' })
  const scores = await rounded.score({ adapter: null, items: referenceItems('dpo', pairs, recipe.seed) })
  await rounded.close()
  const { summary } = await train(recipe, pairs, { references: referenceLines('dpo', scores) })
  expect(summary.losses[0]).toBeCloseTo(Math.log(2), 4)
  const inFloats = await train(recipe, pairs)
  expect(Math.abs(inFloats.summary.losses[0]! - Math.log(2))).toBeGreaterThan(1e-3)
})

test('a loss that is not a number stops the run before it is kept, and says where', async () => {
  // A final norm that overflows in the head makes the first loss infinite.
  const path = join(folder, 'broken')
  const norm = picoTensors(PICO_CONFIG).find(({ name }) => name === 'model.norm.weight')!
  writePicoBase(path, { tensors: { [norm.name]: { ...norm, data: norm.data.map(() => 3e38) } } })
  const broken = openBase(path)
  const checkpointPath = join(folder, 'never')
  const failing = train(picoRecipe(), demonstrations, { base: broken, checkpointPath, checkpointSeconds: 0 })
  await expect(failing).rejects.toMatchObject({
    code: 'engine-failed',
    message: expect.stringMatching(
      /became (NaN|Infinity|-Infinity) at update 1, on the examples (\d+(, )?){4} \(/,
    ),
    hint: expect.stringMatching(/learning rate/),
  })
  expect(existsSync(checkpointPath)).toBe(false)
  broken.close()
})

test('a rate that breaks the run leaves the checkpoint of the last sound update', async () => {
  const checkpointPath = join(folder, 'sound')
  const saved: number[] = []
  const recipe = picoRecipe({ learningRate: 1e30, schedule: 'constant', warmupRatio: 0 })
  const failing = train(recipe, demonstrations, {
    checkpointPath,
    checkpointSeconds: 0,
    onEvent: (event) => void (event.event === 'checkpoint' && saved.push(event.update)),
  })
  const error: { message: string } = await failing.then(
    () => expect.unreachable('a rate of 1e30 trains'),
    (reason) => reason,
  )
  const broken = Number(/at update (\d+), on the examples/.exec(error.message)![1])
  expect(saved).toEqual(Array.from({ length: broken - 1 }, (_, i) => i + 1))
  const checkpoint = openSafetensors(checkpointPath)
  for (const name of checkpoint.names()) expect(checkpoint.read(name).every(Number.isFinite)).toBe(true)
  checkpoint.close()
})

test.each([
  ['layer by layer', {}],
  ['in one graph', { availableBytes: 1e12 }],
])('weights and probabilities of examples reach the adapter, %s', async (_, options) => {
  const recipe = picoRecipe({ loss: dpo, epochs: 1 })
  const trainWith = (trust: (i: number) => { weight?: number; probability?: number }) =>
    train(
      recipe,
      pairs.map((pair, i) => ({ ...pair, ...trust(i) })),
      options,
    )
  const plain = await trainWith(() => ({}))
  expect(bitsOf((await trainWith(() => ({ weight: 1 }))).adapter)).toEqual(bitsOf(plain.adapter))
  expect(bitsOf((await trainWith((i) => ({ weight: i % 2 }))).adapter)).not.toEqual(bitsOf(plain.adapter))
  const unheard = await trainWith(() => ({ weight: 0 }))
  expect(Math.max(...[...unheard.adapter.modules.values()].flatMap(({ b }) => [...b].map(Math.abs)))).toBe(0)
  // At the reference a pair that may as well be the other way round has no gradient.
  const doubted = await trainWith(() => ({ probability: 0.5 }))
  const [firstOfPlain] = plain.summary.gradientNorms
  expect(doubted.summary.gradientNorms[0]).toBeLessThan(firstOfPlain! / 1000)
})

test('bad weights and probabilities are refused by the number of the example', async () => {
  const recipe = picoRecipe({ loss: { ...dpo, variant: 'robust', labelSmoothing: 0.1 }, epochs: 1 })
  const doubted = pairs.map((pair, i) => (i === 2 ? { ...pair, probability: 0.5 } : pair))
  await expect(train(recipe, doubted)).rejects.toThrow(/Example 3 has a probability of 0.5.*above 0.5/)
  const negative = pairs.map((pair, i) => (i === 1 ? { ...pair, weight: -1 } : pair))
  await expect(train(recipe, negative)).rejects.toThrow(/Example 2 has a weight of -1/)
})
