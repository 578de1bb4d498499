import type { Form, RequirementSettings } from '../../config/index.ts'
import type { SnapshotManifest, SnapshotScreening } from '../../datasets/index.ts'
import type { Verdict } from '../../verdict/index.ts'
import type { ErrorRules, PairedItem } from '../comparison.ts'
import type {
  FormDistance,
  LatencyMeasurement,
  LikelihoodMeasurement,
  SuiteMeasurement,
} from '../measurement.ts'

export type ModelRole = 'candidate' | 'base' | 'incumbent'

/** A measurement that a requirement reads. */
export type Need = SuiteNeed | FormNeed

export interface SuiteNeed {
  /** A screening is of what the candidate learned from. */
  measure: 'scores' | 'likelihood' | 'latency' | 'screening'
  model: ModelRole
  /** Name of the suite. */
  suite: string
  /** Of a latency: how many items are timed. */
  items?: number
  /** Of scores of the candidate: how the adapter is put to use; as it is served unless given. */
  form?: Form
}

/** How far a form of the candidate is from the adapter at run time, on probes that belong to no suite. */
interface FormNeed {
  measure: 'distance'
  model: 'candidate'
  suite: string
  form: Form
  items?: number
}

/** The name of a need's measurement among the inputs of the judging step. */
export function roleOf({ measure, model, suite, form }: Need): string {
  return `${measure}:${model}:${suite}${form === undefined ? '' : `:${form}`}`
}

/** What has to be known of the candidate's rows where a suite has grown since its snapshot was built. */
export function screeningOf(suite: string): SuiteNeed {
  return { measure: 'screening', model: 'candidate', suite }
}

/** The name of the candidate's measurements in earlier looks. */
export function earlierRole(suite: string): string {
  return `earlier:${suite}`
}

/** What is judged, by name. */
export interface GateScope {
  /** The suite that the adapter is judged on, and the fresh one of its snapshot; null for none. */
  suite: string
  fresh: string | null
  hasIncumbent: boolean
}

/** An artifact that a requirement reads, with its digest for the evidence. */
export interface Read<Value> {
  digest: string
  value: Value
}

/** All that a decision may look at. */
export interface Evidence {
  scope: GateScope
  names: Record<ModelRole, string>
  /** Measurements that were asked for as needs. */
  scores(model: ModelRole, suite: string, form?: Form): Read<SuiteMeasurement>
  likelihood(model: ModelRole, suite: string): Read<LikelihoodMeasurement>
  latency(model: ModelRole, suite: string): Read<LatencyMeasurement>
  distance(suite: string, form: Form): Read<FormDistance>
  /** What was found in the candidate's rows of a suite that has grown since its build; null for one that has not. */
  screening(suite: string): Read<SnapshotScreening> | null
  /** What the candidate learned from; null for an adapter that was trained elsewhere. */
  snapshot: Read<SnapshotManifest> | null
  /** Digests of the suites by name. */
  suites: Readonly<Record<string, string>>
}

export interface Rules extends ErrorRules {
  /** For requirements without a margin of their own. */
  margin: number
  gap: number
}

/** A verdict that does not know yet which command repeats it. */
export type Draft = Omit<Verdict, 'rerun' | 'parts'> & { parts?: Draft[] }

export type SettingsOf<Kind extends RequirementSettings['require']> = Extract<
  RequirementSettings,
  { require: Kind }
>

/** A kind of requirement: what it must have measured, and a pure decision on that. */
export interface RequirementKind<Settings> {
  needs(settings: Settings, scope: GateScope): Need[]
  /** Null when there is nothing to compare with yet: no incumbent. */
  decide(settings: Settings, evidence: Evidence, rules: Rules): Draft | null
}

/** What a comparison of the candidate with the base or the incumbent must have measured: nothing where there is no incumbent. */
export function scoresOfBoth(
  { to, suite: named }: { to: 'base' | 'incumbent'; suite?: string },
  { suite, hasIncumbent }: GateScope,
): Need[] {
  if (to === 'incumbent' && !hasIncumbent) return []
  const about = { measure: 'scores', suite: named ?? suite } as const
  return [
    { ...about, model: 'candidate' },
    { ...about, model: to },
  ]
}

/** The two measurements of a comparison, and the items that both have: a pair is two answers to one item. */
export interface Pairs {
  items: PairedItem[]
  digests: [string, string]
}

interface Item {
  id: string
  cluster?: string
  slices?: Record<string, string>
}

/** Pairs what the candidate and another model did, in the candidate's order. */
export function pairItems<Measured extends Item>(
  candidate: readonly Measured[],
  other: readonly Measured[],
  scoreOf: (item: Measured) => number,
): PairedItem[] {
  const others = new Map(other.map((item) => [item.id, item]))
  return candidate.flatMap((item) => {
    const answered = others.get(item.id)
    if (answered === undefined) return []
    const { id, cluster, slices } = item
    return {
      ...{ id, candidate: scoreOf(item), other: scoreOf(answered) },
      ...(cluster === undefined ? {} : { cluster }),
      ...(slices === undefined ? {} : { slices }),
    }
  })
}

/** The scores of the candidate and another model on a suite. */
export function scoredPairs(evidence: Evidence, model: 'base' | 'incumbent', suite: string): Pairs {
  const mine = evidence.scores('candidate', suite)
  const other = evidence.scores(model, suite)
  return {
    items: pairItems(mine.value.items, other.value.items, ({ score }) => score),
    digests: [mine.digest, other.digest],
  }
}

/** All parts must pass (an intersection–union test, so no correction for several tests); one failure fails the whole. */
export function conjunction(parts: readonly Pick<Draft, 'outcome'>[]): Verdict['outcome'] {
  if (parts.some(({ outcome }) => outcome === 'fail')) return 'fail'
  return parts.every(({ outcome }) => outcome === 'pass') ? 'pass' : 'cannot-tell'
}

/** Several parts that must all pass, with the figures of the first; a part alone stays as it is. */
export function allOf(parts: readonly [Draft, ...Draft[]], about: { title: string; reason: string }): Draft {
  const [first, ...others] = parts
  if (others.length === 0) return first
  const outcome = conjunction(parts)
  const needed = Math.max(...parts.map((part) => part.needed ?? 0))
  const { n, effect, interval, unit, limits } = first
  return {
    ...{ outcome, ...about, n, parts: [...parts] },
    ...(effect === undefined ? {} : { effect }),
    ...(interval === undefined ? {} : { interval }),
    ...(unit === undefined ? {} : { unit }),
    ...(limits === undefined ? {} : { limits }),
    ...(outcome === 'cannot-tell' ? { needed } : {}),
    evidence: [...new Set(parts.flatMap(({ evidence }) => evidence))],
  }
}

/** A verdict of a draft, with the command that repeats it. */
export function withRerun({ parts, ...draft }: Draft, rerun: string): Verdict {
  return { ...draft, ...(parts ? { parts: parts.map((part) => withRerun(part, rerun)) } : {}), rerun }
}
