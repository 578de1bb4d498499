import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { makeSelection, runStep, shortDigest } from '../lineage/index.ts'
import { defineOperation, type OperationContext } from '../operation/index.ts'
import type { Edge } from '../store/types.ts'
import { buildSnapshot } from './build-snapshot.ts'
import { EXAMPLE_KINDS, type ExampleKind } from './candidates.ts'
import { DROP_EXPLANATIONS } from './drop-explanations.ts'
import type { SnapshotManifest } from './manifest.ts'
import { describePlaces } from './row-source.ts'
import { listSuites, nameSuite, requireSuite } from './suite.ts'
import { holdOutSuite } from './suite-steps.ts'

/** Alias of the newest snapshot of a kind. */
export function latestSnapshot(kind: ExampleKind): string {
  return kind === 'demonstrations' ? 'snapshot/latest' : `snapshot/latest/${kind}`
}
const SHOWN_OVERLAPS = 12

const BuildInput = z.object({
  for: z
    .enum(EXAMPLE_KINDS)
    .default('demonstrations')
    .describe(
      'what to learn from: right answers (sft), pairs (dpo, orpo, simpo), answers marked good or bad (kto)',
    ),
  task: z
    .string()
    .optional()
    .describe('task of regraft.yaml: only its rows, its evaluation suite and its consent'),
  evaluation: z.string().optional().describe('sealed suite to keep out; else the only one there is'),
  holdout: z
    .number()
    .gt(0)
    .max(0.5)
    .default(0.2)
    .describe('without a suite: share of the newest rows to seal as one'),
  validation: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe('share of the newest training rows for validation'),
  consent: z.string().optional().describe("what the people whose words these are agreed to; else the task's"),
  seed: z.int().default(1).describe('seed of the split, where rows have no time of their own'),
})
type BuildInput = z.output<typeof BuildInput>

const BuildOutput = z.object({
  snapshot: z.string().describe('digest of the snapshot'),
  kind: z.enum(EXAMPLE_KINDS),
  suite: z.object({ digest: z.string(), name: z.string(), sealedNow: z.boolean() }),
  train: z.int(),
  validation: z.int(),
  splitBy: z.enum(['time', 'chance']),
  signals: z.record(z.string(), z.int()).describe('kept rows by the signal that they rest on'),
  dropped: z.record(z.string(), z.int()).describe('rows left out, by reason'),
  overlaps: z.array(
    z.object({
      inference: z.string(),
      source: z.string().describe("'import:<file digest>:<line>' or 'serving'"),
      place: z.string().describe('the source in words'),
      item: z.string(),
      rungs: z.array(z.string()),
    }),
  ),
  coverage: z.array(z.object({ rung: z.string(), words: z.int(), covered: z.int(), tooShort: z.int() })),
})

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
    progress({ stage: 'build', total: inferences.selection.count, unit: 'rows' })
    const { digest: digestOf } = await runStep({ project: store, signal }, buildSnapshot, {
      inputs: [...selections, { role: 'suite', digest: suite.digest }],
      parameters: {
        task: input.task ?? null,
        consent: input.consent ?? task?.consent ?? null,
        validation: input.validation,
        kind: input.for,
      },
      seed: input.seed,
    })
    const snapshot = digestOf('snapshot')
    const manifest = await store.artifacts.read<SnapshotManifest>(snapshot)
    if (manifest.rows.length === 0) {
      throw new RegraftError('invalid-input', NOTHING_TO_LEARN[input.for], {
        hint: 'import corrections or labels, or send POST /v1/feedback for served answers',
        details: { dropped: countBy(manifest.dropped, ({ reason }) => reason) },
      })
    }
    if (manifest.consent === null) {
      context.log.warn(
        'no consent is stated, and `regraft fleet register` will ask for it: build with --consent "…" before you train',
      )
    }
    await store.artifacts.pinRows(snapshot, manifest.rows)
    await store.aliases.set(latestSnapshot(input.for), snapshot)
    const overlapping = manifest.dropped.filter(({ reason }) => reason === 'evaluation-overlap')
    const places = await describePlaces(store, overlapping)
    const overlaps = overlapping.map(({ inference, source, of, rungs }, index) => {
      return { inference, source, place: places[index]!, item: of!, rungs: rungs! }
    })
    return {
      snapshot,
      kind: input.for,
      suite,
      train: manifest.rows.filter(({ split }) => split === 'train').length,
      validation: manifest.rows.filter(({ split }) => split === 'validation').length,
      splitBy: manifest.splitBy,
      signals: countBy(manifest.rows, ({ signal: kind }) => kind),
      dropped: countBy(manifest.dropped, ({ reason }) => reason),
      overlaps,
      coverage: manifest.coverage,
    }
  },
})

const NOTHING_TO_LEARN: Record<ExampleKind, string> = {
  demonstrations: 'no row can be trained on: none carries a signal that is usable',
  preferences: 'there is no pair of answers: no answer that was given was replaced by another',
  desirability: 'no answer is marked good or bad',
}

const ROWS: Record<ExampleKind, string> = {
  demonstrations: 'rows',
  preferences: 'pairs',
  desirability: 'rated answers',
}

/** The suite that was asked for, the only one there is, or one sealed now from rows that were held out with a known answer. */
async function chooseSuite(
  context: OperationContext,
  input: BuildInput,
  selections: Edge[],
  ofTask: string | undefined,
) {
  const { store, signal } = context
  const wanted = input.evaluation ?? ofTask
  if (wanted !== undefined) return { ...(await requireSuite(store, wanted)), sealedNow: false }
  const suites = await listSuites(store)
  if (suites.length === 1) return { ...suites[0]!, sealedNow: false }
  if (suites.length > 1) {
    const names = suites.map(({ name }) => name).join(', ')
    throw new RegraftError('invalid-input', `there are several evaluation suites: ${names}`, {
      hint: `say which one: --evaluation ${suites[0]!.name}`,
    })
  }
  const name = input.task ?? 'holdout'
  const { digest: digestOf } = await runStep({ project: store, signal }, holdOutSuite, {
    inputs: selections,
    parameters: { name, task: input.task ?? null, share: input.holdout },
    seed: input.seed,
  })
  const digest = digestOf('suite')
  await nameSuite(store, name, digest)
  return { digest, name, sealedNow: true }
}

function renderBuild(output: z.output<typeof BuildOutput>): string {
  const { snapshot, kind, suite, train, validation, splitBy, signals, dropped, overlaps, coverage } = output
  const split =
    splitBy === 'time' ? 'the newest for validation' : 'split by chance: the rows have no times of their own'
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')
  const lines = [
    `snapshot ${shortDigest(snapshot)}: ${train} ${ROWS[kind]} to train on, ${validation} for validation (${split})`,
    `  kept on: ${list(signals)}`,
    `  evaluation suite '${suite.name}' ${shortDigest(suite.digest)}${suite.sealedNow ? ' (sealed now from rows that were held out)' : ''}`,
    `  left out:${Object.keys(dropped).length === 0 ? ' nothing' : ''}`,
  ]
  for (const [reason, count] of Object.entries(dropped)) {
    lines.push(
      `    ${String(count).padStart(6)}  ${DROP_EXPLANATIONS[reason as keyof typeof DROP_EXPLANATIONS]}`,
    )
  }
  if (overlaps.length > 0) {
    lines.push(`  overlaps with the evaluation suite:`)
    for (const { place, item, rungs } of overlaps.slice(0, SHOWN_OVERLAPS)) {
      lines.push(`    ${place} repeats item ${item} (${rungs.join(', ')})`)
    }
    if (overlaps.length > SHOWN_OVERLAPS)
      lines.push(`    and ${overlaps.length - SHOWN_OVERLAPS} more: --json`)
  }
  for (const { rung, words, covered, tooShort } of coverage) {
    if (tooShort === 0) continue
    lines.push(
      `  ${tooShort} of ${covered + tooShort} items are too short for the rung '${rung}' (${words} words)`,
    )
  }
  return lines.join('\n')
}

function countBy<Item>(items: readonly Item[], key: (item: Item) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1
  return counts
}
