import { z } from 'zod'
import { defineStep, type Selection, type Step } from '../lineage/index.ts'
import { type Calibration, compileRows, EXAMPLE_KINDS, policyOf } from '../signals/index.ts'
import { canonicalBytes, digestOf } from '../store/index.ts'
import type { InferenceRow, NewExample, ProjectStore } from '../store/types.ts'
import { canaryExamples } from './canaries.ts'
import type { Candidate } from './candidates.ts'
import { entitiesOf } from './entities.ts'
import { examplesOf, snapshotRows } from './example-rows.ts'
import type { DroppedRow, SnapshotManifest, SnapshotRow } from './manifest.ts'
import type { ParaphraseMeasurement } from './paraphrase-step.ts'
import { drawReplay, type Replay } from './replay.ts'
import { readRescued } from './rescued-rows.ts'
import { sourceOf } from './row-source.ts'
import { describeSources } from './sources.ts'
import { SPLITS, splitRows } from './splits/index.ts'
import { type Build, STAGES } from './stages/index.ts'
import { type VaultAccess, VaultVisit } from './vault/index.ts'

const PAGE = 1000

export const SnapshotParameters = z.object({
  /** Rows of another task are passed over; rows that belong to none count for each. */
  task: z.string().nullable(),
  consent: z.string().nullable(),
  kind: z.enum(EXAMPLE_KINDS).default('demonstrations'),
  /** Takes rules that have not been calibrated in pairs and ratings too. */
  uncalibrated: z.boolean().default(false),
  /** Weighs examples by how probable it was that they would bear feedback, and caps heavy users. */
  weigh: z.boolean().default(false),
  /** Share of the rows that are kept for validation, and what that split follows. */
  validation: z.number().min(0).max(0.5),
  splitBy: z.enum(SPLITS).default('time'),
  /** Only rows from this time on (ISO 8601) are new; older ones come in by replay. */
  since: z.iso.datetime().nullable().default(null),
  /** Shares of the training rows that are drawn from older rows and from rows of a general task. */
  replay: z
    .object({ past: z.number(), general: z.number(), generalTask: z.string().nullable() })
    .default({ past: 0, general: 0, generalTask: null }),
  /** Made-up facts among the training rows, by which `gates exposure` measures what an adapter learns by heart. */
  canaries: z.object({ count: z.int(), repeats: z.int() }).default({ count: 0, repeats: 1 }),
  /** Takes the answers of an adapter (`rescued-rows.ts`) in the place of signals. */
  rescue: z.object({ adapter: z.string(), depth: z.int().min(1), leastConfidence: z.number() }).optional(),
  /** What imported files say of the rights on their rows. */
  files: z
    .array(z.object({ file: z.string(), consent: z.string().nullable(), licence: z.string().nullable() }))
    .default([]),
  /** Word-bigram Jaccard similarity from which a row with an agreeing answer is a near duplicate †; 0 keeps them. */
  nearDuplicates: z.number().min(0).max(1).default(0.7),
  /** Whether rows that were measured to paraphrase an item are left out, or only counted. */
  dropParaphrases: z.boolean().default(false),
  /** How personal data is treated, with the sealed list of names (`pii-names.ts`); null leaves texts as they are. */
  pii: z
    .object({ mode: z.enum(['mask', 'flag', 'drop']), names: z.string().nullable() })
    .nullable()
    .default(null),
})
export type SnapshotParameters = z.output<typeof SnapshotParameters>

/**
 * Makes a snapshot of selected traffic: examples of one kind that have passed the stages (duplicates, firewall …), split,
 * with a replay of older and general rows. Example rows are stored under ids that follow from what they derive from.
 */
export function buildSnapshot(access: VaultAccess): Step<SnapshotParameters> {
  return defineStep<SnapshotParameters>({
    name: 'datasets/build-snapshot',
    version: 6,
    determinism: 'seeded',
    input: SnapshotParameters,
    async run({ parameters, seed, inputs, read, readAll, project, signal }) {
      const { kind, task, since, replay, rescue } = parameters
      const selections = {
        inferences: await read<Selection>('inferences'),
        feedback: await read<Selection>('feedback'),
      }
      const vault = new VaultVisit(project, access, 'screen')
      const suiteOf = (role: string) => inputs.find((input) => input.role === role)?.digest
      const [suite, fresh] = [suiteOf('suite')!, suiteOf('fresh')]
      const also = inputs.filter(({ role }) => role === 'also').map(({ digest }) => digest)
      const suites = []
      for (const digest of [suite, ...(fresh ? [fresh] : []), ...also]) suites.push(await vault.suite(digest))
      const [calibration = null] = await readAll<Calibration>('calibration')
      const policy = policyOf(calibration, parameters.uncalibrated)
      const propensities = parameters.weigh
      const dropped: DroppedRow[] = []
      const drop = (inference: InferenceRow, reason: DroppedRow['reason']) =>
        dropped.push({ inference: inference.id, source: sourceOf(inference), reason })
      const compiled: Candidate[] = rescue
        ? await readRescued(project, selections.inferences, rescue, drop)
        : await compileRows(project, selections, { task, kind, policy, propensities }, drop)
      const general: Candidate[] =
        replay.generalTask === null
          ? []
          : await compileRows(project, selections, { task: replay.generalTask, kind, policy, propensities })
      const measured = inputs.filter(({ role }) => role === 'paraphrases')
      const measurements = await readAll<ParaphraseMeasurement>('paraphrases')
      const paraphrases = measurements.map((measurement, index) => {
        return { digest: measured[index]!.digest, measurement }
      })
      const build: Build = {
        ...{ parameters, project, suites, vault, paraphrases, signal, seed: seed!, findings: {} },
        drop: ({ inference }, reason, details = {}) =>
          dropped.push({ inference: inference.id, source: sourceOf(inference), reason, ...details }),
      }
      const own = new Set(compiled.map(({ inference }) => inference.id))
      let rows = [...compiled, ...general.filter(({ inference }) => !own.has(inference.id))]
      for (const stage of STAGES) {
        signal.throwIfAborted()
        rows = await stage(rows, build)
      }

      const isGeneral = ({ inference }: Candidate) => !own.has(inference.id)
      const isNew = ({ inference }: Candidate) => since === null || inference.occurredAt >= new Date(since)
      const dated = rows
        .filter((row) => !isGeneral(row) && isNew(row))
        .map((row) => ({
          ...{ row, id: row.inference.id, occurredAt: row.inference.occurredAt },
          ...{ entities: entitiesOf(row.inference), label: labelOf(row) },
        }))
      // Older and general rows may be drawn for training, so whom they belong to stays there.
      const replayed = rows.filter((row) => isGeneral(row) || !isNew(row))
      const split = splitRows(dated, {
        ...{ by: parameters.splitBy, share: parameters.validation, seed: seed! },
        bound: replayed.flatMap(({ inference }) => entitiesOf(inference)),
      })
      const drawn = drawReplay(
        {
          fresh: split.kept.length,
          past: rows.filter((row) => !isGeneral(row) && !isNew(row)),
          general: rows.filter(isGeneral),
        },
        { ...replay, seed: seed! },
      )
      for (const row of drawn.left) build.drop(row, 'not-drawn')
      const train = split.kept.map(({ row }) => row)
      const validation = split.taken.map(({ row }) => row)
      const chosen = [...train, ...drawn.past, ...drawn.general, ...validation]

      const planted = canaryExamples(
        parameters.canaries,
        seed!,
        train[0]?.inference.occurredAt ?? new Date(0),
      )
      const examples = [...chosen.flatMap(examplesOf), ...planted]
      await project.examples.insert(examples)
      const digests = await digestsOf(
        project,
        examples.map(({ id }) => id),
      )
      const rowsOf = (part: Candidate[], split: SnapshotRow['split'], origin?: SnapshotRow['origin']) =>
        part.flatMap((row) => snapshotRows(row, digests, split, origin))
      const manifest: SnapshotManifest = {
        ...(kind === 'demonstrations' ? {} : { kind }),
        task,
        consent: parameters.consent,
        suite,
        ...(fresh === undefined ? {} : { fresh }),
        ...(also.length === 0 ? {} : { alsoKeptFrom: also }),
        splitBy: split.by,
        rows: [
          ...rowsOf(train, 'train'),
          ...rowsOf(drawn.past, 'train', 'past'),
          ...rowsOf(drawn.general, 'train', 'general'),
          ...planted.map((canary) => canaryRow(canary, digests)),
          ...rowsOf(validation, 'validation'),
        ],
        dropped: dropped.sort((a, b) => (a.inference < b.inference ? -1 : 1)),
        sources: describeSources(
          chosen.map(({ inference }) => inference),
          parameters,
        ),
        ...(calibration ? { calibration: inputs.find(({ role }) => role === 'calibration')!.digest } : {}),
        ...(parameters.uncalibrated ? { uncalibrated: true } : {}),
        ...(build.findings.weights ? { weights: build.findings.weights } : {}),
        ...replayOf(replay, drawn, train.length),
        ...(rescue ? { rescued: rescue } : {}),
        ...(build.findings.pii ? { pii: build.findings.pii } : {}),
        ...(build.findings.paraphrases ? { paraphrases: build.findings.paraphrases } : {}),
        coverage: build.findings.coverage ?? [],
      }
      const snapshot = { role: 'snapshot', kind: 'snapshot' as const, schemaVersion: 2, value: manifest }
      await vault.log({ snapshot: digestOf('snapshot', snapshot.schemaVersion, canonicalBytes(manifest)) })
      return [snapshot]
    },
  })
}

/** What a stratified split keeps the shares of. */
function labelOf({ examples: [example] }: Candidate): string {
  if (example === undefined) return ''
  if (!('kind' in example)) return example.completion
  return example.kind === 'preference' ? example.chosen : String(example.label)
}

function canaryRow({ id, occurredAt }: NewExample, digests: Map<string, string>): SnapshotRow {
  return {
    ...{ id, digest: digests.get(id)!, split: 'train', signal: 'canary', origin: 'canary' },
    ...{ inference: id, feedback: [], source: 'canary', occurredAt: occurredAt.toISOString() },
  }
}

function replayOf(asked: Replay, drawn: { past: unknown[]; general: unknown[] }, fresh: number) {
  if (asked.past === 0 && asked.general === 0) return {}
  const train = fresh + drawn.past.length + drawn.general.length
  const share = (rows: unknown[]) => (train === 0 ? 0 : rows.length / train)
  return { replay: { asked, past: share(drawn.past), general: share(drawn.general) } }
}

async function digestsOf(project: ProjectStore, ids: readonly string[]): Promise<Map<string, string>> {
  const digests = new Map<string, string>()
  for (let start = 0; start < ids.length; start += PAGE) {
    const page = ids.slice(start, start + PAGE)
    for await (const { id, digest } of project.examples.links({ ids: page })) digests.set(id, digest)
  }
  return digests
}
