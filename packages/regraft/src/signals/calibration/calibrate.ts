import { z } from 'zod'
import { RegraftError } from '../../errors/index.ts'
import { makeSelection, runStep } from '../../lineage/index.ts'
import { defineOperation, type OperationContext } from '../../operation/index.ts'
import type { Edge, ProjectStore } from '../../store/types.ts'
import { renderVerdict, type Verdict } from '../../verdict/index.ts'
import { type Calibration, calibrateSignals } from './step.ts'
import { verdictOf } from './verdict.ts'

/** Alias of the newest calibration of a task, or of all traffic. */
export function calibrationAlias(task: string | null): string {
  return task === null ? 'calibration/all' : `calibration/task/${task}`
}

/** The calibration that counts for a task: its own, else that of all traffic. */
export async function findCalibration(store: ProjectStore, task: string | null): Promise<string | null> {
  const own = await store.aliases.get(calibrationAlias(task))
  return own ?? (task === null ? null : await store.aliases.get(calibrationAlias(null)))
}

export const task = z.string().optional().describe('task of regraft.yaml: only its rows, and rows of no task')

const VerdictOutput = z.custom<Verdict>(
  (value) => typeof value === 'object' && value !== null && 'outcome' in value,
)
const Output = z.object({
  calibration: z.string().describe('digest of the measurement'),
  answers: z
    .object({ right: z.int(), wrong: z.int(), unwelcome: z.int() })
    .describe('judged answers that were used'),
  baseRate: z
    .object({ estimate: z.number(), low: z.number(), high: z.number(), n: z.number() })
    .describe('share of right answers'),
  verdict: VerdictOutput,
})

export const calibrateOperation = defineOperation({
  name: 'signals calibrate',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary: 'Judge every rule of the signal compiler by what people said of answers and signals',
  input: z.object({
    task,
    threshold: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.7)
      .describe('precision that the lower bound of a rule of pairs must reach †'),
    level: z.number().gt(0.5).lt(1).default(0.95).describe('level of the one-sided bounds †'),
    goldWords: z
      .int()
      .min(0)
      .default(8)
      .describe('labels of at most so many words judge answers by comparison †; 0 for none'),
    baseRate: z
      .number()
      .gt(0)
      .lt(1)
      .optional()
      .describe('share of right answers, where it is known from elsewhere'),
  }),
  output: Output,
  example: 'regraft signals calibrate --task routing',
  render,
  async run(context, input) {
    const { store, progress, signal } = context
    const inputs = await trafficInputs(context)
    progress({ stage: 'calibrate' })
    const { digest } = await runStep({ project: store, signal }, calibrateSignals, {
      inputs,
      parameters: { ...input, task: input.task ?? null, baseRate: input.baseRate ?? null },
    })
    const calibration = digest('calibration')
    await store.aliases.set(calibrationAlias(input.task ?? null), calibration)
    return await outputOf(store, calibration)
  },
})

export const showOperation = defineOperation({
  name: 'signals show',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show what the newest calibration found of each rule',
  input: z.object({ task }),
  output: Output,
  example: 'regraft signals show --task routing',
  render,
  async run({ store }, input) {
    const calibration = await findCalibration(store, input.task ?? null)
    if (calibration !== null) return await outputOf(store, calibration)
    throw new RegraftError('not-found', 'nothing has been calibrated yet', {
      hint: 'regraft signals calibrate',
    })
  },
})

/** Selections of all traffic and feedback, and the suites, whose rows are passed over. Throws 'not-found' when there is none. */
export async function trafficInputs({ store, services }: OperationContext): Promise<Edge[]> {
  await services.journals.drained(store.projectId)
  const inferences = await makeSelection(store, 'inferences')
  const feedback = await makeSelection(store, 'feedback')
  if (inferences.selection.count === 0) {
    throw new RegraftError('not-found', 'there is no traffic to read', {
      hint: 'regraft import tickets.csv --text text --label category',
    })
  }
  return [
    { role: 'inferences', digest: inferences.artifact.digest },
    { role: 'feedback', digest: feedback.artifact.digest },
    ...(await store.artifacts.list('suite')).map(({ digest }) => ({ role: 'suite', digest })),
  ]
}

async function outputOf(store: ProjectStore, digest: string) {
  const calibration = await store.artifacts.read<Calibration>(digest)
  const { answers, baseRate } = calibration
  return { calibration: digest, answers, baseRate, verdict: verdictOf(calibration, digest) }
}

function render({ answers, baseRate, verdict }: z.output<typeof Output>): string {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  const interval = baseRate.n > 0 ? ` [${percent(baseRate.low)}, ${percent(baseRate.high)}]` : ' as stated'
  return [
    `judged answers: ${answers.right} right, ${answers.wrong} wrong, ${answers.unwelcome} unwelcome; right answers ${percent(baseRate.estimate)}${interval}`,
    renderVerdict(verdict),
  ].join('\n')
}
