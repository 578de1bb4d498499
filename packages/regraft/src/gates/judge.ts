import { z } from 'zod'
import { defineStep } from '../lineage/index.ts'
import type { Verdict } from '../verdict/index.ts'
import {
  type ComparisonVerdict,
  conjunction,
  decideBetterThanBase,
  decideNotWorseThanIncumbent,
  type ScoredModel,
} from './decide.ts'
import { type StoredMeasurement, type SuiteMeasurement, upcastMeasurement } from './measurement.ts'

/** The content of a verdict artifact of a gate. */
export interface GateRecord {
  adapter: string
  suite: string
  verdict: Verdict
}

const Parameters = z.object({
  margin: z.number(),
  alpha: z.number(),
  /** What the models are called in the verdict. */
  names: z.object({ candidate: z.string(), base: z.string(), incumbent: z.string().nullable() }),
  rerun: z.string(),
})

/** Judges measurements of one suite: candidate and base, and the incumbent where there is one. */
export const judgeGate = defineStep({
  name: 'gates/judge',
  version: 2,
  determinism: 'pure',
  input: Parameters,
  async run({ parameters, inputs, read }) {
    const { margin, alpha, names, rerun } = parameters
    const measurementOf = async (role: string) => upcastMeasurement(await read<StoredMeasurement>(role))
    const measured = await measurementOf('candidate')
    const common = commonItems(await Promise.all(inputs.map(({ role }) => measurementOf(role))))
    const scored = async (role: string, name: string): Promise<ScoredModel> => {
      const correct = new Map((await measurementOf(role)).items.map((item) => [item.id, item.correct]))
      const measurement = inputs.find((input) => input.role === role)!.digest
      return { name, correct: common.map((id) => correct.get(id)!), measurement }
    }
    const candidate = await scored('candidate', names.candidate)
    const parts: ComparisonVerdict[] = [
      decideBetterThanBase(candidate, await scored('base', names.base), alpha),
    ]
    if (names.incumbent !== null) {
      const incumbent = await scored('incumbent', names.incumbent)
      parts.push(decideNotWorseThanIncumbent(candidate, incumbent, { margin, alpha }))
    }
    const [againstBase] = parts
    const outcome = conjunction(parts)
    const needed = Math.max(...parts.map((part) => part.needed ?? 0))
    const verdict: Verdict = {
      outcome,
      title: `gate of ${names.candidate}`,
      reason:
        names.incumbent === null
          ? 'compared with its base; no incumbent answers this suite yet'
          : `compared with its base and with the incumbent ${names.incumbent}; both must pass`,
      ...(againstBase!.effect === undefined ? {} : { effect: againstBase!.effect }),
      ...(againstBase!.interval ? { interval: againstBase!.interval } : {}),
      ...(againstBase!.unit ? { unit: againstBase!.unit } : {}),
      n: candidate.correct.length,
      ...(outcome === 'cannot-tell' ? { needed } : {}),
      parts: parts.map((part) => ({ ...part, rerun })),
      evidence: [...new Set(parts.flatMap(({ evidence }) => evidence))],
      rerun,
    }
    const record: GateRecord = { adapter: measured.adapter!, suite: measured.suite, verdict }
    return [{ role: 'verdict', kind: 'verdict', schemaVersion: 1, value: record }]
  },
})

/** Ids of the items that every measurement has, in the order of the first: a pair is two answers to one item. */
export function commonItems([first, ...others]: SuiteMeasurement[]): string[] {
  const sets = others.map(({ items }) => new Set(items.map(({ id }) => id)))
  return first!.items.map(({ id }) => id).filter((id) => sets.every((ids) => ids.has(id)))
}
