import {
  InferenceProcess,
  LOSSES,
  type LossName,
  type ReferenceLine,
  referenceItems,
  referenceLines,
  type TrainingRecipe,
} from '@regraft/engine'
import { z } from 'zod'
import type { Config } from '../config/index.ts'
import type { SnapshotManifest } from '../datasets/index.ts'
import { defineStep, runStep, type Step, type StepContext } from '../lineage/index.ts'
import { type AnyBase, requireLocalBase, requireRecordedBase } from '../models/index.ts'
import { readExamples } from './snapshot-examples.ts'

/** The content of a measurement artifact: summed log-probabilities of a snapshot's answers under its base, in nats. */
export interface ReferenceMeasurement {
  measures: 'reference-log-probabilities'
  loss: LossName
  base: string
  snapshot: string
  train: ReferenceLine[]
  validation: ReferenceLine[]
}

const Parameters = z.strictObject({
  loss: z.enum(['dpo', 'kto']),
  weights: z.enum(['f32', 'f16', 'int8']).describe('precision of the frozen weights'),
})

export interface ReferenceOptions {
  config: Config
  threads: number
  onProgress?: (done: number, total: number) => void
}

/** The step that scores every answer of a snapshot with the base alone. Inputs: base and snapshot. */
export function referenceStep(options: ReferenceOptions): Step<z.output<typeof Parameters>> {
  return defineStep({
    name: 'training/reference-log-probabilities',
    version: 2,
    determinism: 'seeded',
    input: Parameters,
    async run({ parameters: { loss, weights }, seed, inputs, read, project, signal, recordEnvironment }) {
      const base = requireLocalBase(await read<AnyBase>('base'))
      const manifest = await read<SnapshotManifest>('snapshot')
      const { path } = await requireRecordedBase(options.config, base)
      const { threads, onProgress } = options
      const parts = await Promise.all(
        (['train', 'validation'] as const).map(async (split) => {
          const examples = await validExamples(loss, await readExamples(project, manifest, split))
          return referenceItems(loss, examples, seed!)
        }),
      )
      const process = await InferenceProcess.start({
        path,
        digests: base.digests,
        threads,
        scoringPrecision: weights,
      })
      try {
        recordEnvironment({ lock: process.info.lock })
        const scores = await process.score(
          { adapter: null, items: parts.flat() },
          { signal, ...(onProgress ? { onProgress } : {}) },
        )
        const digestOf = (role: string) => inputs.find((input) => input.role === role)!.digest
        const measurement: ReferenceMeasurement = {
          measures: 'reference-log-probabilities',
          loss,
          base: digestOf('base'),
          snapshot: digestOf('snapshot'),
          train: referenceLines(loss, scores.slice(0, parts[0]!.length)),
          validation: referenceLines(loss, scores.slice(parts[0]!.length)),
        }
        return [{ role: 'reference', kind: 'measurement', schemaVersion: 1, value: measurement }]
      } finally {
        await process.close()
      }
    },
  })
}

/** KTO exchanges answers between examples, so that a single one (of validation) cannot be used. */
export function validExamples<Example>(loss: LossName, examples: readonly Example[]): readonly Example[] {
  return loss === 'kto' && examples.length < 2 ? [] : examples
}

/** The artifact of the reference that a recipe needs, from the cache where it was computed before; null for none. */
export async function requireReference(
  context: StepContext,
  options: ReferenceOptions,
  recipe: Pick<TrainingRecipe, 'loss' | 'seed' | 'weightPrecision'>,
  inputs: { base: string; snapshot: string },
): Promise<string | null> {
  const { name } = recipe.loss
  if (!LOSSES[name].needsReference) return null
  const result = await runStep(context, referenceStep(options), {
    inputs: [
      { role: 'base', digest: inputs.base },
      { role: 'snapshot', digest: inputs.snapshot },
    ],
    parameters: { loss: name, weights: recipe.weightPrecision },
    // Only KTO's pairing of answers depends on the seed.
    seed: name === 'kto' ? recipe.seed : 0,
  })
  return result.digest('reference')
}
