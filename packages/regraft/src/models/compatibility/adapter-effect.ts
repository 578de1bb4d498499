import type { ScoreRequest } from '@regraft/engine'
import { z } from 'zod'
import { RegraftError } from '../../errors/index.ts'
import { defineStep, type Step } from '../../lineage/index.ts'

/** The content of a measurement artifact: what an adapter changes on fixed probes. */
export interface AdapterEffect {
  measures: 'adapter-effect'
  /** Tokens whose log-probability was compared. */
  tokens: number
  /** Largest and mean absolute change of a token's log-probability, in nats. */
  largestChange: number
  meanChange: number
}

/** † Changes below are the rounding of 32-bit floats; adapters that were trained move some token by far more. */
export const EFFECT_NOISE = 1e-4

const PROBES: ScoreRequest['items'] = [
  ['Where is my card?', 'It is on its way and will arrive within two working days.'],
  ['Write one sentence about the sea.', 'The sea was calm, and the boats lay still.'],
  ['Classify: I was charged twice.', '{"label": "duplicate_charge"}'],
  ['What is 12 + 30?', '42'],
].map(([content, completion]) => ({
  messages: [{ role: 'user', content: content! }],
  completion: completion!,
}))

/** Scores items under the base alone or under the adapter. */
export type ScoreProbes = (adapted: boolean, items: ScoreRequest['items']) => Promise<number[][]>

/** Compares the log-probabilities of the probes' tokens with and without an adapter. */
export async function measureEffect(score: ScoreProbes): Promise<AdapterEffect> {
  const plain = (await score(false, PROBES)).flat()
  const adapted = (await score(true, PROBES)).flat()
  const changes = plain.map((value, token) => Math.abs(value - adapted[token]!))
  if (!changes.every(Number.isFinite)) {
    throw new RegraftError(
      'incompatible',
      'with the adapter, the base gives probabilities that are no numbers',
      {
        hint: 'its weights overflow; take an earlier checkpoint of the training',
      },
    )
  }
  const largestChange = Math.max(...changes)
  const meanChange = changes.reduce((sum, change) => sum + change, 0) / changes.length
  return { measures: 'adapter-effect', tokens: changes.length, largestChange, meanChange }
}

/** The smoke test of an adapter on a base (inputs `base` and `adapter`), which its outcome is remembered by. */
export function adapterEffectStep(measure: () => Promise<AdapterEffect>): Step<Record<string, never>> {
  return defineStep({
    name: 'models/adapter-effect',
    version: 1,
    determinism: 'pure',
    input: z.strictObject({}) as z.ZodType<Record<string, never>>,
    async run() {
      const value = await measure()
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 1, value }]
    },
  })
}

/** Throws 'incompatible' for an adapter under which the base answers as without it. */
export function requireEffect({ tokens, largestChange }: AdapterEffect, base: string): void {
  if (largestChange > EFFECT_NOISE) return
  throw new RegraftError(
    'incompatible',
    `the adapter is ignored or untrained: on ${tokens} tokens of fixed prompts base ${base} answers as without it (largest change ${largestChange.toExponential(1)} nats, rounding is up to ${EFFECT_NOISE} †)`,
    {
      hint: 'regraft audit <its folder> says which of its weights are zero; take another checkpoint of the training',
    },
  )
}
