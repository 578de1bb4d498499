import type { LossName } from '@regraft/engine'
import type { z } from 'zod'
import { kindOf, latestSnapshot, type SnapshotManifest } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { type AdapterRecord, type BaseRecord, baseNames, findBase, recordBase } from '../models/index.ts'
import type { OperationContext } from '../operation/index.ts'
import type { Artifact, Edge } from '../store/types.ts'
import { KIND_OF_LOSS } from './loss-options.ts'
import { type Recipe, type RecipeOptions, resolveRecipe, type TeacherReference } from './recipe.ts'
import { requireReference } from './reference.ts'
import { warnOfSmallEdits } from './small-edits.ts'

/** All that a training works with. */
export interface Prepared {
  recipe: Recipe
  base: { artifact: Artifact; record: BaseRecord; path: string }
  snapshot: { digest: string; manifest: SnapshotManifest }
}

/** Finds base, snapshot and teacher of a training and resolves its recipe. */
export async function prepareTraining(
  context: OperationContext,
  input: z.output<typeof RecipeOptions> & { base: string; snapshot?: string | undefined },
): Promise<Prepared> {
  const { store, config, progress } = context
  const { snapshot: wanted, base: baseName, teacher, ...options } = input
  const snapshot = await requireSnapshot(context, options.loss, wanted)
  // Before gigabytes are hashed: a wrong option is said at once.
  resolveRecipe(options, '', '')
  progress({ stage: 'check the base' })
  const found = findBase(config, baseName)
  const base = await recordBase(store, found)
  const reference = await findTeacher(context, options.loss, teacher)
  const recipe = resolveRecipe(options, base.artifact.digest, snapshot.digest, reference)
  return { recipe, base: { ...base, path: found.path }, snapshot }
}

/** Computes the reference that the loss needs, once; returns its digest. */
export async function prepareReference(
  context: OperationContext,
  { recipe, base, snapshot }: Prepared,
): Promise<string | null> {
  await warnOfSmallEdits(context, recipe.training.loss, snapshot.manifest)
  const onProgress = (done: number, total: number) =>
    context.progress({ stage: 'score the reference', done, total, unit: 'answers' })
  return requireReference(
    { project: context.store, signal: context.signal },
    { config: context.config, threads: recipe.training.threads, onProgress },
    recipe.training,
    { base: base.artifact.digest, snapshot: snapshot.digest },
  )
}

/** The inputs of a training step, in the order that is part of its key. */
export function trainingInputs(recipeDigest: string, recipe: Recipe, reference: string | null): Edge[] {
  const { base, snapshot, teacher } = recipe
  return [
    { role: 'recipe', digest: recipeDigest },
    { role: 'base', digest: base },
    { role: 'snapshot', digest: snapshot },
    ...(reference ? [{ role: 'reference', digest: reference }] : []),
    ...(teacher ? [{ role: 'teacher-base', digest: teacher.base }] : []),
    ...(teacher?.adapter ? [{ role: 'teacher-adapter', digest: teacher.adapter }] : []),
  ]
}

/**
 * The snapshot that was asked for, else the newest of the kind that the loss learns from.
 * Throws 'not-found', or 'incompatible' for a snapshot of another kind, with the command that builds the right one.
 */
export async function requireSnapshot(
  { store }: OperationContext,
  loss: LossName,
  wanted: string | undefined,
): Promise<Prepared['snapshot']> {
  const kind = KIND_OF_LOSS[loss]
  const command = `regraft datasets build${kind === 'demonstrations' ? '' : ` --for ${kind}`}`
  const name = wanted ?? latestSnapshot(kind)
  if (wanted === undefined && (await store.aliases.get(name)) === null) {
    const what = kind === 'demonstrations' ? 'there is no snapshot' : `there is no snapshot of ${kind}`
    throw new RegraftError('not-found', `${what} to train on`, { hint: command })
  }
  const artifact = await store.artifacts.resolve(name)
  if (artifact.kind !== 'snapshot') {
    throw new RegraftError('invalid-input', `${name} is a ${artifact.kind}, not a snapshot`, {
      hint: `${command} prints the digest of a snapshot`,
    })
  }
  const manifest = await store.artifacts.read<SnapshotManifest>(artifact.digest)
  if (kindOf(manifest) !== kind) {
    const held = kindOf(manifest)
    throw new RegraftError(
      'incompatible',
      `snapshot ${shortDigest(artifact.digest)} holds ${held}, and the loss '${loss}' learns from ${kind}`,
      { hint: command, details: { param: 'snapshot' } },
    )
  }
  return { digest: artifact.digest, manifest }
}

/** The teacher of a distillation: a base by its name, else an adapter by registered name or digest. */
async function findTeacher(
  { store, config }: OperationContext,
  loss: LossName,
  name: string | undefined,
): Promise<TeacherReference | null> {
  if ((loss === 'distill') !== (name !== undefined)) {
    const message =
      name === undefined ? "the loss 'distill' needs a teacher" : `the loss '${loss}' has no teacher`
    const hint =
      name === undefined ? 'name one with --teacher' : 'leave out --teacher, or choose --loss distill'
    throw new RegraftError('invalid-input', message, { hint, details: { param: 'teacher' } })
  }
  if (name === undefined) return null
  if (baseNames(config).includes(name)) {
    const { artifact } = await recordBase(store, findBase(config, name))
    return { base: artifact.digest, adapter: null }
  }
  const registered = await store.aliases.get(`adapter/${name}`)
  const artifact = await store.artifacts.resolve(registered ?? name).catch((cause: unknown) => {
    if (!(cause instanceof RegraftError)) throw cause
    throw new RegraftError('not-found', `there is no base and no adapter '${name}' to learn from`, {
      hint: 'regraft models list and regraft fleet list say what there is',
      details: { param: 'teacher' },
      cause,
    })
  })
  const adapter =
    artifact.kind === 'registration'
      ? (await store.artifacts.read<{ adapter: string }>(artifact.digest)).adapter
      : artifact.digest
  if (artifact.kind !== 'registration' && artifact.kind !== 'adapter') {
    throw new RegraftError('invalid-input', `${name} is a ${artifact.kind}, not an adapter`, {
      details: { param: 'teacher' },
    })
  }
  const { base } = await store.artifacts.read<AdapterRecord>(adapter)
  return { base, adapter }
}
