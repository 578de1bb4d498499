import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { JOB_FILES, runTrainer, type TrainerEvent } from '@regraft/engine'
import { z } from 'zod'
import type { Config } from '../config/index.ts'
import type { SnapshotManifest } from '../datasets/index.ts'
import { defineStep, type Step } from '../lineage/index.ts'
import {
  type AdapterRecord,
  type BaseRecord,
  requireRecordedBase,
  storeAdapterFiles,
} from '../models/index.ts'
import { writeJobFolder } from './job-folder.ts'
import { type Recipe, type RecipeV1, upcastRecipe } from './recipe.ts'

/** The content of a run artifact: figures that the same record gives again, so no times. */
export interface RunRecord {
  recipe: string
  updates: number
  epochs: number
  examples: number
  droppedExamples: number
  tokens: number
  supervisedTokens: number
  trainableParameters: number
  /** Of the recipe's loss, by update; for 'sft' the mean negative log-likelihood per learned token, in nats. */
  losses: number[]
  learningRates: number[]
  /** Before clipping. */
  gradientNorms: number[]
  /** What the loss measures beside itself, by name and update. */
  metrics: Record<string, (number | null)[]>
  /** On the validation rows after each epoch. */
  validationLosses: number[]
  validationMetrics: Record<string, (number | null)[]>
  /** The update whose values the adapter has, where early stopping chose it. */
  bestUpdate: number | null
  stoppedEarly: boolean
}

export interface TrainAdapterOptions {
  config: Config
  /** Folder in which the job folder is made; the same one resumes a killed run. */
  workFolder: string
  onEvent?: (event: TrainerEvent) => void
}

/** The step that trains: recipe, base and snapshot in; adapter and run out. It resumes in its job folder. */
export function trainAdapter(options: TrainAdapterOptions): Step<Record<string, never>> {
  return defineStep({
    name: 'training/lora',
    version: 2,
    determinism: 'seeded',
    input: z.strictObject({}) as z.ZodType<Record<string, never>>,
    async run({ inputs, read, project, blobs, signal, recordEnvironment }) {
      const recipe = upcastRecipe(await read<Recipe | RecipeV1>('recipe'))
      const base = await read<BaseRecord>('base')
      const manifest = await read<SnapshotManifest>('snapshot')
      const digestOf = (role: string) => inputs.find((input) => input.role === role)!.digest
      const recipeDigest = digestOf('recipe')
      const { path } = await requireRecordedBase(options.config, base)
      const folder = join(options.workFolder, recipeDigest.replace(/^sha256:/, ''))
      await writeJobFolder(project, folder, { recipe, recipeDigest, base, basePath: path, manifest })
      const { onEvent } = options
      const result = await runTrainer(folder, { signal, ...(onEvent ? { onEvent } : {}) })
      const { lock, seconds, peakMemoryBytes, summary } = result
      recordEnvironment({ lock, seconds, peakMemoryBytes })
      const adapter: AdapterRecord = {
        base: digestOf('base'),
        recipe: recipeDigest,
        snapshot: digestOf('snapshot'),
        files: await storeAdapterFiles(blobs, join(folder, JOB_FILES.adapter)),
      }
      const run: RunRecord = { recipe: recipeDigest, ...summary }
      await rm(folder, { recursive: true, force: true })
      return [
        { role: 'adapter', kind: 'adapter', schemaVersion: 1, value: adapter },
        { role: 'run', kind: 'run', schemaVersion: 2, value: run },
      ]
    },
  })
}
