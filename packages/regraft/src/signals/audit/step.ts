import { z } from 'zod'
import { defineStep, type Selection } from '../../lineage/index.ts'
import { shellWord } from '../../operation/index.ts'
import type { Verdict } from '../../verdict/index.ts'
import { sealedRows } from '../calibration/step.ts'
import { compileSignals } from '../compile.ts'
import { readTraffic } from '../traffic.ts'
import { AuditEvidence } from './evidence.ts'
import { AUDITS } from './index.ts'

/** The content of the measurement artifact of an audit. */
export interface SignalAudit {
  measures: 'signal-audit'
  task: string | null
  verdict: Verdict
}

/** Looks for what biases the signals as a whole. */
export const auditSignals = defineStep({
  name: 'signals/audit',
  version: 1,
  determinism: 'pure',
  input: z.object({ task: z.string().nullable(), goldWords: z.int().min(0) }),
  async run({ parameters, read, readAll, project, signal, report }) {
    const { task, goldWords } = parameters
    const selections = {
      inferences: await read<Selection>('inferences'),
      feedback: await read<Selection>('feedback'),
    }
    const sealed = sealedRows(await readAll('suite'))
    const evidence = new AuditEvidence(goldWords)
    let done = 0
    for await (const input of readTraffic(project, task, selections)) {
      evidence.add(input, compileSignals(input), !sealed.has(input.inference.id))
      if (++done % 1000 === 0) {
        signal.throwIfAborted()
        report(done)
      }
    }
    const rerun = `regraft signals audit${task === null ? '' : ` --task ${shellWord(task)}`}`
    const audit: SignalAudit = { measures: 'signal-audit', task, verdict: reportOf(evidence, rerun) }
    return [{ role: 'audit', kind: 'measurement', schemaVersion: 1, value: audit }]
  },
})

/** Every audit that something bears on, as one verdict: it fails when one fails. */
export function reportOf(evidence: AuditEvidence, rerun: string): Verdict {
  const parts = AUDITS.flatMap((audit): Verdict[] => {
    const finding = audit.judge(evidence)
    return finding ? [{ title: audit.title, ...finding, evidence: [], rerun }] : []
  })
  const silent = AUDITS.length - parts.length
  const has = (outcome: string) => parts.some((part) => part.outcome === outcome)
  const outcome = has('fail') ? 'fail' : has('cannot-tell') || parts.length === 0 ? 'cannot-tell' : 'pass'
  const needed = Math.max(0, ...parts.map((part) => part.needed ?? 0))
  return {
    outcome,
    title: 'biases of the signals',
    reason: `${parts.length} audits${silent > 0 ? `; nothing bears on ${silent} others` : ''}`,
    n: Math.max(0, ...parts.map(({ n }) => n)),
    ...(outcome === 'cannot-tell' && needed > 0 ? { needed } : {}),
    parts,
    evidence: [],
    rerun,
  }
}
