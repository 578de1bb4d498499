/** Trains as a golden run of TRL and PEFT did, for the parity test and scripts/parity/compare-curves.ts. */
import { join } from 'node:path'
import { Random } from '@regraft/methods'
import { LINEAR_NAMES } from '../decoder/layer.ts'
import type { Adapter, Base } from '../formats/types.ts'
import { Answerer } from '../generation/answers.ts'
import { fineTune, type TrainingSummary } from './fine-tune.ts'
import { picoRecipe } from './pico-recipe.ts'
import { referenceItems, referenceLines } from './reference.ts'

interface Curve {
  losses: number[]
  gradientNorms: number[]
  learningRates: number[]
}

export interface GoldenCurves {
  recipe: {
    rank: number
    alpha: number
    learningRate: number
    weightDecay: number
    beta: number
    maxLength: number
    batchSize: number
  }
  /** In the order in which they were trained on. */
  rows: { prompt: string; chosen: string; rejected: string }[]
  sft: Curve
  dpo: Curve
}

export interface CompareOptions {
  base: Base
  startFrom: Adapter
  golden: GoldenCurves
  /** For the checkpoint. */
  folder: string
  threads?: number
}

export async function compareCurves(
  name: 'sft' | 'dpo',
  { base, startFrom, golden, folder, threads = 1 }: CompareOptions,
): Promise<{ summary: TrainingSummary; worstRelative: { loss: number; gradientNorm: number } }> {
  const { rank, alpha, beta, ...rest } = golden.recipe
  const dpo = { variant: 'sigmoid', labelSmoothing: 0, sftWeight: 0, dpopWeight: 0 } as const
  const recipe = picoRecipe({
    ...rest,
    loss: name === 'sft' ? { name } : { name, beta, ...dpo },
    epochs: 1,
    warmupRatio: 0,
    threads,
    lora: { rank, alpha, targetModules: [...LINEAR_NAMES] },
  })
  const examples = inTrainingOrder(golden.rows, recipe.seed).map(({ prompt, chosen, rejected }) => {
    const messages = [{ role: 'user', content: prompt }]
    return name === 'sft' ? { messages, completion: chosen } : { messages, chosen, rejected }
  })
  const items = referenceItems(name, examples, recipe.seed)
  const answerer = new Answerer({ base, threads })
  const scores = await answerer.score({ adapter: null, items })
  await answerer.close()
  const { summary } = await fineTune({
    base,
    recipe,
    examples,
    validation: [],
    references: items.length > 0 ? referenceLines(name, scores) : null,
    startFrom,
    identity: name,
    checkpointPath: join(folder, `${name}.safetensors`),
    checkpointSeconds: 3600,
    signal: new AbortController().signal,
    onEvent() {},
  })
  const worst = (found: number[], expected: number[]) =>
    Math.max(...expected.map((value, i) => Math.abs(found[i]! - value) / Math.abs(value)))
  const { losses, gradientNorms } = golden[name]
  return {
    summary,
    worstRelative: {
      loss: worst(summary.losses, losses),
      gradientNorm: worst(summary.gradientNorms, gradientNorms),
    },
  }
}

/** Rows placed so that the shuffle of the first epoch brings them into the given order. */
function inTrainingOrder<T>(rows: readonly T[], seed: number): T[] {
  const order = new Random(seed, 'order/0').shuffle([...rows.keys()])
  const placed: T[] = []
  for (const [i, place] of order.entries()) placed[place] = rows[i]!
  return placed
}
