import { EngineError } from '@regraft/engine'
import type { OperationContext } from '../../operation/index.ts'
import type { Recipe, RunRecord } from '../../training/index.ts'
import { type Trained, trainOn } from './train-on.ts'

/** Rates are tried so far apart. */
const FACTOR = 3
/** A short training has at least so many updates where the recipe has them †. */
const LEAST_UPDATES = 30
/** Share of the loss by which another rate must be better than the recorded one †: short trainings favour high rates. */
const WORTH = 0.05
/** Share of a short training's updates whose losses count, where there are no rows for validation. */
const TAIL = 1 / 3

export interface TriedRate {
  learningRate: number
  /** Of the recipe's loss; null where the training broke off. */
  loss: number | null
}

/** What a re-check of the learning rate found. */
export interface RateCheck {
  recorded: number
  chosen: number
  epochs: number
  tried: TriedRate[]
  /** What the short trainings made, and what they took. */
  adapters: string[]
  cpuSeconds: number
}

/**
 * Tries the recorded learning rate on another base in short trainings of the same rows in the same order, beside one three times
 * lower and one three times higher; a rate at the edge that is best has one more tried beyond it. Another rate is taken where its
 * loss is lower by 5 % †.
 */
export async function recheckRate(
  context: OperationContext,
  recipe: Recipe,
  rows: number,
): Promise<RateCheck> {
  const { learningRate: recorded, batchSize, epochs: whole } = recipe.training
  const perEpoch = Math.max(1, Math.ceil(rows / batchSize))
  const epochs = Math.min(whole, Math.ceil(LEAST_UPDATES / perEpoch))
  const tried: TriedRate[] = []
  const made: Trained[] = []
  const attempt = async (learningRate: number) => {
    const message = `learning rate ${learningRate.toPrecision(2)}`
    context.progress({ stage: 're-check the learning rate', message })
    const trained = await trainShortly(context, recipe, { learningRate, epochs })
    if (trained) made.push(trained)
    tried.push({ learningRate, loss: trained && lossOf(trained.run) })
  }
  for (const factor of [1, 1 / FACTOR, FACTOR]) await attempt(recorded * factor)
  const direction = bestOf(tried).learningRate / recorded
  if (direction !== 1) await attempt(recorded * direction ** 2)
  tried.sort((a, b) => a.learningRate - b.learningRate)
  return {
    ...{ recorded, chosen: chooseRate(tried, recorded), epochs, tried },
    adapters: made.map(({ adapter }) => adapter),
    cpuSeconds: made.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  }
}

/** The best rate where it is worth leaving the recorded one. */
export function chooseRate(tried: readonly TriedRate[], recorded: number): number {
  const best = bestOf(tried)
  const own = tried.find(({ learningRate }) => learningRate === recorded)?.loss ?? null
  if (own === null || best.loss === null) return best.learningRate
  return best.loss < own * (1 - WORTH) ? best.learningRate : recorded
}

function bestOf(tried: readonly TriedRate[]): TriedRate {
  return tried.reduce((best, rate) => {
    return (rate.loss ?? Number.POSITIVE_INFINITY) < (best.loss ?? Number.POSITIVE_INFINITY) ? rate : best
  })
}

/** Null where the training broke off. */
async function trainShortly(
  context: OperationContext,
  recipe: Recipe,
  short: { learningRate: number; epochs: number },
): Promise<Trained | null> {
  const training = { ...recipe.training, ...short, earlyStopping: null }
  try {
    return await trainOn(context, { ...recipe, training })
  } catch (error) {
    // The loss exploded or became no number: that is what this rate does.
    if (error instanceof EngineError && error.code === 'engine-failed') return null
    throw error
  }
}

/** On the rows for validation, else on the last updates. */
function lossOf({ validationLosses, losses }: RunRecord): number {
  const last = validationLosses.at(-1)
  if (last !== undefined) return last
  const tail = losses.slice(-Math.max(1, Math.round(losses.length * TAIL)))
  return tail.reduce((sum, loss) => sum + loss, 0) / tail.length
}
