import { z } from 'zod'
import { ParitySettings, type RequirementSettings } from '../config/index.ts'
import { defineStep } from '../lineage/index.ts'
import type { Verdict } from '../verdict/index.ts'
import { readEvidence } from './evidence.ts'
import { GateParameters } from './judge.ts'
import { decideRequirement, withRerun } from './requirements/index.ts'

/** The content of a verdict artifact of the forms of an adapter. */
export interface ParityRecord {
  adapter: string
  parity: RequirementSettings
  verdict: Verdict
}

const Parameters = GateParameters.pick({ scope: true, suites: true, names: true, rerun: true }).extend({
  settings: ParitySettings,
  alpha: z.number(),
  margin: z.number(),
})

/** Judges forms of an adapter by their measurements, as the requirement `parity` of a gate does; it is no look at the adapter. */
export const judgeParity = defineStep({
  name: 'gates/judge-parity',
  version: 1,
  determinism: 'pure',
  input: Parameters,
  async run({ parameters, inputs, readAll }) {
    const { settings, alpha, margin, rerun, scope } = parameters
    const evidence = await readEvidence(parameters, inputs, readAll)
    const parity = { require: 'parity', ...settings } as const
    const draft = decideRequirement(parity, evidence, { alpha, margin, gap: margin, look: null })!
    const { adapter } = evidence.scores('candidate', settings.suite ?? scope.suite, 'f32').value
    const title = `forms of ${evidence.names.candidate}`
    const record: ParityRecord = { adapter: adapter!, parity, verdict: withRerun({ ...draft, title }, rerun) }
    return [{ role: 'verdict', kind: 'verdict', schemaVersion: 1, value: record }]
  },
})
