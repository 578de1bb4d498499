import { z } from 'zod'
import { RegraftError } from '../../errors/index.ts'
import { runStep } from '../../lineage/index.ts'
import { findBase, recordBase } from '../../models/index.ts'
import { commandLine, defineOperation, type OperationContext } from '../../operation/index.ts'
import {
  type Recipe,
  RecipeOptions,
  type RecipeV1,
  readExamples,
  resolveRecipe,
  upcastRecipe,
} from '../../training/index.ts'
import { VerdictOutput } from '../../verdict/index.ts'
import { type Agreement, describeAgreement } from '../migrate/agreement.ts'
import { compareReadings } from '../migrate/compare-readings.ts'
import { finishMove, measureAs, requireEvaluations } from '../migrate/finish-move.ts'
import { describeRate, oldBase, renderMove } from '../migrate/migrate.ts'
import { recheckRate } from '../migrate/recheck-rate.ts'
import { successorRecipe } from '../migrate/successor-recipe.ts'
import { trainOn } from '../migrate/train-on.ts'
import { type Registration, requireRegistration } from '../registration.ts'
import { type AgreementMeasurement, measureAgreement } from './measure-agreement.ts'
import { depthOf, goldOf, requireAlive } from './orphan.ts'
import { makeRescuedRows, type RescuedRows } from './rescue-rows.ts'

const RescueInput = z.object({
  name: z.string().describe('name of the registered adapter, trained here or adopted'),
  to: z.string().describe('the new base, by its name in `models list`'),
  prompts: z
    .enum(['traffic', 'synthetic'])
    .default('traffic')
    .describe(
      'what the adapter is asked: calls that it answered or would have (imported ones too), or made-up ones',
    ),
  task: z.string().optional().describe('take the traffic of this task too'),
  rows: z.int().min(1).max(1_000_000).default(1000).describe('how many prompts it is asked'),
  keptBack: z
    .number()
    .gt(0)
    .max(0.5)
    .default(0.1)
    .describe('share of the traffic, the newest, that is kept back to compare the two adapters'),
  generator: z.string().optional().describe("base that makes up prompts; else the adapter's own"),
  temperature: z.number().positive().max(2).default(1).describe('at which prompts are made up'),
  leastConfidence: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('leave out answers of which the adapter was less sure (probability of the whole answer)'),
  evaluation: z.string().optional().describe('suite of human gold; else the one it was registered with'),
  maxTokens: z.int().min(1).max(4096).optional().describe("longest answer; else the suite's"),
  consent: z
    .string()
    .optional()
    .describe("what the people whose prompts these are agreed to; else the task's"),
  validation: z.number().gt(0).max(0.5).default(0.1).describe('share of the rows for validation'),
  margin: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.03)
    .describe('loss against the adapter on human gold that is still accepted †'),
  maxDepth: z
    .int()
    .min(1)
    .default(1)
    .describe('how often models may have learned from models; more loses what is rare'),
  keepRate: z.boolean().default(false).describe('keep the learning rate without trying others'),
  rank: RecipeOptions.shape.rank.unwrap().optional().describe("rank; else the adapter's recipe, else 16"),
  epochs: RecipeOptions.shape.epochs
    .unwrap()
    .optional()
    .describe("passes; else the adapter's recipe, else 6"),
  learningRate: RecipeOptions.shape.learningRate.describe("peak rate; else the adapter's recipe, else 0.001"),
  maxLength: RecipeOptions.shape.maxLength
    .unwrap()
    .optional()
    .describe("tokens per row; else the recipe's, else 128"),
  seed: z.int().default(1).describe('seed of all that is drawn by chance'),
})
type Input = z.output<typeof RescueInput>

const Compared = z.custom<Agreement>(
  (value) => typeof value === 'object' && value !== null && 'share' in value,
)

/** An adapter whose rows are gone labels prompts while its base lives; another base learns from its answers. */
export const rescueOperation = defineOperation({
  name: 'fleet rescue',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  heavy: true,
  summary: 'Move a skill whose training rows are gone to another base: the adapter labels prompts itself',
  input: RescueInput,
  output: z.object({
    name: z.string(),
    record: z.string().describe('digest of the verdict'),
    adapter: z.string().describe('digest of the new adapter'),
    snapshot: z.string(),
    replaces: z.string().describe('digest of the old adapter'),
    rows: z.object({
      prompts: z.int(),
      asked: z.int().describe('in this attempt; the others had been answered before'),
      train: z.int(),
      validation: z.int(),
      dropped: z.record(z.string(), z.int()),
    }),
    agreement: z.object({
      inDistribution: Compared.nullable().describe('on held-out prompts of the kind that was learned from'),
      traffic: Compared.nullable().describe('on the newest traffic, which was kept back'),
    }),
    seconds: z.number(),
    learningRate: z.number(),
    verdict: VerdictOutput,
  }),
  positionals: ['name'],
  example: 'regraft fleet rescue routing --to smollm3 --rows 2000',
  render: renderMove,
  async run(context, input) {
    const { store, config, progress } = context
    const began = Date.now()
    const replaced = await requireRegistration(store, input.name)
    const { registration } = replaced
    await requireAlive(context, replaced)
    const depth = await requireDepth(context, registration, input.maxDepth)
    const asked = await goldOf(context, registration, input)
    progress({ stage: 'check the base' })
    const base = await recordBase(store, findBase(config, input.to))
    const generator = await generatorOf(context, registration, input.generator)
    const model = { name: `adapter ${input.name}`, base: registration.base.artifact }
    const old = await measureAs(context, asked, { ...model, adapter: registration.adapter })
    await requireEvaluations(context, asked.suite, 2)

    const rows = await makeRescuedRows(context, {
      ...{ registration, generator, depth, suite: asked.suite, ...input },
      ...{ task: input.task, consent: input.consent, maxTokens: asked.maxTokens },
    })
    const target = { digest: base.artifact.digest, config: base.record.config }
    const own = await recipeOf(context, registration, input, rows.snapshot)
    const { recipe, changes } = successorRecipe(own, target, input.maxLength)
    const ids = rows.manifest.rows.flatMap(({ id, split }) => (split === 'train' ? id : []))
    const train = ids.length
    const previous = await oldBase(context, registration)
    const readings = await compareReadings(
      context,
      {
        old: previous,
        recorded: previous!.record.digests,
        next: { record: base.record, path: findBase(config, input.to).path },
      },
      {
        ...{ recipe: recipe.training, ids },
        examples: await readExamples(store, rows.manifest, 'train'),
      },
    )
    const rate = input.keepRate ? null : await recheckRate(context, recipe, train)
    const learningRate = rate?.chosen ?? recipe.training.learningRate
    const trained = await trainOn(context, { ...recipe, training: { ...recipe.training, learningRate } })
    const agreement = await agree(context, {
      ...{ base: base.artifact.digest, adapter: trained.adapter, maxTokens: asked.maxTokens },
      ...{ snapshot: rows.snapshot, later: rows.later },
    })
    const { inDistribution, traffic, repeated } = agreement.content
    const { record, content } = await finishMove(context, {
      ...{ drill: 'rescue', replaced, trained, asked, old, began, margin: input.margin },
      base: { digest: base.artifact.digest, name: base.record.name },
      cpuSeconds: rate?.cpuSeconds ?? 0,
      used: [...(rate?.adapters ?? []), old, agreement.digest],
      notes: [
        `from base ${registration.base.name} to ${base.record.name}: ${changes.join('; ')}`,
        ...describeRows(rows),
        `says the same as the adapter on held-out prompts: ${described(inDistribution)}`,
        `on traffic that was kept back: ${described(traffic)}${repeated > 0 ? `, ${repeated} that repeat training rows left out` : ''}`,
        ...readings.notes,
        describeRate(recipe.training.learningRate, rate),
      ],
      details: {
        ...{ rows: figuresOf(rows), depth, snapshot: rows.snapshot, rate, changes, readings },
        ...{ agreementMeasurement: agreement.digest, inDistribution, traffic },
      },
      rerun: commandLine(rescueOperation, input),
    })
    return {
      ...{ name: registration.name, record, adapter: trained.adapter, snapshot: rows.snapshot },
      replaces: registration.adapter,
      rows: {
        prompts: rows.labelled.prompts,
        asked: rows.labelled.asked,
        train,
        validation: rows.manifest.rows.length - train,
        dropped: rows.dropped,
      },
      agreement: { inDistribution, traffic },
      ...{ seconds: content.seconds, learningRate, verdict: content.verdict },
    }
  },
})

async function requireDepth(
  context: OperationContext,
  registration: Registration,
  most: number,
): Promise<number> {
  const depth = await depthOf(context, registration)
  if (depth <= most) return depth
  const { name, version } = registration
  throw new RegraftError(
    'incompatible',
    `${name} v${version} has learned from a model itself: this would be generation ${depth}`,
    {
      hint: `train it on what people wrote instead, or accept it: --max-depth ${depth}`,
      details: { param: 'maxDepth' },
    },
  )
}

async function generatorOf(
  { store, config }: OperationContext,
  { base }: Registration,
  name: string | undefined,
): Promise<string> {
  if (name === undefined) return base.artifact
  return (await recordBase(store, findBase(config, name))).artifact.digest
}

/** The adapter's own recipe, to learn demonstrations by; the defaults where nobody knows it. */
async function recipeOf(
  { store }: OperationContext,
  { recipe: digest, base }: Registration,
  { rank, epochs, learningRate, maxLength }: Input,
  snapshot: string,
): Promise<Recipe> {
  const given = {
    ...(epochs === undefined ? {} : { epochs }),
    ...(learningRate === undefined ? {} : { learningRate }),
    ...(maxLength === undefined ? {} : { maxLength }),
  }
  const options = RecipeOptions.omit({ teacher: true }).parse(rank === undefined ? given : { ...given, rank })
  const plain = resolveRecipe(options, base.artifact, snapshot)
  if (digest === null) return plain
  const { training } = upcastRecipe(await store.artifacts.read<Recipe | RecipeV1>(digest))
  const sameLoss = training.loss.name === 'sft'
  return {
    ...plain,
    training: {
      ...training,
      loss: plain.training.loss,
      // Of another loss the rate says nothing about demonstrations.
      ...(sameLoss ? {} : { learningRate: plain.training.learningRate }),
      lora: rank === undefined ? training.lora : { ...training.lora, rank, alpha: 2 * rank },
      ...given,
    },
  }
}

async function agree(
  { store, signal, progress, services }: OperationContext,
  call: { base: string; adapter: string; snapshot: string; later: string; maxTokens: number },
): Promise<{ digest: string; content: AgreementMeasurement }> {
  const { maxTokens, ...inputs } = call
  const step = measureAgreement({
    engines: services.evaluationEngines,
    onProgress: (done, total) => progress({ stage: 'compare the adapters', done, total, unit: 'prompts' }),
  })
  const { digest } = await runStep({ project: store, signal }, step, {
    inputs: Object.entries(inputs).map(([role, value]) => ({ role, digest: value })),
    parameters: { maxTokens },
  })
  const measured = digest('agreement')
  return { digest: measured, content: await store.artifacts.read<AgreementMeasurement>(measured) }
}

function described(agreement: Agreement | null): string {
  return agreement === null ? 'there are none' : describeAgreement(agreement)
}

function figuresOf({ collected, synthesised, labelled, dropped, manifest }: RescuedRows) {
  return { collected, synthesised, labelled, dropped, kept: manifest.rows.length }
}

function describeRows({ collected, synthesised, labelled, dropped, manifest }: RescuedRows): string[] {
  const lost = Object.entries(dropped).map(([reason, count]) => `${count} ${reason}`)
  const source = synthesised
    ? `${synthesised.kept} prompts were made up (${synthesised.repeated} repeated, ${synthesised.tooShort + synthesised.tooLong} too short or long, ${synthesised.otherScript} in another script, ${synthesised.unfinished} without an end)`
    : `${collected.drawn} prompts were drawn from ${collected.distinct} distinct ones of ${collected.rows} calls`
  const rest = lost.length === 0 ? '' : `; left out: ${lost.join(', ')}`
  return [`${source}; ${labelled.prompts} answers, ${manifest.rows.length} rows${rest}`]
}
