import { Random } from '@regraft/methods'
import {
  buildSnapshot,
  type DropReason,
  piiParameters,
  type SnapshotManifest,
  vaultAccess,
} from '../../datasets/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { makeSelection, runStep, type Selection } from '../../lineage/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import type { Registration } from '../registration.ts'
import { type CollectedPrompts, collectPrompts } from './collect-prompts.ts'
import { type LabelledPrompts, labelPrompts } from './label-prompts.ts'
import { type SynthesisedPrompts, synthesisePrompts } from './synthesise-prompts.ts'

/** Real prompts that made-up ones are made after. */
const EXAMPLES = 24

export interface RescueRows {
  registration: Registration
  /** Further routes whose traffic is taken, and what the rows are a task of. */
  task: string | undefined
  prompts: 'traffic' | 'synthetic'
  rows: number
  keptBack: number
  generator: string
  temperature: number
  maxTokens: number
  leastConfidence: number
  depth: number
  suite: string
  consent: string | undefined
  validation: number
  seed: number
}

/** The rows that are trained on, and those that were kept back, with how they came to be. */
export interface RescuedRows {
  snapshot: string
  manifest: SnapshotManifest
  /** A selection of answers. */
  later: string
  collected: CollectedPrompts
  synthesised: SynthesisedPrompts | null
  labelled: LabelledPrompts
  dropped: Partial<Record<DropReason, number>>
}

/** Collects or makes up prompts, lets the adapter answer them, and builds a snapshot of the answers. */
export async function makeRescuedRows(context: OperationContext, asked: RescueRows): Promise<RescuedRows> {
  const { store } = context
  const { prompts, later, ...sources } = await choosePrompts(context, asked)
  const labelled = await label(context, asked, prompts)
  const kept = await label(context, asked, later)
  const { snapshot, manifest } = await build(context, asked, labelled.digest)
  const dropped: RescuedRows['dropped'] = {}
  for (const { reason } of manifest.dropped) dropped[reason] = (dropped[reason] ?? 0) + 1
  if (manifest.rows.length === 0) {
    throw new RegraftError('invalid-input', 'no answer of the adapter can be trained on', {
      hint: 'collect more prompts (--rows), or lower --least-confidence',
      details: { dropped },
    })
  }
  await store.artifacts.pinRows(snapshot, manifest.rows)
  return { snapshot, manifest, later: kept.digest, ...sources, labelled: labelled.report, dropped }
}

async function choosePrompts(context: OperationContext, asked: RescueRows) {
  const { store, signal, progress, services } = context
  const { registration, task, rows, keptBack, seed, generator, temperature } = asked
  const { name, routes, adapter } = registration
  progress({ stage: 'collect prompts' })
  await services.journals.drained(store.projectId)
  const { artifact } = await makeSelection(store, 'inferences')
  const traffic = await runStep({ project: store, signal }, collectPrompts, {
    inputs: [{ role: 'inferences', digest: artifact.digest }],
    parameters: { adapter, routes: routesOf(name, routes, task), rows, keptBack, seed },
  })
  const collected = await store.artifacts.read<CollectedPrompts>(traffic.digest('report'))
  const later = traffic.digest('later')
  if (asked.prompts === 'traffic') {
    if (collected.drawn > 0)
      return { prompts: traffic.digest('prompts'), later, collected, synthesised: null }
    throw new RegraftError('not-found', `there is no traffic of ${name} to draw prompts from`, {
      hint: `name its task (--task), import prompts (regraft import prompts.csv --text text --task ${name}), or let some be made up: --prompts synthetic`,
    })
  }
  const { query } = await store.artifacts.read<Selection>(traffic.digest('prompts'))
  const ids = new Random(seed, 'examples').shuffle(query.ids ?? []).slice(0, EXAMPLES)
  const { artifact: examples } = await makeSelection(store, 'inferences', { ids: ids.sort() })
  const made = await runStep(
    { project: store, signal },
    synthesisePrompts({
      engines: services.evaluationEngines,
      onProgress: (done, total) => progress({ stage: 'make up prompts', done, total, unit: 'prompts' }),
    }),
    {
      inputs: [
        { role: 'generator', digest: generator },
        { role: 'examples', digest: examples.digest },
      ],
      parameters: { name, adapter, rows, temperature, seed },
    },
  )
  const synthesised = await store.artifacts.read<SynthesisedPrompts>(made.digest('report'))
  if (synthesised.kept < rows) {
    context.log.warn(
      `only ${synthesised.kept} of ${rows} prompts could be made up: a larger --generator or more real prompts help`,
    )
  }
  return { prompts: made.digest('prompts'), later, collected, synthesised }
}

async function label(
  { store, signal, progress, services }: OperationContext,
  { registration: { name, base, adapter }, maxTokens }: RescueRows,
  prompts: string,
): Promise<{ digest: string; report: LabelledPrompts }> {
  const step = labelPrompts({
    engines: services.evaluationEngines,
    onProgress: (done, total) =>
      progress({ stage: `let ${name} answer`, done, total: Math.max(total, done), unit: 'prompts' }),
  })
  const { digest } = await runStep({ project: store, signal }, step, {
    inputs: [
      { role: 'base', digest: base.artifact },
      { role: 'adapter', digest: adapter },
      { role: 'prompts', digest: prompts },
    ],
    parameters: { name, maxTokens },
  })
  const report = await store.artifacts.read<LabelledPrompts>(digest('report'))
  return { digest: digest('answers'), report }
}

async function build(
  context: OperationContext,
  { registration, task, depth, leastConfidence, suite, validation, seed, ...asked }: RescueRows,
  answers: string,
) {
  const { store, config, signal, progress } = context
  progress({ stage: 'build the snapshot' })
  const feedback = await makeSelection(store, 'feedback', { inferenceIds: [] })
  const stated = task === undefined ? undefined : config.tasks[task]?.consent
  const { digest } = await runStep({ project: store, signal }, buildSnapshot(vaultAccess(context)), {
    inputs: [
      { role: 'inferences', digest: answers },
      { role: 'feedback', digest: feedback.artifact.digest },
      { role: 'suite', digest: suite },
    ],
    parameters: {
      task: task ?? registration.name,
      consent: asked.consent ?? stated ?? registration.snapshot?.consent ?? null,
      validation,
      splitBy: 'stratified',
      pii: await piiParameters(store, config, undefined),
      rescue: { adapter: registration.adapter, depth, leastConfidence },
    },
    seed,
  })
  const snapshot = digest('snapshot')
  return { snapshot, manifest: await store.artifacts.read<SnapshotManifest>(snapshot) }
}

function routesOf(name: string, routes: readonly string[], task: string | undefined): string[] {
  return [...new Set([name, ...routes, ...(task === undefined ? [] : [task])])].sort()
}
