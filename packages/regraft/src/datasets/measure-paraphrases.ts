import { runStep } from '../lineage/index.ts'
import { NO_EMBEDDER, requireEmbedder } from '../models/index.ts'
import type { OperationContext } from '../operation/index.ts'
import type { Edge } from '../store/types.ts'
import type { BuildInput } from './build-input.ts'
import type { SnapshotManifest } from './manifest.ts'
import { describeTools, measureParaphrases } from './paraphrase-step.ts'
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

/** Says of rows that were kept that they resemble items; nothing is dropped in silence, and nothing is kept so. */
export function warnOfKept({ log }: OperationContext, { paraphrases = [] }: SnapshotManifest): void {
  for (const { embedder, threshold, rows, dropped } of paraphrases) {
    if (dropped || rows === 0) continue
    log.warn(
      `${rows} rows resemble evaluation items (${embedder} embedder, similarity ${threshold} † or more) and were kept: --paraphrase ${threshold} leaves them out; docs/datasets.md says how many are leaks`,
    )
  }
}
