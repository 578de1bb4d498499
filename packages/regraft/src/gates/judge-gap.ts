import { z } from 'zod'
import { defineStep } from '../lineage/index.ts'
import type { Verdict } from '../verdict/index.ts'
import { decideGap } from './decide-gap.ts'
import { type StoredMeasurement, upcastMeasurement } from './measurement.ts'
import { withRerun } from './requirements/index.ts'

/** The content of a verdict artifact of a gap. */
export interface GapRecord {
  adapter: string
  frozen: string
  fresh: string
  verdict: Verdict
}

const Parameters = z.object({
  margin: z.number(),
  alpha: z.number(),
  /** What the adapter is called in the verdict. */
  name: z.string(),
  rerun: z.string(),
})

/** Judges two measurements of one adapter: on the frozen suite and on the fresh one. */
export const judgeGap = defineStep({
  name: 'gates/judge-gap',
  version: 2,
  determinism: 'pure',
  input: Parameters,
  async run({ parameters, inputs, read }) {
    const { margin, alpha, name, rerun } = parameters
    const measurementOf = async (role: string) => upcastMeasurement(await read<StoredMeasurement>(role))
    const scored = async (role: 'frozen' | 'fresh') => {
      const { items } = await measurementOf(role)
      const measurement = inputs.find((input) => input.role === role)!.digest
      return { name: `${role} suite`, correct: items.map(({ correct }) => correct), measurement }
    }
    const frozen = await measurementOf('frozen')
    const fresh = await measurementOf('fresh')
    const decided = decideGap(await scored('frozen'), await scored('fresh'), { margin, alpha })
    const verdict = withRerun({ ...decided, title: `${name}: ${decided.title}` }, rerun)
    const record: GapRecord = { adapter: frozen.adapter!, frozen: frozen.suite, fresh: fresh.suite, verdict }
    return [{ role: 'verdict', kind: 'verdict', schemaVersion: 1, value: record }]
  },
})
