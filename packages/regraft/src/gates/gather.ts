import { RegraftError } from '../errors/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { scoringOf } from './find-adapter.ts'
import { type MeasuredModel, measureModel, measureReferences, timeModel, warnOfLeftOut } from './measure.ts'
import type { GatePlan } from './plan.ts'
import { type Need, needsOf, roleOf } from './requirements/index.ts'

/** A measurement under the role that the judging step knows it by. */
export interface GatheredNeed {
  need: Need
  role: string
  digest: string
}

/**
 * Runs the measurements that a gate reads, one after another, each only once; those that were made before come from the cache of
 * steps. The candidate's scores on the judged suite are always among them, and first.
 */
export async function gatherMeasurements(
  context: OperationContext,
  plan: GatePlan,
  maxTokens: number | undefined,
): Promise<GatheredNeed[]> {
  for (const suite of Object.values(plan.suites)) await warnOfLeftOut(context, suite)
  const gathered: GatheredNeed[] = []
  for (const need of allNeeds(plan)) {
    gathered.push({ need, role: roleOf(need), digest: await measure(context, plan, need, maxTokens) })
  }
  return gathered
}

function allNeeds({ requirements, scope }: GatePlan): Need[] {
  const needs = new Map<string, Need>()
  const first: Need = { measure: 'scores', model: 'candidate', suite: scope.suite }
  for (const need of [first, ...requirements.flatMap((requirement) => needsOf(requirement, scope))]) {
    const role = roleOf(need)
    const items = Math.max(need.items ?? 0, needs.get(role)?.items ?? 0)
    needs.set(role, { ...need, ...(items > 0 ? { items } : {}) })
  }
  return [...needs.values()]
}

async function measure(
  context: OperationContext,
  { record, suites, models, scope }: GatePlan,
  { measure: kind, model, suite, items }: Need,
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
  const measured: MeasuredModel = { ...asked, name: `${asked.name} on ${suite}`, suite: digest }
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
