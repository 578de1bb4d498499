import { z } from 'zod'
import { runStep } from '../../lineage/index.ts'
import { defineOperation } from '../../operation/index.ts'
import { renderVerdict, type Verdict } from '../../verdict/index.ts'
import { task, trafficInputs } from '../calibration/calibrate.ts'
import { auditSignals, type SignalAudit } from './step.ts'

/** Alias of the newest audit of a task, or of all traffic. */
function auditAlias(of: string | null): string {
  return of === null ? 'signal-audit/all' : `signal-audit/task/${of}`
}

export const auditOperation = defineOperation({
  name: 'signals audit',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary:
    'Look for what biases the signals: length, position, heavy users, feedback that is not missing at random',
  input: z.object({
    task,
    goldWords: z
      .int()
      .min(0)
      .default(8)
      .describe('labels of at most so many words judge answers by comparison †; 0 for none'),
  }),
  output: z.object({
    audit: z.string().describe('digest of the measurement'),
    verdict: z.custom<Verdict>((value) => typeof value === 'object' && value !== null && 'outcome' in value),
  }),
  example: 'regraft signals audit --task routing',
  render: ({ verdict }) => renderVerdict(verdict),
  async run(context, input) {
    const { store, progress, signal } = context
    const inputs = await trafficInputs(context)
    progress({ stage: 'audit' })
    const { digest } = await runStep({ project: store, signal }, auditSignals, {
      inputs,
      parameters: { task: input.task ?? null, goldWords: input.goldWords },
    })
    const audit = digest('audit')
    await store.aliases.set(auditAlias(input.task ?? null), audit)
    const { verdict } = await store.artifacts.read<SignalAudit>(audit)
    return { audit, verdict: { ...verdict, evidence: [audit] } }
  },
})
