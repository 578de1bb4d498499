import { z } from 'zod'
import {
  commonItems,
  type StoredMeasurement,
  type SuiteMeasurement,
  upcastMeasurement,
} from '../gates/index.ts'
import { defineStep, shortDigest } from '../lineage/index.ts'
import type { AdapterRecord } from '../models/index.ts'
import type { Verdict } from '../verdict/index.ts'
import { decideEquivalent } from './drill/decide-equivalent.ts'
import type { Isolation } from './drill/enclosure.ts'
import type { DrilledSeed } from './drill/train-seed.ts'
import { MISSING_KINDS } from './missing-input.ts'
import { type Registration, upcastRegistration } from './registration.ts'

const Finding = z.object({
  /** When the drill ended, in ISO 8601. */
  at: z.string(),
  /** How long the drill took, trainings before an interruption included. */
  seconds: z.number(),
  /** Of the trainings. */
  cpuSeconds: z.number(),
  /** Of the hours of the drill; null where no price of the machine is configured. */
  cost: z.object({ amount: z.number(), currency: z.string() }).nullable(),
  /** How far the trainings were kept from what is not in the record; null when there was none. */
  isolation: z.custom<Isolation>((value) => typeof value === 'object' && value !== null).nullable(),
  /** The first input that is missing or changed; null when a rebuild was possible. */
  missing: z.object({ kind: z.enum(MISSING_KINDS), text: z.string() }).nullable(),
  /** The trainings, the one with the recorded seed first. */
  seeds: z.array(z.custom<DrilledSeed>((value) => typeof value === 'object' && value !== null)),
  /** By how much the accuracy may differ, declared before the drill. */
  margin: z.number(),
  /** One-sided error probability of each of the two tests. */
  alpha: z.number(),
  /** Why the adapters were not measured; null where they were, or need not be. */
  unmeasured: z.string().nullable(),
  /** Whether present versions of steps stood for recorded ones. */
  newerSteps: z.boolean(),
  rerun: z.string(),
})
export type RebuildFinding = z.output<typeof Finding>

/** The content of a verdict artifact of a rebuild drill: `find('verdict', { drill: 'rebuild', adapter })`. */
export interface RebuildRecord extends Omit<RebuildFinding, 'unmeasured' | 'rerun'> {
  drill: 'rebuild'
  adapter: string
  registration: string
  verdict: Verdict
}

/**
 * Judges a drill. Inputs: the registration; the rebuilt adapters in the order of `seeds`; where they were measured, the
 * registered adapter's measurement and theirs.
 */
export const judgeRebuild = defineStep({
  name: 'fleet/judge-rebuild',
  version: 3,
  determinism: 'pure',
  input: Finding,
  async run({ parameters, inputs, read, readAll, project }) {
    const registration = upcastRegistration(await read<Registration>('registration'))
    const { unmeasured, rerun, ...finding } = parameters
    const decided = await decide(parameters, registration, {
      read: (digest) => project.artifacts.read(digest),
      measurements: [
        ...(await readAll<StoredMeasurement>('measurement')),
        ...(await readAll<StoredMeasurement>('rebuilt-measurement')),
      ].map(upcastMeasurement),
    })
    const { name, version, adapter, seeds, execution } = registration
    const measured = inputs.filter(({ role }) => role.endsWith('measurement')).map(({ digest }) => digest)
    const made = parameters.seeds.flatMap((seed) => [seed.adapter, seed.execution])
    const evidence = [adapter, execution, ...made, ...measured].filter((item) => item !== null)
    const { reason, n = 1, ...rest } = decided
    const verdict: Verdict = {
      ...rest,
      title: `rebuild of ${name} v${version}`,
      reason: [reason, ...circumstances(parameters)].join('\n'),
      n,
      ...(seeds[0] === undefined ? {} : { seed: seeds[0] }),
      evidence: [...new Set(evidence)],
      rerun,
    }
    const registered = inputs.find(({ role }) => role === 'registration')!.digest
    const record: RebuildRecord = { drill: 'rebuild', adapter, registration: registered, ...finding, verdict }
    return [{ role: 'verdict', kind: 'verdict', schemaVersion: 1, value: record }]
  },
})

type Decided = Pick<Verdict, 'outcome' | 'finding' | 'reason'> & Partial<Verdict>

async function decide(
  found: RebuildFinding,
  registration: Registration,
  sources: { read: (digest: string) => Promise<AdapterRecord>; measurements: SuiteMeasurement[] },
): Promise<Decided> {
  const { missing, seeds, unmeasured } = found
  const [first] = seeds
  if (missing !== null || first === undefined) {
    const reason = `first missing input: ${missing?.text ?? 'nothing was trained'}`
    return { outcome: 'fail', finding: 'IMPOSSIBLE', reason }
  }
  const comparison = compare(found, sources.measurements)
  if (first.adapter === registration.adapter) {
    const lock = describeLock(registration, first)
    const reason = `the same bytes came out: adapter ${shortDigest(first.adapter)}${lock.equal ? '' : `, though ${lock.text}`}`
    const parts = comparison ? { parts: [comparison] } : {}
    return { outcome: 'pass', finding: 'REPRODUCED', reason, ...parts }
  }
  const bytes = await describeBytes(registration, first, sources.read)
  if (!comparison) {
    const why = unmeasured ?? 'they were not measured'
    const reason = `${bytes}; whether the adapters are equivalent is not known: ${why}`
    return { outcome: 'cannot-tell', reason }
  }
  return { ...comparison, reason: `${bytes}; ${comparison.reason}` }
}

function compare(
  { margin, alpha, seeds, rerun }: RebuildFinding,
  measurements: SuiteMeasurement[],
): Verdict | null {
  if (seeds.length < 2 || measurements.length !== seeds.length + 1) return null
  const items = commonItems(measurements)
  const all = measurements.flatMap((measurement) => measurement.items)
  const graded = all.some(({ score, correct }) => score !== (correct ? 1 : 0))
  const scored = (of: (item: SuiteMeasurement['items'][number]) => number) => {
    const [registered, ...rebuilt] = measurements.map((measurement) => {
      const scores = new Map(measurement.items.map((item) => [item.id, of(item)]))
      return items.map((id) => scores.get(id)!)
    })
    return { registered: registered!, rebuilt }
  }
  const accuracy = scored(({ correct }) => (correct ? 1 : 0))
  const decided = decideEquivalent(accuracy, graded ? scored(({ score }) => score) : null, { margin, alpha })
  const { parts, ...whole } = decided
  return { ...whole, rerun, ...(parts ? { parts: parts.map((part) => ({ ...part, rerun })) } : {}) }
}

/** Which files came out with other bytes, and what in the lock may be why. */
async function describeBytes(
  registration: Registration,
  first: DrilledSeed,
  read: (digest: string) => Promise<AdapterRecord>,
): Promise<string> {
  const before = await read(registration.adapter)
  const after = await read(first.adapter)
  const changed = before.files.filter(
    ({ path, digest }) => after.files.find((file) => file.path === path)?.digest !== digest,
  )
  const files = changed.map(({ path }) => path).join(' and ')
  return `${files} came out with other bytes, ${describeLock(registration, first).text}`
}

function describeLock(registration: Registration, { lock: now }: DrilledSeed) {
  const { lock } = registration.environment
  const then = (typeof lock === 'object' && lock !== null ? lock : {}) as Record<string, unknown>
  const parts = Object.keys(then).filter((part) => then[part] !== now[part])
  if (parts.length === 0) return { equal: true, text: 'the environment lock is the same' }
  const changes = parts.map((part) => `${part} was ${then[part]}, is ${now[part]}`).join('; ')
  return { equal: false, text: `the environment lock differs: ${changes}` }
}

const FILES: Record<Isolation['files'], string> = {
  hidden: 'no files but those of the record',
  open: 'other files could be read',
}

/** How the drill was isolated, how long it took and what it cost, as lines. */
function circumstances({
  isolation,
  seconds,
  cpuSeconds,
  cost,
  newerSteps,
  seeds,
}: RebuildFinding): string[] {
  const lines: string[] = []
  if (newerSteps) lines.push('trained with the steps of this installation, not with the recorded versions')
  if (isolation) {
    const { kind, network, files, copied, reason } = isolation
    const place = kind === 'namespaces' ? 'in namespaces of its own' : `in a process only (${reason})`
    const parts = [
      ...['empty HOME', `network ${network === 'none' ? 'gone' : 'not blocked'}`, FILES[files]],
      ...(copied ? ['every input copied into one folder'] : []),
    ]
    lines.push(`isolated ${place}: ${parts.join(', ')}`)
  }
  const price = cost ? `, ${cost.amount.toFixed(2)} ${cost.currency}` : ''
  const trainings = seeds.length === 1 ? '1 training' : `${seeds.length} trainings`
  lines.push(`${trainings}, ${hours(seconds)} (${hours(cpuSeconds)} of processor time)${price}`)
  return lines
}

function hours(seconds: number): string {
  if (seconds < 90) return `${seconds.toFixed(1)} s`
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`
}
