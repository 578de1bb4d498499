import { wilsonInterval } from '@regraft/methods'
import {
  readSuite,
  type SnapshotManifest,
  type SnapshotScreening,
  suitesKeptOut,
} from '../../datasets/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { shortDigest } from '../../lineage/index.ts'
import type { AdapterRecord } from '../../models/index.ts'
import { isDigest } from '../../store/index.ts'
import type { Artifact, ProjectStore } from '../../store/types.ts'
import { type Verdict, VerdictOutput } from '../../verdict/index.ts'
import { type StoredMeasurement, type SuiteMeasurement, upcastMeasurement } from '../measurement.ts'
import type { ContaminationFacts, ModelScore, ReportFacts } from './facts.ts'

/** A verdict artifact: its members beside the verdict differ by what was judged. */
export interface StoredVerdict {
  verdict: Verdict
  adapter?: unknown
  look?: unknown
  sequential?: unknown
  at?: unknown
}

/** A measurement of a suite among the evidence. */
export interface Measured {
  digest: string
  value: SuiteMeasurement
}

/** The verdict of a digest. Throws 'invalid-input' for what is none. */
export async function readVerdict(
  store: ProjectStore,
  wanted: string,
): Promise<{ artifact: Artifact; record: StoredVerdict }> {
  const artifact = await store.artifacts.resolve(wanted)
  const record = await store.artifacts.read<Partial<StoredVerdict>>(artifact.digest)
  const { verdict } = record
  if (artifact.kind === 'verdict' && verdict !== undefined && VerdictOutput.safeParse(verdict).success) {
    return { artifact, record: { ...record, verdict } }
  }
  throw new RegraftError('invalid-input', `${wanted} is a ${artifact.kind}, not a verdict`, {
    hint: 'regraft gates check --json prints the digest of its verdict as "record"',
  })
}

/** Everything but the items of a report on a verdict; `measured` are the measurements that items can be taken from. */
export async function gatherFacts(
  store: ProjectStore,
  { artifact, record }: { artifact: Artifact; record: StoredVerdict },
): Promise<ReportFacts & { measured: Measured[] }> {
  const { verdict } = record
  const adapter = typeof record.adapter === 'string' && isDigest(record.adapter) ? record.adapter : null
  const evidence: ReportFacts['evidence'] = []
  const scores: ModelScore[] = []
  const measured: Measured[] = []
  const again: ContaminationFacts['again'] = []
  for (const digest of evidenceOf(verdict).filter(isDigest)) {
    const found = await store.artifacts.get(digest)
    if (found === null) continue
    const value = await store.artifacts.read<StoredMeasurement | SnapshotScreening>(digest)
    const isScores = found.kind === 'measurement' && isScored(value)
    const verb = isScores ? 'gates show' : 'lineage show'
    const what = found.kind === 'measurement' ? `measurement: ${value.measures}` : found.kind
    evidence.push({ digest, what, command: `regraft ${verb} ${shortDigest(digest)}` })
    if (found.kind === 'measurement' && value.measures === 'snapshot-screening') {
      const { rows, items, added } = value
      const { name } = await readSuite(store, value.suite)
      again.push({ suite: name, rows, items, added, found: value.found.length })
    }
    if (!isScores) continue
    const measurement = upcastMeasurement(value)
    measured.push({ digest, value: measurement })
    scores.push(await scoreOf(store, measurement, adapter))
  }
  const snapshot = adapter === null ? null : (await store.artifacts.read<AdapterRecord>(adapter)).snapshot
  return {
    ...{ verdict, record: artifact.digest, scores, evidence, measured, items: null },
    at: typeof record.at === 'string' ? record.at : artifact.createdAt.toISOString(),
    about: await aboutOf(store, record, adapter),
    contamination: snapshot === null ? null : { ...(await contaminationOf(store, snapshot)), again },
  }
}

function isScored(value: StoredMeasurement | SnapshotScreening): value is StoredMeasurement {
  return ['suite-scores', 'suite-accuracy'].includes(value.measures)
}

/** Evidence of the verdict and of its parts, each once. */
function evidenceOf({ evidence, parts = [] }: Verdict): string[] {
  return [...new Set([...evidence, ...parts.flatMap(evidenceOf)])]
}

async function scoreOf(
  store: ProjectStore,
  measurement: SuiteMeasurement,
  candidate: string | null,
): Promise<ModelScore> {
  const { suite, scorer, items } = measurement
  const right = items.filter(({ correct }) => correct).length
  const { estimate, low, high } =
    items.length === 0 ? { estimate: 0, low: 0, high: 1 } : wilsonInterval(right, items.length)
  return {
    ...{ model: await modelName(store, measurement, candidate), suite: (await readSuite(store, suite)).name },
    ...{ scorer: scorer.kind, n: items.length, right, accuracy: estimate, low, high },
  }
}

/** What people call the model of a measurement. */
export async function modelName(
  store: ProjectStore,
  { base, adapter, form }: Pick<SuiteMeasurement, 'base' | 'adapter' | 'form'>,
  candidate: string | null,
): Promise<string> {
  if (adapter === null) return `base ${(await store.artifacts.read<{ name: string }>(base)).name}`
  const role = adapter === candidate ? 'candidate' : 'adapter'
  return `${role} ${shortDigest(adapter)}${form === undefined ? '' : `, ${form}`}`
}

async function aboutOf(store: ProjectStore, { look, sequential }: StoredVerdict, adapter: string | null) {
  const about: ReportFacts['about'] = []
  if (adapter !== null) {
    const { base } = await store.artifacts.read<AdapterRecord>(adapter)
    about.push({ name: 'Adapter', value: adapter })
    about.push({ name: 'Base', value: (await store.artifacts.read<{ name: string }>(base)).name })
  }
  if (typeof look === 'number') {
    about.push({ name: 'Look', value: `${look}${sequential === true ? ', judged repeatedly' : ''}` })
  }
  return about
}

async function contaminationOf(
  store: ProjectStore,
  snapshot: string,
): Promise<Omit<ContaminationFacts, 'again'>> {
  const manifest = await store.artifacts.read<SnapshotManifest>(snapshot)
  const reasons = new Map<string, number>()
  for (const { reason } of manifest.dropped) {
    if (/evaluation/.test(reason)) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  const suites = await Promise.all(
    suitesKeptOut(manifest).map(async (digest) => (await readSuite(store, digest)).name),
  )
  return {
    ...{ snapshot, suites, rows: manifest.rows.filter(({ split }) => split === 'train').length },
    dropped: [...reasons].map(([reason, rows]) => ({ reason, rows })),
    coverage: manifest.coverage.map(({ rung, text = 'prompt', words, covered, tooShort }) => {
      return { rung, text, words, covered, tooShort }
    }),
    paraphrases: (manifest.paraphrases ?? []).map(({ embedder, threshold, rows, dropped }) => {
      return { embedder, threshold, rows, dropped }
    }),
  }
}
