import { rightsOfFiles } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import { makeSelection, runStep } from '../lineage/index.ts'
import { defineOperation, type OperationContext } from '../operation/index.ts'
import { type ExampleKind, findCalibration } from '../signals/index.ts'
import type { Edge } from '../store/types.ts'
import { BuildInput, checkOptions } from './build-input.ts'
import { BuildOutput, renderBuild } from './build-output.ts'
import { buildSnapshot } from './build-snapshot.ts'
import { chooseSuite, holdOutFresh, suitesOfGates } from './choose-suite.ts'
import type { SnapshotManifest } from './manifest.ts'
import { measureForBuild, warnOfKept } from './measure-paraphrases.ts'
import { piiParameters } from './pii-names.ts'
import { describePlaces } from './row-source.ts'
import { consentOf } from './sources.ts'
import { excludedItems, readSuite, vaultAccess } from './vault/index.ts'

/** Alias of the newest snapshot of a kind. */
export function latestSnapshot(kind: ExampleKind): string {
  return kind === 'demonstrations' ? 'snapshot/latest' : `snapshot/latest/${kind}`
}

/** Traffic and feedback become an immutable snapshot that can be trained on. */
export const buildOperation = defineOperation({
  name: 'datasets build',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary:
    'Build a clean snapshot from traffic: examples of one kind, no duplicates, nothing of the evaluation suite',
  input: BuildInput,
  output: BuildOutput,
  example: 'regraft datasets build --task routing',
  render: renderBuild,
  async run(context, input) {
    const { store, config, progress, signal } = context
    if (input.task !== undefined && !config.tasks[input.task]) {
      throw new RegraftError('not-found', `there is no task '${input.task}' in regraft.yaml`, {
        hint: `add tasks.${input.task} to regraft.yaml, or leave out --task`,
      })
    }
    const task = input.task ? config.tasks[input.task] : undefined
    checkOptions(input)
    progress({ stage: 'select rows' })
    await context.services.journals.drained(store.projectId)
    const inferences = await makeSelection(store, 'inferences')
    const feedback = await makeSelection(store, 'feedback')
    if (inferences.selection.count === 0) {
      throw new RegraftError('not-found', 'there is no traffic to build from', {
        hint: 'regraft import tickets.csv --text text --label category',
      })
    }
    const selections: Edge[] = [
      { role: 'inferences', digest: inferences.artifact.digest },
      { role: 'feedback', digest: feedback.artifact.digest },
    ]
    const suite = await chooseSuite(context, input, selections, task?.evaluation)
    const fresh = input.fresh ? await holdOutFresh(context, input, selections, suite.digest) : null
    const also = await suitesOfGates(context, [suite.digest, ...(fresh ? [fresh.digest] : [])])
    const keptFrom = [suite, ...(fresh ? [fresh] : []), ...also]
    for (const { digest, name } of keptFrom) {
      const { erased } = await excludedItems(store, await readSuite(store, digest))
      if (erased.length === 0) continue
      context.log.warn(
        `${erased.length} items of the suite '${name}' were erased with their end user: no row is compared with them`,
      )
    }
    const rows = inferences.selection.count
    const paraphrases = []
    for (const { digest } of keptFrom) {
      paraphrases.push(await measureForBuild(context, input, { selections, suite: digest, rows }))
    }
    const calibration = await findCalibration(store, input.task ?? null)
    progress({ stage: 'build', total: inferences.selection.count, unit: 'rows' })
    const { digest: digestOf } = await runStep(
      { project: store, signal },
      buildSnapshot(vaultAccess(context)),
      {
        inputs: [
          ...selections,
          { role: 'suite', digest: suite.digest },
          ...(fresh ? [{ role: 'fresh', digest: fresh.digest }] : []),
          ...also.map(({ digest }) => ({ role: 'also', digest })),
          ...paraphrases.flatMap(({ edges }) => edges),
          ...(calibration === null ? [] : [{ role: 'calibration', digest: calibration }]),
        ],
        parameters: {
          task: input.task ?? null,
          consent: input.consent ?? task?.consent ?? null,
          validation: input.validation,
          splitBy: input.splitBy,
          kind: input.for,
          files: await rightsOfFiles(store),
          uncalibrated: input.uncalibrated,
          weigh: (input.weights ?? DEFAULT_WEIGHTS[input.for]) === 'propensity',
          since: input.since ?? null,
          canaries: { count: input.canaries, repeats: input.canaryRepeats },
          dropParaphrases: paraphrases.some(({ drop }) => drop),
          nearDuplicates: input.nearDuplicates,
          pii: await piiParameters(store, config, input.pii),
          replay: { past: input.replay, general: input.general, generalTask: input.generalTask ?? null },
        },
        seed: input.seed,
      },
    )
    const snapshot = digestOf('snapshot')
    const manifest = await store.artifacts.read<SnapshotManifest>(snapshot)
    if (manifest.rows.length === 0) {
      throw new RegraftError('invalid-input', NOTHING_TO_LEARN[input.for], {
        hint: hintOf(manifest),
        details: { dropped: countBy(manifest.dropped, ({ reason }) => reason) },
      })
    }
    if (consentOf(manifest) === null) {
      context.log.warn(
        'no consent is stated, and `regraft fleet register` will ask for it: build with --consent "…" before you train',
      )
    }
    warnOfKept(context, manifest)
    warnOfSignals(context, manifest)
    await store.artifacts.pinRows(snapshot, manifest.rows)
    await store.aliases.set(latestSnapshot(input.for), snapshot)
    const overlapping = manifest.dropped.filter(({ reason }) => reason.startsWith('evaluation-'))
    const places = await describePlaces(store, overlapping)
    const overlaps = overlapping.map(({ inference, source, of, rungs }, index) => {
      return { inference, source, place: places[index]!, item: of!, rungs: rungs! }
    })
    return {
      snapshot,
      kind: input.for,
      suite,
      ...(fresh ? { fresh } : {}),
      train: manifest.rows.filter(({ split }) => split === 'train').length,
      validation: manifest.rows.filter(({ split }) => split === 'validation').length,
      splitBy: manifest.splitBy,
      signals: countBy(manifest.rows, ({ signal: kind }) => kind),
      calibration: manifest.calibration ?? null,
      ...(manifest.weights ? { weights: weightsOf(manifest.weights) } : {}),
      ...(manifest.replay
        ? { replay: { past: manifest.replay.past, general: manifest.replay.general } }
        : {}),
      ...(manifest.pii ? { pii: manifest.pii } : {}),
      paraphrases: manifest.paraphrases ?? [],
      dropped: countBy(manifest.dropped, ({ reason }) => reason),
      overlaps,
      coverage: manifest.coverage,
    }
  },
})

/** A demonstration that somebody wrote is right for whomever: only what compares answers leans on who was asked. */
const DEFAULT_WEIGHTS: Record<ExampleKind, 'propensity' | 'none'> = {
  demonstrations: 'none',
  preferences: 'propensity',
  desirability: 'propensity',
}

const NOTHING_TO_LEARN: Record<ExampleKind, string> = {
  demonstrations: 'no row can be trained on: none carries a signal that is usable',
  preferences: 'there is no pair of answers: no answer that was given was replaced by another',
  desirability: 'no answer is marked good or bad',
}

function weightsOf({ examples, effectiveSampleSize, clipped }: NonNullable<SnapshotManifest['weights']>) {
  return { examples, effectiveSampleSize, clipped }
}

function warnOfSignals({ log }: OperationContext, { uncalibrated, rows, weights }: SnapshotManifest): void {
  if (uncalibrated) {
    const unknown = rows.filter(
      ({ rule, probability }) => rule !== 'label' && probability === undefined,
    ).length
    if (unknown > 0) log.warn(`${unknown} rows rest on rules that nobody has calibrated (--uncalibrated)`)
  }
  if (weights?.users.few) {
    const { known, effective } = weights.users
    log.warn(`the rows are those of few users: ${known}, of whom as many as ${effective} equal ones count`)
  }
}

function hintOf({ dropped }: SnapshotManifest): string {
  return dropped.some(({ reason }) => reason === 'uncalibrated')
    ? 'regraft signals calibrate says which rules may be used; --uncalibrated takes all of them'
    : 'import corrections or labels, or send POST /v1/feedback for served answers'
}

function countBy<Item>(items: readonly Item[], key: (item: Item) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1
  return counts
}
