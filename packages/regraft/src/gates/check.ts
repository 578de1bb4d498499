import { z } from 'zod'
import { erasureOf } from '../datasets/index.ts'
import { runStep, shortDigest } from '../lineage/index.ts'
import type { AdapterRecord } from '../models/index.ts'
import { commandLine, defineOperation, type OperationContext } from '../operation/index.ts'
import { renderVerdict, VerdictOutput } from '../verdict/index.ts'
import { AdapterChoice, LongestAnswer, SuiteChoice } from './choices.ts'
import { chooseIncumbent, findAdapter, findSuite, gateAlias, scoreOf } from './find-adapter.ts'
import { readGateRecord } from './gate-record.ts'
import { type GatheredNeed, gatherMeasurements } from './gather.ts'
import { judgeGate } from './judge.ts'
import { countLooks } from './looks.ts'
import { type GatePlan, planGate } from './plan.ts'
import { earlierRole } from './requirements/index.ts'

const CheckInput = z.object({
  adapter: AdapterChoice,
  evaluation: SuiteChoice,
  incumbent: z
    .string()
    .optional()
    .describe('digest of the adapter that must not be lost to; else the registered one with this suite'),
  maxTokens: LongestAnswer,
})

const Score = z.object({ name: z.string(), accuracy: z.number(), low: z.number(), high: z.number() })

const CheckOutput = z.object({
  adapter: z.string(),
  suite: z.string(),
  record: z.string().describe('digest of the verdict'),
  scores: z.array(Score),
  verdict: VerdictOutput,
})

/** An adapter must show what `gates.requirements` says, item by item on sealed suites. */
export const checkOperation = defineOperation({
  name: 'gates check',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  heavy: true,
  summary: 'Judge an adapter by the requirements of regraft.yaml, item by item on sealed suites',
  input: CheckInput,
  output: CheckOutput,
  positionals: ['adapter'],
  example: 'regraft gates check',
  render({ scores, verdict }) {
    const width = Math.max(...scores.map(({ name }) => name.length))
    const lines = scores.map(({ name, accuracy, low, high }) => {
      return `  ${name.padEnd(width)}  ${percent(accuracy)}  [${percent(low)}, ${percent(high)}]`
    })
    return [...lines, renderVerdict(verdict)].join('\n')
  },
  async run(context, input) {
    const { store, signal } = context
    const adapter = await findAdapter(context, input.adapter)
    const suite = await findSuite(
      context,
      await store.artifacts.read<AdapterRecord>(adapter),
      input.evaluation,
    )
    const incumbent = await chooseIncumbent(context, input.incumbent, suite, adapter)
    await warnOfErasure(context, adapter)
    const plan = await planGate(context, adapter, suite, incumbent)
    const gathered = await gatherMeasurements(context, plan, input.maxTokens)
    const { inputs, parameters } = await judgement(context, plan, gathered)
    const rerun: string = commandLine(checkOperation, { ...input, adapter: shortDigest(adapter) })
    const judged = await runStep({ project: store, signal }, judgeGate, {
      inputs,
      parameters: { ...parameters, rerun },
    })
    const digest = judged.digest('verdict')
    await store.aliases.set(gateAlias(adapter), digest)
    const scores = []
    for (const { need, digest: measurement } of gathered) {
      if (need.measure !== 'scores' || need.suite !== plan.scope.suite) continue
      const form = need.form === undefined ? '' : ` as ${need.form}`
      scores.push({
        name: `${plan.models[need.model]!.name}${form}`,
        ...(await scoreOf(context, measurement)),
      })
    }
    const { verdict } = await readGateRecord(store, digest)
    return { adapter, suite, record: digest, scores, verdict }
  },
})

/** What the judging step reads and is told. */
async function judgement(
  { store, config }: OperationContext,
  plan: GatePlan,
  gathered: readonly GatheredNeed[],
) {
  const { adapter, record, requirements, scope, suites, models } = plan
  const { alpha, margin, gap, sequential } = config.gates
  const thresholds = { alpha, margin, gap }
  const measured: Record<string, string> = {}
  for (const { need, digest } of gathered) {
    if (need.measure === 'scores' && need.model === 'candidate') measured[need.suite] = digest
  }
  const { look, earlier, spent, changed } = await countLooks(store, adapter, {
    ...{ measured, requirements, thresholds, sequential },
  })
  return {
    inputs: [
      ...gathered.map(({ role, digest }) => ({ role, digest })),
      ...earlier.map(({ suite, digest }) => ({ role: earlierRole(suite), digest })),
      ...(record.snapshot === null ? [] : [{ role: 'snapshot', digest: record.snapshot }]),
    ],
    parameters: {
      ...{ requirements, thresholds, sequential, look, spent, changed, scope, suites },
      names: {
        candidate: models.candidate!.name,
        base: models.base!.name,
        incumbent: models.incumbent?.name ?? null,
      },
    },
  }
}

/** Says that a candidate has learned from a person who was erased since: no result makes that right. */
async function warnOfErasure({ store, log }: OperationContext, adapter: string): Promise<void> {
  const certificate = await erasureOf(store, adapter)
  if (certificate === null) return
  log.warn(
    `adapter ${shortDigest(adapter)} has learned from an erased person: train it again (certificate ${shortDigest(certificate)})`,
  )
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).padStart(5)} %`
}
