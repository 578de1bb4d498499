import { EngineError } from '../errors.ts'
import type { Adapter } from '../formats/types.ts'
import { adamW, clipGradients, initialAdamWState } from './adamw.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { type Best, betterOf, isExhausted } from './early-stopping.ts'
import { addMetrics, emptyHistory, type History } from './history.ts'
import { LossWatch, requireSound } from './loss-watch.ts'
import type { MemoryPlan } from './memory-plan.ts'
import { learningRate } from './schedule.ts'
import { openSession, type SessionOptions, stopIfCancelled } from './training-session.ts'
import { countTokens, digestOfTokens, itemsOfUpdate, updatesPerEpoch } from './training-set.ts'
import { accumulateItems, evaluateItems } from './update.ts'

export type TrainingEvent =
  | {
      event: 'prepared'
      examples: number
      /** Examples longer than `maxLength`, by index. */
      dropped: { index: number; tokens: number }[]
      /** Tokens of one epoch, and how many of them enter the loss. */
      tokens: number
      supervisedTokens: number
      updates: number
      trainableParameters: number
      /** Of the tokens of training and validation: equal where the preprocessing made the same of the rows. */
      tokensDigest: string
      /** How gradients are computed, and the memory that this is expected to take. */
      memory: MemoryPlan
    }
  | { event: 'resumed'; update: number; updates: number }
  | {
      event: 'update'
      update: number
      updates: number
      epoch: number
      /** Of the recipe's loss; for 'sft' the mean negative log-likelihood per learned token, in nats. */
      loss: number
      learningRate: number
      gradientNorm: number
      tokens: number
      tokensPerSecond: number
      /** What the loss measures beside itself, for example `rewardMargin`. */
      metrics: Record<string, number>
    }
  | { event: 'validation'; update: number; epoch: number; loss: number; metrics: Record<string, number> }
  | { event: 'checkpoint'; update: number }
  | { event: 'stopped-early'; update: number; bestUpdate: number }

export interface FineTuneOptions extends SessionOptions {
  /** What this run is; a checkpoint with another identity is refused. */
  identity: string
  checkpointPath: string
  /** Least time between two checkpoints, in seconds. */
  checkpointSeconds: number
  onEvent(event: TrainingEvent): void
}

export interface TrainingSummary extends History {
  /** Updates and epochs that were done: fewer than planned when the run stopped early. */
  updates: number
  epochs: number
  examples: number
  droppedExamples: number
  /** Tokens seen, padding excluded. */
  tokens: number
  supervisedTokens: number
  trainableParameters: number
  /** The update whose values the adapter has, where early stopping chose it. */
  bestUpdate: number | null
  stoppedEarly: boolean
}

/**
 * LoRA fine-tuning on completions (Hu et al. 2021) with the recipe's loss: the same base, recipe, examples and machine
 * lock give the same bits, also when the run was killed and resumed from its checkpoint.
 *
 * Throws `engine-failed` before the update that would spoil the adapter (see loss-watch.ts), and when a checkpoint
 * cannot be written.
 */
export async function fineTune(
  options: FineTuneOptions,
): Promise<{ adapter: Adapter; summary: TrainingSummary }> {
  const { recipe, onEvent, signal } = options
  const session = openSession(options)
  const { train, validation, adapter, learner, teacher } = session
  const layout = { ...recipe, rowLength: session.rowLength }
  const validationLayout = { ...recipe, rowLength: session.validationRowLength }
  try {
    const { parameters } = learner
    const optimizer = initialAdamWState(parameters)
    const epochUpdates = updatesPerEpoch(train.items, recipe.batchSize)
    const updates = epochUpdates * recipe.epochs
    const schedule = {
      name: recipe.schedule,
      peak: recipe.learningRate,
      warmupUpdates: Math.ceil(updates * recipe.warmupRatio),
      totalUpdates: updates,
    }
    const perEpoch = countTokens(train.items)
    const trainableParameters = parameters.reduce((sum, { value }) => sum + value.length, 0)
    onEvent({
      event: 'prepared',
      examples: train.items.length,
      dropped: train.dropped,
      tokens: perEpoch.tokens,
      supervisedTokens: perEpoch.supervised,
      updates,
      trainableParameters,
      tokensDigest: digestOfTokens([...train.items, ...validation.items]),
      memory: session.memory,
    })
    const history = emptyHistory()
    const watch = new LossWatch()
    let best: Best | null = null
    const resumed = readCheckpoint(options.checkpointPath, parameters, optimizer, options.identity)
    if (resumed) {
      Object.assign(history, resumed.history as History)
      for (const loss of history.losses) watch.explodes(loss)
      best = resumed.best
      onEvent({ event: 'resumed', update: resumed.updates, updates })
    }
    const save = () => {
      const progress = { identity: options.identity, updates: optimizer.updates, history }
      writeCheckpoint(options.checkpointPath, parameters, optimizer, progress, best)
      onEvent({ event: 'checkpoint', update: optimizer.updates })
    }
    const patience = recipe.earlyStopping?.patience ?? Infinity
    let stoppedEarly = isExhausted(history.validationLosses, patience)
    let savedAt = performance.now()
    while (optimizer.updates < updates && !stoppedEarly) {
      stopIfCancelled(signal)
      const started = performance.now()
      const update = optimizer.updates
      const { epoch, chosen } = itemsOfUpdate(train.items, recipe, update)
      learner.clearGradients()
      const { loss, metrics } = await accumulateItems(learner, chosen, layout, {
        teacher,
        dropout: session.dropoutOf(update),
      })
      const gradientNorm = clipGradients(parameters, recipe.maxGradientNorm)
      const examples = chosen.map(({ index }) => index)
      requireSound(watch, { loss, gradientNorm, update: update + 1, examples })
      const rate = learningRate(schedule, update)
      adamW(parameters, optimizer, rate, recipe)
      addMetrics(history.metrics, history.losses.length, metrics)
      history.losses.push(loss)
      history.learningRates.push(rate)
      history.gradientNorms.push(gradientNorm)
      const { tokens } = countTokens(chosen)
      onEvent({
        event: 'update',
        update: update + 1,
        updates,
        epoch: epoch + 1,
        loss,
        learningRate: rate,
        gradientNorm,
        tokens,
        tokensPerSecond: tokens / ((performance.now() - started) / 1000),
        metrics,
      })
      if ((update + 1) % epochUpdates === 0 && validation.items.length > 0) {
        const found = await evaluateItems(learner, validation.items, validationLayout, { teacher })
        if (!Number.isFinite(found.loss)) {
          throw new EngineError(
            'engine-failed',
            `The validation loss became ${found.loss} at update ${update + 1}`,
            {
              hint: 'Lower the learning rate',
            },
          )
        }
        addMetrics(history.validationMetrics, history.validationLosses.length, found.metrics)
        history.validationLosses.push(found.loss)
        onEvent({ event: 'validation', update: update + 1, epoch: epoch + 1, ...found })
        if (recipe.earlyStopping) best = betterOf(best, update + 1, found.loss, parameters)
        stoppedEarly = isExhausted(history.validationLosses, patience)
      }
      if (performance.now() - savedAt > options.checkpointSeconds * 1000) {
        save()
        savedAt = performance.now()
      }
    }
    if (best) {
      if (stoppedEarly)
        onEvent({ event: 'stopped-early', update: optimizer.updates, bestUpdate: best.update })
      for (const { name, value } of parameters) value.set(best.values.get(name)!)
    }
    const epochs = optimizer.updates / epochUpdates
    const summary: TrainingSummary = {
      updates: optimizer.updates,
      epochs,
      examples: train.items.length,
      droppedExamples: train.dropped.length,
      tokens: perEpoch.tokens * epochs,
      supervisedTokens: perEpoch.supervised * epochs,
      trainableParameters,
      bestUpdate: best?.update ?? null,
      stoppedEarly,
      ...history,
    }
    return { adapter, summary }
  } finally {
    await session.release()
  }
}
