import { Random } from '@regraft/methods'
import { layOut, type Sequence } from '../decoder/batch.ts'
import { createDecoder, type Decoder } from '../decoder/decoder.ts'
import { initialAdapter } from '../decoder/lora.ts'
import { readWeights } from '../decoder/weights.ts'
import { EngineError } from '../errors.ts'
import type { Adapter, Base } from '../formats/types.ts'
import { adamW, clipGradients, initialAdamWState } from './adamw.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { exampleSequence, type TrainingExample } from './examples.ts'
import { adapterLearner } from './learner.ts'
import type { TrainingRecipe } from './recipe.ts'
import { learningRate } from './schedule.ts'

export type TrainingEvent =
  | {
      event: 'prepared'
      examples: number
      /** Examples longer than `maxLength`, by index. */
      dropped: { index: number; tokens: number }[]
      /** Tokens of one epoch, and how many of them are learned. */
      tokens: number
      supervisedTokens: number
      updates: number
      trainableParameters: number
    }
  | { event: 'resumed'; update: number; updates: number }
  | {
      event: 'update'
      update: number
      updates: number
      epoch: number
      /** Mean negative log-likelihood per learned token, in nats. */
      loss: number
      learningRate: number
      gradientNorm: number
      tokens: number
      tokensPerSecond: number
    }
  | { event: 'validation'; update: number; epoch: number; loss: number }
  | { event: 'checkpoint'; update: number }

export interface FineTuneOptions {
  base: Base
  recipe: TrainingRecipe
  examples: readonly TrainingExample[]
  validation: readonly TrainingExample[]
  /** What this run is; a checkpoint with another identity is refused. */
  identity: string
  checkpointPath: string
  /** Least time between two checkpoints, in seconds. */
  checkpointSeconds: number
  onEvent(event: TrainingEvent): void
  signal: AbortSignal
}

export interface TrainingSummary {
  updates: number
  epochs: number
  examples: number
  droppedExamples: number
  /** Tokens seen, padding excluded. */
  tokens: number
  supervisedTokens: number
  trainableParameters: number
  losses: number[]
  validationLosses: number[]
}

interface History {
  losses: number[]
  validationLosses: number[]
}

/**
 * LoRA fine-tuning on completions (Hu et al. 2021): the same base, recipe, examples and machine lock give the same
 * bits, also when the run was killed and resumed from its checkpoint.
 */
export async function fineTune(
  options: FineTuneOptions,
): Promise<{ adapter: Adapter; summary: TrainingSummary }> {
  const { base, recipe, onEvent, signal } = options
  const { sequences, dropped } = prepare(base, options.examples, recipe.maxLength)
  if (sequences.length === 0) {
    throw new EngineError('invalid-input', `No example fits in ${recipe.maxLength} tokens`, {
      hint: 'Raise maxLength, or check that the snapshot has training rows',
    })
  }
  const validation = prepare(base, options.validation, recipe.maxLength).sequences
  const adapter = initialAdapter(
    base.config,
    { ...recipe.lora, rankPattern: {}, alphaPattern: {}, baseModelNameOrPath: '' },
    uniformFrom(new Random(recipe.seed, 'adapter')),
  )
  const decoder = createDecoder({
    config: base.config,
    weights: readWeights(base),
    adapter,
    trainable: 'adapter',
    threads: recipe.threads,
    checkpoint: () => stopIfCancelled(signal),
  })
  try {
    const learner = adapterLearner(decoder)
    const optimizer = initialAdamWState(learner.parameters)
    const updatesPerEpoch = Math.ceil(sequences.length / recipe.batchSize)
    const updates = updatesPerEpoch * recipe.epochs
    const schedule = {
      name: recipe.schedule,
      peak: recipe.learningRate,
      warmupUpdates: Math.ceil(updates * recipe.warmupRatio),
      totalUpdates: updates,
    }
    const perEpoch = {
      tokens: sum(sequences.map(({ ids }) => ids.length)),
      supervised: sum(sequences.map(learnedTokens)),
    }
    const trainableParameters = sum(learner.parameters.map(({ value }) => value.length))
    onEvent({
      event: 'prepared',
      examples: sequences.length,
      dropped,
      tokens: perEpoch.tokens,
      supervisedTokens: perEpoch.supervised,
      updates,
      trainableParameters,
    })
    const history: History = { losses: [], validationLosses: [] }
    const resumed = readCheckpoint(options.checkpointPath, learner.parameters, optimizer, options.identity)
    if (resumed) {
      Object.assign(history, resumed.history as History)
      onEvent({ event: 'resumed', update: resumed.updates, updates })
    }
    const save = () => {
      const progress = { identity: options.identity, updates: optimizer.updates, history }
      writeCheckpoint(options.checkpointPath, learner.parameters, optimizer, progress)
      onEvent({ event: 'checkpoint', update: optimizer.updates })
    }
    let savedAt = performance.now()
    for (let update = optimizer.updates; update < updates; update++) {
      stopIfCancelled(signal)
      const started = performance.now()
      const epoch = Math.floor(update / updatesPerEpoch)
      const order = new Random(recipe.seed, `order/${epoch}`).shuffle(sequences)
      const offset = (update % updatesPerEpoch) * recipe.batchSize
      const chosen = order.slice(offset, offset + recipe.batchSize)
      const batch = layOut(chosen, { length: recipe.maxLength })
      const rowWeights = new Float32Array(batch.rows.length).fill(-1 / batch.rows.length)
      learner.clearGradients()
      const scores = await learner.accumulate(batch, rowWeights)
      const rate = learningRate(schedule, update)
      const gradientNorm = clipGradients(learner.parameters, recipe.maxGradientNorm)
      adamW(learner.parameters, optimizer, rate, recipe)
      const loss = -sum(scores) / scores.length
      if (!Number.isFinite(loss)) {
        throw new EngineError('engine-failed', `The loss became ${loss} at update ${update + 1}`, {
          hint: 'Lower the learning rate',
        })
      }
      history.losses.push(loss)
      const tokens = sum(chosen.map(({ ids }) => ids.length))
      const seconds = (performance.now() - started) / 1000
      onEvent({
        event: 'update',
        update: update + 1,
        updates,
        epoch: epoch + 1,
        loss,
        learningRate: rate,
        gradientNorm,
        tokens,
        tokensPerSecond: tokens / seconds,
      })
      if ((update + 1) % updatesPerEpoch === 0 && validation.length > 0) {
        const validationLoss = await meanLoss(decoder, validation, recipe)
        history.validationLosses.push(validationLoss)
        onEvent({ event: 'validation', update: update + 1, epoch: epoch + 1, loss: validationLoss })
      }
      if (performance.now() - savedAt > options.checkpointSeconds * 1000) {
        save()
        savedAt = performance.now()
      }
    }
    const summary: TrainingSummary = {
      updates,
      epochs: recipe.epochs,
      examples: sequences.length,
      droppedExamples: dropped.length,
      tokens: perEpoch.tokens * recipe.epochs,
      supervisedTokens: perEpoch.supervised * recipe.epochs,
      trainableParameters,
      ...history,
    }
    return { adapter, summary }
  } finally {
    await decoder.release()
  }
}

function prepare(base: Base, examples: readonly TrainingExample[], maxLength: number) {
  const sequences: Sequence[] = []
  const dropped: { index: number; tokens: number }[] = []
  for (const [index, example] of examples.entries()) {
    const sequence = exampleSequence(base, example)
    if (sequence.ids.length > maxLength) dropped.push({ index, tokens: sequence.ids.length })
    else sequences.push(sequence)
  }
  return { sequences, dropped }
}

/** Mean negative log-likelihood per learned token, in nats. */
async function meanLoss(decoder: Decoder, sequences: Sequence[], recipe: TrainingRecipe): Promise<number> {
  let total = 0
  let count = 0
  for (let start = 0; start < sequences.length; start += recipe.batchSize) {
    const batch = layOut(sequences.slice(start, start + recipe.batchSize), { length: recipe.maxLength })
    const hidden = await decoder.stack.forward(batch)
    const scores = await decoder.head.logProbabilities(hidden, batch.rows, batch.targets)
    total -= sum(scores)
    count += scores.length
  }
  return total / count
}

function stopIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new EngineError('cancelled', 'The training was cancelled')
}

function learnedTokens({ ids, supervisedFrom }: Sequence): number {
  return ids.length - supervisedFrom
}

function uniformFrom(random: Random): () => number {
  return () => random.uniform()
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
