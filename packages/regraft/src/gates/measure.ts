import type { Form, OwnScorerSettings, ScorerSettings } from '../config/index.ts'
import { excludedItems, readSuite, vaultAccess } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { runStep, type Step } from '../lineage/index.ts'
import type { OperationContext } from '../operation/index.ts'
import type { Edge } from '../store/types.ts'
import { type JudgeOptions, judgedBy, type NamedJudge } from './ask-judge.ts'
import type { EvaluateOptions } from './ask-suite.ts'
import { evaluateSuite } from './evaluate.ts'
import { judgeAnswers } from './judge-answers.ts'
import { judgePairs } from './judge-pairs.ts'
import { measureLatency } from './latency.ts'
import { scoreReferences } from './likelihood.ts'
import { readMeasurement } from './measurement.ts'
import { refuseOwnJudge } from './own-judge.ts'
import { gradeInstruction } from './suites/judge.ts'
import { preferenceInstruction } from './suites/pairwise.ts'

/** A model that is measured on a suite. */
export interface MeasuredModel {
  /** What people call it. */
  name: string
  suite: string
  base: string
  adapter: string | null
  /** How the adapter is put to use; at run time, on weights as they are stored, unless given. */
  form?: Form
}

/** How a suite is answered and scored. */
export interface Scoring {
  scorer: ScorerSettings
  /** Longest answer; null only where nothing is generated. */
  maxTokens: number | null
}

/** Replies of a judge that could not be read: of more of them what is left says little about the suite. † */
const MOST_UNJUDGED = 0.1

/**
 * Lets a model answer a suite, without the items that do not count any more, and scores the answers; returns the digest of the
 * measurement. `against` is the model whose answers a pairwise scorer compares with, one for all models of a comparison; the base
 * of the model unless given.
 */
export async function measureModel(
  context: OperationContext,
  model: MeasuredModel,
  { scorer, maxTokens }: Scoring,
  against: MeasuredModel = { ...model, name: 'its base', adapter: null },
): Promise<string> {
  if (scorer.kind === 'judge') {
    const judge = await judgeOf(context, scorer.judge, [model])
    const instruction = gradeInstruction(scorer)
    const inputs = [{ role: 'answers', digest: await evaluate(context, model, null, maxTokens) }]
    const step = judgeAnswers(judgeOptions(context, judge, model))
    const parameters = { scorer, judge: judgedBy(judge, instruction) }
    return await checkJudged(context, judge, await runOn(context, model, step, parameters, inputs))
  }
  if (scorer.kind === 'pairwise') {
    const judge = await judgeOf(context, scorer.judge, [model, against])
    const instruction = preferenceInstruction(scorer)
    const inputs = [
      { role: 'candidate', digest: await evaluate(context, model, null, maxTokens) },
      { role: 'other', digest: await evaluate(context, against, null, maxTokens) },
    ]
    const step = judgePairs(judgeOptions(context, judge, model))
    const parameters = { scorer, judge: judgedBy(judge, instruction) }
    return await checkJudged(context, judge, await runOn(context, model, step, parameters, inputs))
  }
  return await evaluate(context, model, scorer, maxTokens)
}

/** Measures how probable a model finds the expected answers (`LikelihoodMeasurement`); returns the digest. */
export async function measureReferences(context: OperationContext, model: MeasuredModel): Promise<string> {
  return await runOn(context, model, scoreReferences(optionsOf(context, `score ${model.name}`)), {})
}

/** Measures how long a model takes for single items (`LatencyMeasurement`); returns the digest. */
export async function timeModel(
  context: OperationContext,
  model: MeasuredModel,
  { maxTokens, items }: { maxTokens: number; items: number },
): Promise<string> {
  const step = measureLatency(optionsOf(context, `time ${model.name}`))
  return await runOn(context, model, step, { maxTokens, items })
}

async function evaluate(
  context: OperationContext,
  model: MeasuredModel,
  scorer: OwnScorerSettings | null,
  maxTokens: number | null,
): Promise<string> {
  const isChoice = scorer?.kind === 'multiple-choice'
  const step = evaluateSuite(optionsOf(context, `evaluate ${model.name}`))
  const form = model.form === undefined ? {} : { form: model.form }
  return await runOn(context, model, step, { maxTokens: isChoice ? null : maxTokens, scorer, ...form })
}

function optionsOf(context: OperationContext, stage: string): EvaluateOptions {
  return {
    engines: context.services.evaluationEngines,
    access: vaultAccess(context),
    onProgress: (done, total) => context.progress({ stage, done, total, unit: 'items' }),
  }
}

function judgeOptions(context: OperationContext, judge: NamedJudge, { name }: MeasuredModel): JudgeOptions {
  const { access, onProgress } = optionsOf(context, `judge ${name}`)
  return { judge, access, ...(onProgress ? { onProgress } : {}) }
}

/** The judge of a name, which must be none of the models that it judges. */
async function judgeOf(
  { store, config }: OperationContext,
  name: string,
  judged: readonly MeasuredModel[],
): Promise<NamedJudge> {
  const settings = Object.hasOwn(config.judges, name) ? config.judges[name] : undefined
  if (settings === undefined) {
    const known = Object.keys(config.judges).join(', ') || 'none'
    throw new RegraftError('not-found', `there is no judge '${name}'; judges: ${known}`, {
      hint: `add judges.${name} to regraft.yaml`,
    })
  }
  const judge = { name, ...settings }
  const aliases = await store.aliases.list()
  for (const { base, adapter } of judged) {
    const { name: baseName } = await store.artifacts.read<{ name: string }>(base)
    const own = aliases.filter(({ digest }) => digest === adapter).map((alias) => alias.name)
    refuseOwnJudge(judge, { baseName, adapter, aliases: own }, config)
  }
  return judge
}

async function checkJudged(
  { store, log }: OperationContext,
  judge: NamedJudge,
  digest: string,
): Promise<string> {
  const { items, unjudged = [] } = await readMeasurement(store, digest)
  const all = items.length + unjudged.length
  if (unjudged.length > all * MOST_UNJUDGED) {
    throw new RegraftError(
      'incompatible',
      `the judge ${judge.name} said nothing that can be read of ${unjudged.length} of ${all} items`,
      { hint: `name a larger model in judges.${judge.name}, or make the rubric simpler` },
    )
  }
  if (unjudged.length > 0) {
    log.warn(
      `${unjudged.length} of ${all} items are left out: the judge said nothing of them that can be read`,
    )
  }
  return digest
}

async function runOn<Parameters>(
  { store, signal }: OperationContext,
  { suite, base, adapter }: MeasuredModel,
  step: Step<Parameters>,
  parameters: Record<string, unknown>,
  more: Edge[] = [],
): Promise<string> {
  const { burned, erased } = await excludedItems(store, await readSuite(store, suite))
  const without = [...new Set([...burned, ...erased])].sort()
  const { digest } = await runStep({ project: store, signal }, step, {
    inputs: [
      { role: 'suite', digest: suite },
      { role: 'base', digest: base },
      ...(adapter ? [{ role: 'adapter', digest: adapter }] : []),
      ...more,
    ],
    parameters: { ...parameters, ...(without.length > 0 ? { without } : {}) },
  })
  return digest('measurement')
}

/** Warns about the items of a suite that do not count any more. */
export async function warnOfLeftOut({ store, log }: OperationContext, suite: string): Promise<void> {
  const { burned, erased } = await excludedItems(store, await readSuite(store, suite))
  if (burned.length > 0) log.warn(`${burned.length} items of the suite are burned: people have seen them`)
  if (erased.length > 0) log.warn(`${erased.length} items of the suite were erased with their end user`)
}
