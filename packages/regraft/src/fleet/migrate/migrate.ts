import type { AnyExample } from '@regraft/engine'
import { z } from 'zod'
import type { SnapshotManifest } from '../../datasets/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { readGateRecord, readMeasurement } from '../../gates/index.ts'
import { shortDigest } from '../../lineage/index.ts'
import {
  type AnyBase,
  type BaseRecord,
  findBase,
  recordBase,
  requireLocalBase,
  requireRecordedBase,
} from '../../models/index.ts'
import { commandLine, defineOperation, type OperationContext } from '../../operation/index.ts'
import { type Recipe, type RecipeV1, readExamples, upcastRecipe } from '../../training/index.ts'
import { renderVerdict, type Verdict, VerdictOutput } from '../../verdict/index.ts'
import {
  type RegisteredAdapter,
  type Registration,
  requireRegistration,
  type TrainedRegistration,
} from '../registration.ts'
import { compareReadings, type ReadingBase } from './compare-readings.ts'
import { finishMove, requireEvaluations } from './finish-move.ts'
import { recheckRate } from './recheck-rate.ts'
import { successorRecipe } from './successor-recipe.ts'
import { trainOn } from './train-on.ts'

const MigrateInput = z.object({
  name: z.string().describe('name of the registered adapter'),
  to: z.string().describe('the successor: a base of `models list`'),
  keepRate: z.boolean().default(false).describe('keep the recorded learning rate without trying others'),
  maxLength: z.int().min(16).max(8192).optional().describe("tokens per row; else the recipe's"),
  margin: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe('loss against the old adapter that is still accepted; else gates.margin'),
})

const MigrateOutput = z.object({
  name: z.string(),
  record: z.string().describe('digest of the verdict'),
  adapter: z.string().describe('digest of the new adapter'),
  recipe: z.string(),
  replaces: z.string().describe('digest of the old adapter'),
  seconds: z.number(),
  learningRate: z.number(),
  verdict: VerdictOutput,
})

/** The same recipe on another base, judged by what the old adapter answered. */
export const migrateOperation = defineOperation({
  name: 'fleet migrate',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  heavy: true,
  summary: 'Train a registered adapter by its recipe on a successor base, and judge it by the old one',
  input: MigrateInput,
  output: MigrateOutput,
  positionals: ['name'],
  example: 'regraft fleet migrate routing --to smollm3',
  render: renderMove,
  async run(context, input) {
    const { store, config, progress } = context
    const began = Date.now()
    const replaced = await requireRegistration(store, input.name)
    const registration = requireRecipe(replaced)
    const recorded = upcastRecipe(await store.artifacts.read<Recipe | RecipeV1>(registration.recipe))
    progress({ stage: 'check the base' })
    const found = findBase(config, input.to)
    const base = await recordBase(store, found)
    refuseSame(registration, base.artifact.digest, input.to)
    const { ids, examples } = await readRows(context, registration)
    const { candidate: old } = await readGateRecord(store, registration.verdict)
    const asked = await readMeasurement(store, old)
    await requireEvaluations(context, asked.suite, 2)

    const target = { digest: base.artifact.digest, config: base.record.config }
    const { recipe, changes } = successorRecipe(recorded, target, input.maxLength)
    const readings = await compareReadings(
      context,
      {
        old: await oldBase(context, registration),
        recorded: registration.base.digests,
        next: { record: base.record, path: found.path },
      },
      { recipe: recipe.training, examples, ids },
    )
    const rate = input.keepRate ? null : await recheckRate(context, recipe, examples.length)
    const learningRate = rate?.chosen ?? recipe.training.learningRate
    const trained = await trainOn(context, { ...recipe, training: { ...recipe.training, learningRate } })
    const { record, content } = await finishMove(context, {
      ...{ drill: 'migrate', replaced, trained, asked, old, began },
      base: { digest: base.artifact.digest, name: base.record.name },
      margin: input.margin ?? config.gates.margin,
      cpuSeconds: rate?.cpuSeconds ?? 0,
      used: rate?.adapters ?? [],
      notes: [
        `from base ${registration.base.name} to ${base.record.name}: ${changes.join('; ')}`,
        ...readings.notes,
        ...(readings.before ? [] : ['the old base is not here: how it read the rows is not known']),
        describeRate(recorded.training.learningRate, rate),
      ],
      details: { readings, rate, changes },
      rerun: commandLine(migrateOperation, input),
    })
    return {
      ...{ name: registration.name, record, adapter: trained.adapter, recipe: trained.recipe },
      replaces: registration.adapter,
      ...{ seconds: content.seconds, learningRate, verdict: content.verdict },
    }
  },
})

/** The verdict, and what comes after one that passed. */
export function renderMove(moved: {
  name: string
  verdict: Verdict
  adapter: string
  replaces: string
}): string {
  const { name, verdict, adapter, replaces } = moved
  const next =
    verdict.outcome === 'pass'
      ? `; next: regraft fleet register ${name} --adapter ${shortDigest(adapter)} --as candidate`
      : ''
  return `${renderVerdict(verdict)}\nadapter ${shortDigest(adapter)} in place of ${shortDigest(replaces)}${next}`
}

/** Says what became of the recorded learning rate. */
export function describeRate(recorded: number, rate: Awaited<ReturnType<typeof recheckRate>> | null): string {
  if (rate === null) return `the learning rate ${recorded} was kept without trying others`
  const tried = rate.tried.map(({ learningRate, loss }) => {
    return `${Number(learningRate.toPrecision(3))}: ${loss === null ? 'broke off' : loss.toFixed(3)}`
  })
  const decided = rate.chosen === recorded ? 'stays' : `becomes ${Number(rate.chosen.toPrecision(3))}`
  return `the learning rate ${recorded} ${decided} (loss of short trainings at ${tried.join(', ')})`
}

function requireRecipe({ registration }: RegisteredAdapter): TrainedRegistration {
  if (registration.origin === 'trained') return registration
  const { name, version } = registration
  throw new RegraftError(
    'incompatible',
    `${name} v${version} was adopted: its recipe and rows are not known`,
    {
      hint: `regraft fleet rescue ${name} --to <base> lets it label prompts instead, as long as its base is here`,
    },
  )
}

function refuseSame({ base, name }: TrainedRegistration, successor: string, to: string): void {
  if (base.artifact !== successor) return
  throw new RegraftError('invalid-input', `${name} is on the base ${to} already`, {
    hint: `regraft fleet rebuild ${name} trains it there again`,
    details: { param: 'to' },
  })
}

async function readRows(
  { store }: OperationContext,
  { snapshot, name }: TrainedRegistration,
): Promise<{ ids: string[]; examples: AnyExample[] }> {
  try {
    const manifest = await store.artifacts.read<SnapshotManifest>(snapshot.artifact)
    const rows = manifest.rows.filter(({ split }) => split === 'train')
    return { ids: rows.map(({ id }) => id), examples: await readExamples(store, manifest, 'train') }
  } catch (error) {
    if (!(error instanceof RegraftError) || !['not-found', 'digest-mismatch'].includes(error.code))
      throw error
    throw new RegraftError(
      error.code,
      `the rows that ${name} was trained on are not all there: ${error.message}`,
      {
        hint: `regraft fleet rescue ${name} --to <base> trains on prompts that the adapter labels itself`,
        cause: error,
      },
    )
  }
}

/** The old base where it is still here, with the bytes that are recorded. */
export async function oldBase(
  { store, config }: OperationContext,
  { base }: Registration,
): Promise<ReadingBase | null> {
  const record: BaseRecord = requireLocalBase(await store.artifacts.read<AnyBase>(base.artifact))
  try {
    const { path } = await requireRecordedBase(config, record)
    return { record, path }
  } catch (error) {
    if (error instanceof RegraftError && ['not-found', 'digest-mismatch'].includes(error.code)) return null
    throw error
  }
}
