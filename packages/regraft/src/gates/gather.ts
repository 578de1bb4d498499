import { storedPrecision } from '@regraft/engine'
import type { Form } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { type AnyBase, requireLocalBase } from '../models/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { requireSnapshotOf, scoringOf } from './find-adapter.ts'
import { measureForms } from './form-distance.ts'
import { requireClean } from './grown.ts'
import { type MeasuredModel, measureModel, measureReferences, timeModel, warnOfLeftOut } from './measure.ts'
import type { GatePlan } from './plan.ts'
import { type Need, needsOf, roleOf, type SuiteNeed, screeningOf } from './requirements/index.ts'

/** A measurement under the role that the judging step knows it by. */
export interface GatheredNeed {
  need: Need
  role: string
  digest: string
}

/**
 * Runs the measurements that a gate reads, one after another, each only once; those that were made before come from the cache of
 * steps. First of all the candidate's rows are screened against suites that have grown: if they hold items, nothing is measured.
 * The candidate's scores on the judged suite are always among the measurements.
 */
export async function gatherMeasurements(
  context: OperationContext,
  plan: GatePlan,
  maxTokens: number | undefined,
): Promise<GatheredNeed[]> {
  for (const suite of Object.values(plan.suites)) await warnOfLeftOut(context, suite)
  const measureForm = measureForms(context)
  const gathered: GatheredNeed[] = []
  for (const need of allNeeds(plan)) {
    const { candidate } = plan.models
    const digest =
      need.measure === 'distance'
        ? await measureForm({ ...candidate!, suite: plan.suites[need.suite]! }, need.form)
        : await measure(context, plan, need, maxTokens)
    gathered.push({ need, role: roleOf(need), digest })
  }
  return gathered
}

function allNeeds({ requirements, scope, grown }: GatePlan): Need[] {
  const needs = new Map<string, Need>()
  const first: Need[] = [
    ...grown.map((suite) => screeningOf(suite)),
    { measure: 'scores', model: 'candidate', suite: scope.suite },
  ]
  for (const need of [...first, ...requirements.flatMap((requirement) => needsOf(requirement, scope))]) {
    const role = roleOf(need)
    const items = Math.max(need.items ?? 0, needs.get(role)?.items ?? 0)
    needs.set(role, { ...need, ...(items > 0 ? { items } : {}) })
  }
  return [...needs.values()]
}

async function measure(
  context: OperationContext,
  { adapter, record, suites, models, scope }: GatePlan,
  { measure: kind, model, suite, items, form }: SuiteNeed,
  maxTokens: number | undefined,
): Promise<string> {
  const asked = models[model]
  const digest = suites[suite]
  if (asked === null || digest === undefined) {
    throw new RegraftError(
      'internal',
      `a gate asks for ${kind} of the ${model} on ${suite}, which it does not have`,
    )
  }
  if (kind === 'screening')
    return await requireClean(context, { adapter, snapshot: requireSnapshotOf(record), suite: digest })
  const kept = await ownForm(context, asked.base, form)
  const name = `${asked.name} on ${suite}${kept === undefined ? '' : ` as ${kept}`}`
  const measured: MeasuredModel = {
    ...asked,
    name,
    suite: digest,
    ...(kept === undefined ? {} : { form: kept }),
  }
  if (kind === 'likelihood') return await measureReferences(context, measured)
  const isOwn = suite === scope.suite || suite === scope.fresh
  const scoring = await scoringOf(context, record, digest, isOwn ? maxTokens : undefined)
  if (kind === 'scores') {
    // One opponent for all, where a judge compares answers.
    const opponent = models.incumbent ?? models.base
    return await measureModel(context, measured, scoring, { ...opponent!, suite: digest })
  }
  return await timeModel(context, measured, { maxTokens: scoring.maxTokens, items: items ?? 1 })
}

/** A form that is what a model is measured in anyway is none of its own: what was measured so is taken from the cache. */
async function ownForm(
  { store }: OperationContext,
  base: string,
  form: Form | undefined,
): Promise<Form | undefined> {
  if (form === undefined) return undefined
  const stored = storedPrecision(requireLocalBase(await store.artifacts.read<AnyBase>(base)))
  return form === stored ? undefined : form
}
