import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { JOB_FILES, runTrainer, type TrainerEvent, type TrainerOptions } from '@regraft/engine'
import { z } from 'zod'
import type { Config } from '../config/index.ts'
import type { SnapshotManifest } from '../datasets/index.ts'
import { defineStep, type Step } from '../lineage/index.ts'
import {
  type AdapterRecord,
  type AnyBase,
  materializeAdapter,
  requireLocalBase,
  requireRecordedBase,
  storeAdapterFiles,
} from '../models/index.ts'
import type { ProjectStore } from '../store/types.ts'
import { baseFile, writeJobFolder } from './job-folder.ts'
import { loadingVariables } from './loading-variables.ts'
import { digestOfLines, type PreparedInputs, requireSamePreprocessing } from './prepared-inputs.ts'
import { type Recipe, type RecipeV1, upcastRecipe } from './recipe.ts'
import { type ReferenceMeasurement, validExamples } from './reference.ts'
import { readExamples } from './snapshot-examples.ts'

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
  /** Where the trainer runs; in the open, with the environment of this process, by default. */
  enclosure?: TrainerEnclosure
  /** What the preprocessing must make: throws 'digest-mismatch' before the training when it makes something else. */
  expected?: Partial<PreparedInputs>
}

/** A place from which a trainer sees little: what is admitted, and its job folder. */
export interface TrainerEnclosure {
  /** Lets the trainer read a file or folder; returns the path under which it finds it. */
  admit(path: string): Promise<string>
  launch: NonNullable<TrainerOptions['launch']>
  /** The environment that the trainer gets. */
  environment: NodeJS.ProcessEnv
}

/**
 * The step that trains: recipe, base, snapshot, and by the loss reference or teacher in; adapter and run out.
 * It resumes in its job folder.
 */
export function trainAdapter(options: TrainAdapterOptions): Step<Record<string, never>> {
  return defineStep({
    name: 'training/lora',
    version: 2,
    determinism: 'seeded',
    input: z.strictObject({}) as z.ZodType<Record<string, never>>,
    async run({ inputs, read, project, blobs, signal, recordEnvironment }) {
      const recipe = upcastRecipe(await read<Recipe | RecipeV1>('recipe'))
      const base = requireLocalBase(await read<AnyBase>('base'))
      const manifest = await read<SnapshotManifest>('snapshot')
      const digestOf = (role: string) => inputs.find((input) => input.role === role)!.digest
      const recipeDigest = digestOf('recipe')
      const { enclosure, expected } = options
      const admit = async (path: string) => (enclosure ? enclosure.admit(path) : path)
      const { path } = await requireRecordedBase(options.config, base)
      const folder = join(options.workFolder, recipeDigest.replace(/^sha256:/, ''))
      const { name: loss } = recipe.training.loss
      const found = recipe.teacher ? await teacherOf(project, options.config, recipe.teacher) : null
      const teacher = found && {
        base: { ...found.base, path: await admit(found.base.path) },
        ...(found.adapter === undefined ? {} : { adapter: await admit(found.adapter) }),
      }
      await writeJobFolder(folder, {
        job: {
          kind: 'lora',
          base: baseFile(base, await admit(path)),
          recipe: recipe.training,
          identity: recipeDigest,
          ...(teacher ? { teacher } : {}),
        },
        train: await readExamples(project, manifest, 'train'),
        validation: validExamples(loss, await readExamples(project, manifest, 'validation')),
        ...(inputs.some(({ role }) => role === 'reference')
          ? { reference: await read<ReferenceMeasurement>('reference') }
          : {}),
      })
      const lines = digestOfLines(folder)
      requireSamePreprocessing('lines', expected, lines)
      const { result, tokens } = await train(folder, { ...options, signal })
      const { lock, seconds, cpuSeconds, peakMemoryBytes, summary } = result
      const variables = loadingVariables(enclosure?.environment ?? process.env)
      recordEnvironment({
        lock,
        seconds,
        cpuSeconds,
        peakMemoryBytes,
        prepared: { lines, tokens },
        variables,
      })
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

/** Runs the trainer, and stops it as soon as it has made other tokens than the expected ones. */
async function train(
  folder: string,
  { enclosure, expected, onEvent, signal }: TrainAdapterOptions & { signal: AbortSignal },
) {
  const stop = new AbortController()
  let tokens = ''
  let changed: unknown = null
  const watch = (event: TrainerEvent) => {
    if (event.event === 'prepared') {
      tokens = event.tokensDigest
      try {
        requireSamePreprocessing('tokens', expected, tokens)
      } catch (error) {
        changed = error
        stop.abort()
      }
    }
    onEvent?.(event)
  }
  const launch = enclosure ? { launch: enclosure.launch } : {}
  const options = { signal: AbortSignal.any([signal, stop.signal]), onEvent: watch, ...launch }
  const result = await runTrainer(folder, options).catch((error: unknown) => {
    throw changed ?? error
  })
  return { result, tokens }
}

/** The teacher as a job names it: its base where it lies, its adapter written out. */
export async function teacherOf(
  project: ProjectStore,
  config: Config,
  teacher: NonNullable<Recipe['teacher']>,
) {
  const record = requireLocalBase(await project.artifacts.read<AnyBase>(teacher.base))
  const { path } = await requireRecordedBase(config, record)
  if (teacher.adapter === null) return { base: baseFile(record, path) }
  const adapter = await materializeAdapter(project, teacher.adapter, join(config.dataDirectory, 'adapters'))
  return { base: baseFile(record, path), adapter }
}
