import { z } from 'zod'
import {
  commonItems,
  compare,
  describeMargin,
  describeSide,
  type PairedItem,
  type Question,
  type StoredMeasurement,
  type SuiteMeasurement,
  unitOf,
  upcastMeasurement,
} from '../../gates/index.ts'
import { defineStep } from '../../lineage/index.ts'
import type { Outcome, Verdict } from '../../verdict/index.ts'
import { type Agreement, agreementOf, describeAgreement } from './agreement.ts'

/** Over its untouched base, for the power that is told †. */
const EXPECTED_GAIN = 0.05

const Parameters = z.object({
  drill: z.enum(['migrate', 'rescue']),
  /** Whose place it is to take. */
  name: z.string(),
  version: z.int(),
  names: z.object({ candidate: z.string(), base: z.string(), old: z.string() }),
  /** When it ended (ISO 8601), and how long it took, interrupted attempts included. */
  at: z.string(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  /** Of the hours; null where no price of the machine is configured. */
  cost: z.object({ amount: z.number(), currency: z.string() }).nullable(),
  /** Loss against the old adapter that would still be accepted, declared beforehand. */
  margin: z.number(),
  /** One-sided error probability. */
  alpha: z.number(),
  /** What differs and what was found on the way, in sentences, and the figures behind them. */
  notes: z.array(z.string()),
  details: z.record(z.string(), z.unknown()),
  rerun: z.string(),
})
export type MoveParameters = z.output<typeof Parameters>

/** The content of a verdict artifact of a move: a gate record, so that the new adapter can be registered. */
export interface MoveRecord extends Omit<MoveParameters, 'names' | 'rerun' | 'name' | 'version'> {
  /** The new adapter, the one that it was judged against, and the registration of that one. */
  adapter: string
  replaces: string | null
  registration: string
  suite: string
  /** On the items of the suite. */
  agreement: Agreement | null
  verdict: Verdict
}

/**
 * Judges an adapter on its new base by the old adapter's answers to the suite. Inputs: registration, and the measurements
 * `candidate`, `base` (the new one untouched) and `old`.
 */
export const judgeMove = defineStep({
  name: 'fleet/judge-move',
  version: 2,
  determinism: 'pure',
  input: Parameters,
  async run({ parameters, inputs, read }) {
    const { names, rerun, name, version, ...kept } = parameters
    const digestOf = (role: string) => inputs.find((input) => input.role === role)!.digest
    const measured = {
      candidate: upcastMeasurement(await read<StoredMeasurement>('candidate')),
      base: upcastMeasurement(await read<StoredMeasurement>('base')),
      old: upcastMeasurement(await read<StoredMeasurement>('old')),
    }
    const ids = commonItems([measured.candidate, measured.base, measured.old])
    const agreement = agreementOf(answersOf(ids, measured.candidate, measured.old))
    const part = (role: 'base' | 'old', question: Question): Verdict => {
      const items = pairedItems(ids, measured.candidate, measured[role])
      const { power, ...compared } = compare(items, question, { alpha: parameters.alpha, look: null })
      const superior = question.ask === 'superior'
      const margin = superior ? '' : `; ${describeMargin(items, parameters.margin)}`
      return {
        ...compared,
        title: `${superior ? 'better' : 'no worse'} than the ${names[role]}`,
        reason: `${describeSide(names.candidate, items, 'candidate')} against ${describeSide(names[role], items, 'other')}${margin}`,
        unit: unitOf(items),
        power: { value: power, alternative: superior ? '5 points better †' : 'no difference' },
        evidence: [digestOf('candidate'), digestOf(role)],
        rerun,
      }
    }
    const parts = [
      part('base', { ask: 'superior', expected: EXPECTED_GAIN }),
      part('old', { ask: 'not-inferior', margin: parameters.margin }),
    ]
    const [, against] = parts as [Verdict, Verdict]
    const outcome = outcomeOf(parts)
    const needed = Math.max(...parts.map((each) => each.needed ?? 0))
    const verb = parameters.drill === 'migrate' ? 'migration' : 'rescue'
    const verdict: Verdict = {
      outcome,
      title: `${verb} of ${name} v${version}`,
      reason: [
        `judged by what the old adapter answered to the same ${ids.length} items`,
        ...(agreement ? [`both say the same on ${describeAgreement(agreement)}`] : []),
        ...parameters.notes,
        describeEffort(parameters),
      ].join('\n'),
      ...(against.effect === undefined ? {} : { effect: against.effect }),
      ...(against.interval ? { interval: against.interval } : {}),
      ...(against.unit === undefined ? {} : { unit: against.unit }),
      n: ids.length,
      ...(outcome === 'cannot-tell' ? { needed } : {}),
      parts,
      evidence: [...new Set([...parts.flatMap(({ evidence }) => evidence), digestOf('registration')])],
      rerun,
    }
    const { adapter, suite } = measured.candidate
    const record: MoveRecord = {
      ...kept,
      adapter: adapter!,
      replaces: measured.old.adapter,
      registration: digestOf('registration'),
      ...{ suite, agreement, verdict },
    }
    return [{ role: 'verdict', kind: 'verdict', schemaVersion: 1, value: record }]
  },
})

/** Scores of both, item by item. */
function pairedItems(
  ids: readonly string[],
  candidate: SuiteMeasurement,
  other: SuiteMeasurement,
): PairedItem[] {
  const [ones, others] = [byId(candidate), byId(other)]
  return ids.map((id) => {
    const { score, slices, cluster } = ones.get(id)!
    const facts = { ...(slices ? { slices } : {}), ...(cluster === undefined ? {} : { cluster }) }
    return { id, ...facts, candidate: score, other: others.get(id)!.score }
  })
}

function answersOf(ids: readonly string[], candidate: SuiteMeasurement, old: SuiteMeasurement) {
  const [ones, others] = [byId(candidate), byId(old)]
  return ids.map((id) => ({ one: ones.get(id)!.answer, other: others.get(id)!.answer }))
}

function byId({ items }: SuiteMeasurement): Map<string, SuiteMeasurement['items'][number]> {
  return new Map(items.map((item) => [item.id, item]))
}

/** All must pass; one failure fails the whole. */
function outcomeOf(parts: readonly Verdict[]): Outcome {
  if (parts.some(({ outcome }) => outcome === 'fail')) return 'fail'
  return parts.every(({ outcome }) => outcome === 'pass') ? 'pass' : 'cannot-tell'
}

function describeEffort({ seconds, cpuSeconds, cost }: MoveParameters): string {
  const price = cost ? `, ${cost.amount.toFixed(2)} ${cost.currency}` : ''
  return `took ${hours(seconds)} (${hours(cpuSeconds)} of processors in trainings)${price}`
}

function hours(seconds: number): string {
  if (seconds < 90) return `${seconds.toFixed(1)} s`
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`
}
