import { isDeepStrictEqual } from 'node:util'
import { RegraftError } from '../errors/index.ts'
import { runStep } from '../lineage/index.ts'
import { NO_EMBEDDER, requireEmbedder } from '../models/index.ts'
import type { OperationContext } from '../operation/index.ts'
import type { Edge, ProjectStore } from '../store/types.ts'
import type { BuildInput } from './build-input.ts'
import { kindOf, type SnapshotManifest } from './manifest.ts'
import {
  describeTools,
  measureParaphrases,
  type ParaphraseMeasurement,
  type ParaphraseTools,
} from './paraphrase-step.ts'
import { readSuite, vaultAccess } from './vault/index.ts'

/**
 * Pairs that are compared where nobody asked for it: minutes of the built-in embedder on a small machine. The other rungs
 * do not grow so.
 */
const UNASKED_PAIRS = 200_000_000

export interface MeasuredParaphrases {
  /** Inputs of the snapshot. */
  edges: Edge[]
  /** Whether rows are left out: only where somebody has said from which similarity. */
  drop: boolean
}

/**
 * Measures which rows paraphrase items of a suite, with the embedder of `--embedder`, else that of regraft.yaml, else the
 * built-in one.
 */
export async function measureForBuild(
  context: OperationContext,
  input: BuildInput,
  call: { selections: Edge[]; suite: string; rows: number },
): Promise<MeasuredParaphrases> {
  const { store, config, log, progress, signal } = context
  const nothing: MeasuredParaphrases = { edges: [], drop: false }
  const name = input.embedder ?? config.paraphrase.embedder
  if (name === NO_EMBEDDER) return nothing
  const asked = input.paraphrase ?? config.paraphrase.threshold
  const { items } = await readSuite(store, call.suite)
  const isDefault = asked === undefined && input.embedder === undefined
  if (isDefault && call.rows * items.length > UNASKED_PAIRS) {
    log.warn(
      `rows that paraphrase evaluation items were not looked for: ${call.rows} rows against ${items.length} items take long; --embedder ${name} looks all the same`,
    )
    return nothing
  }
  const embedder = await requireEmbedder(config, name)
  const tools = { embedder, judge: config.paraphrase.judge ?? null, access: vaultAccess(context) }
  const threshold = asked ?? embedder.reportFrom
  const report = (done: unknown) => {
    progress({ stage: 'look for paraphrases', done: Number(done), total: call.rows, unit: 'rows' })
  }
  const { digest } = await runStep({ project: store, signal, report }, measureParaphrases(tools), {
    inputs: [...call.selections, { role: 'suite', digest: call.suite }],
    parameters: {
      task: input.task ?? null,
      generalTask: input.generalTask ?? null,
      kind: input.for,
      threshold,
      ...describeTools(tools),
    },
  })
  return { edges: [{ role: 'paraphrases', digest: digest('paraphrases') }], drop: asked !== undefined }
}

/**
 * Measures the rows of a snapshot against a suite that came after its build, as the build measured them against the suite of
 * the same name: the same embedder, threshold and judge. Returns no edge where it looked for no paraphrases. Throws
 * 'incompatible' when embedder or judge is another one now.
 */
export async function measureAgain(
  context: OperationContext,
  call: { snapshot: string; manifest: SnapshotManifest; suite: string },
): Promise<Edge[]> {
  const { store, progress, signal } = context
  const { manifest } = call
  const { name } = await readSuite(store, call.suite)
  const earlier = await measurementOn(store, manifest, name)
  if (earlier === null) return []
  const tools = await sameTools(context, earlier)
  const report = (done: unknown) =>
    progress({ stage: 'look for paraphrases', done: Number(done), unit: 'rows' })
  const { digest } = await runStep({ project: store, signal, report }, measureParaphrases(tools), {
    inputs: [
      { role: 'snapshot', digest: call.snapshot },
      { role: 'suite', digest: call.suite },
    ],
    parameters: {
      ...{ task: manifest.task, generalTask: null, kind: kindOf(manifest), threshold: earlier.threshold },
      ...describeTools(tools),
    },
  })
  return [{ role: 'paraphrases', digest: digest('paraphrases') }]
}

async function measurementOn(
  store: ProjectStore,
  { paraphrases = [] }: SnapshotManifest,
  suite: string,
): Promise<ParaphraseMeasurement | null> {
  for (const { measurement } of paraphrases) {
    const found = await store.artifacts.read<ParaphraseMeasurement>(measurement)
    if ((await readSuite(store, found.suite)).name === suite) return found
  }
  return null
}

/** Embedder and judge of an earlier measurement, as regraft.yaml has them now. */
async function sameTools(
  context: OperationContext,
  { embedder: { name, kind, digest }, judge }: ParaphraseMeasurement,
): Promise<ParaphraseTools> {
  const { config } = context
  const tools: ParaphraseTools = {
    embedder: await requireEmbedder(config, name),
    judge: judge && (config.paraphrase.judge ?? null),
    access: vaultAccess(context),
  }
  if (isDeepStrictEqual(describeTools(tools), { embedder: { name, kind, digest }, judge })) return tools
  throw new RegraftError(
    'incompatible',
    `paraphrases cannot be looked for as the build of the snapshot did: the embedder '${name}'${judge ? ' or its judge' : ''} is another one now`,
    {
      hint: `set embedders.${name}${judge ? ' and paraphrase.judge' : ''} as they were; or regraft datasets build, then train again`,
    },
  )
}

/** Says of rows that were kept that they resemble items; nothing is dropped in silence, and nothing is kept so. */
export function warnOfKept({ log }: OperationContext, { paraphrases = [] }: SnapshotManifest): void {
  for (const { embedder, threshold, rows, dropped } of paraphrases) {
    if (dropped || rows === 0) continue
    log.warn(
      `${rows} rows resemble evaluation items (${embedder} embedder, similarity ${threshold} † or more) and were kept: --paraphrase ${threshold} leaves them out; docs/datasets.md says how many are leaks`,
    )
  }
}
