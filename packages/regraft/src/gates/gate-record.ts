import type { RequirementSettings } from '../config/index.ts'
import type { ProjectStore } from '../store/types.ts'
import type { Verdict } from '../verdict/index.ts'

/** The thresholds of regraft.yaml that a gate was judged by. */
export interface GateThresholds {
  /** One-sided, of each requirement; over all looks of a gate that is judged repeatedly. */
  alpha: number
  /** For requirements without a margin of their own. */
  margin: number
  gap: number
}

/** The content of a verdict artifact of a gate. */
export interface GateRecord {
  adapter: string
  /** The suite that it was judged on. */
  suite: string
  /** Measurements of the candidate by the name of the suite; that of `suite` is among them. */
  measured: Record<string, string>
  /** The measurement of the candidate on `suite`. */
  candidate: string
  /** Null in records of version 1. */
  requirements: RequirementSettings[] | null
  thresholds: GateThresholds | null
  /** Whether it was declared to be judged repeatedly. */
  sequential: boolean
  /** Number of this look. */
  look: number
  verdict: Verdict
}

/** Gates of schema version 1: superior to the base, not inferior to the incumbent, on one suite. */
interface FirstGateRecord {
  adapter: string
  suite: string
  verdict: Verdict
}

/** The record of a gate, in its present form: what version 1 does not name stands in its evidence. */
export async function readGateRecord(store: ProjectStore, digest: string): Promise<GateRecord> {
  const stored = await store.artifacts.read<GateRecord | FirstGateRecord>(digest)
  return 'candidate' in stored ? stored : await upcast(store, stored)
}

async function upcast(
  store: ProjectStore,
  { adapter, suite, verdict }: FirstGateRecord,
): Promise<GateRecord> {
  const candidate = verdict.evidence[0] ?? ''
  const found = await store.artifacts.get(suite)
  const name = found === null ? suite : (await store.artifacts.read<{ name: string }>(suite)).name
  return {
    ...{ adapter, suite, candidate, measured: { [name]: candidate }, verdict },
    ...{ requirements: null, thresholds: null, sequential: false, look: 1 },
  }
}

/** The records of gates on an adapter, oldest first. */
export async function gatesOf(store: ProjectStore, adapter: string): Promise<GateRecord[]> {
  const records: GateRecord[] = []
  for (const { digest } of await store.artifacts.find('verdict', { adapter })) {
    const value = await store.artifacts.read<object>(digest)
    // Verdicts of gaps and of canaries are about an adapter too.
    if ('suite' in value) records.push(await readGateRecord(store, digest))
  }
  return records
}
