import type { Config } from '../config/index.ts'
import { consentOf, type SnapshotManifest } from '../datasets/index.ts'
import { gateAlias, readGateRecord, scoreOf } from '../gates/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { type AdapterRecord, type AnyBase, recordedRevision, requireLocalBase } from '../models/index.ts'
import type { Execution, ProjectStore } from '../store/types.ts'
import type { Recipe } from '../training/index.ts'
import type { MissingEntry, TrainedRegistration } from './registration.ts'

export interface Ownership {
  name: string
  owner: string | undefined
  deputy: string | undefined
  routes: string[]
}

/**
 * Gathers the record of an adapter (SPEC §1). All that is missing is listed at once; a record is complete only when
 * the list is empty.
 */
export async function gatherRecord(
  { store, config }: { store: ProjectStore; config: Config },
  adapter: string,
  ownership: Ownership,
): Promise<{
  missing: MissingEntry[]
  record: Omit<TrainedRegistration, 'version' | 'registeredAt'> | null
}> {
  const missing: MissingEntry[] = []
  const need = <T>(value: T | null | undefined, entry: string, fix: string): T | null => {
    if (value !== null && value !== undefined && value !== '') return value
    missing.push({ entry, fix })
    return null
  }
  const owner = need(ownership.owner, 'owner', 'say --owner, or set owners.owner in regraft.yaml')
  const deputy = need(ownership.deputy, 'deputy', 'say --deputy, or set owners.deputy in regraft.yaml')
  if (owner !== null && owner === deputy) {
    missing.push({ entry: 'a deputy other than the owner', fix: 'name a second person: one may leave' })
  }
  const made = await store.artifacts.read<AdapterRecord>(adapter)
  const base = await store.artifacts.read<AnyBase>(made.base)
  const elsewhere = 'it was trained elsewhere: train one here whose record is complete'
  const recipeDigest = need(made.recipe, 'the recipe', elsewhere)
  const snapshot = need(made.snapshot, 'the snapshot of its training rows', elsewhere)
  if (recipeDigest === null || snapshot === null) return { missing, record: null }
  const { name, precision, digests } = requireLocalBase(base)
  const recipe = await store.artifacts.read<Recipe>(recipeDigest)
  const manifest = await store.artifacts.read<SnapshotManifest>(snapshot)
  const execution = need(
    await firstTraining(store, adapter),
    'the execution that trained it',
    'regraft training run',
  )
  const lock = need(
    execution?.environment.lock,
    'the environment lock',
    'train it again: regraft training run',
  )
  const consent = need(
    consentOf(manifest),
    'consent of the training rows',
    'say --consent, or set tasks.<task>.consent in regraft.yaml, then regraft datasets build and train again',
  )
  const gate = need(
    await store.aliases.get(gateAlias(adapter)),
    'a gate verdict with scores',
    'regraft gates check',
  )
  const judged = gate ? await readGateRecord(store, gate) : null
  if (judged && judged.verdict.outcome !== 'pass') {
    const { outcome, parts = [] } = judged.verdict
    const unmet = parts.filter((part) => part.outcome !== 'pass').map(({ title }) => title)
    missing.push({
      entry: `a passing gate (it says ${outcome}${unmet.length > 0 ? `, for: ${unmet.join('; ')}` : ''})`,
      fix:
        outcome === 'cannot-tell'
          ? 'judge it on more items'
          : `mend that and train again; the reasons: regraft gates report ${shortDigest(gate!)}`,
    })
  }
  if (missing.length > 0 || !execution || !judged || !gate) return { missing, record: null }
  const score = await scoreOf({ store }, judged.candidate)
  return {
    missing,
    record: {
      origin: 'trained',
      name: ownership.name,
      adapter,
      owner: owner!,
      deputy: deputy!,
      base: {
        kind: 'local',
        artifact: made.base,
        name,
        revision: recordedRevision(config, name),
        precision,
        digests,
      },
      snapshot: {
        artifact: snapshot,
        rows: manifest.rows.filter(({ split }) => split === 'train').length,
        dropped: manifest.dropped.length,
        consent: consent!,
      },
      recipe: recipeDigest,
      run: execution.outputs.find(({ role }) => role === 'run')!.digest,
      execution: execution.id,
      seeds: [recipe.training.seed],
      environment: {
        lock,
        step: `${execution.step} v${execution.version}`,
        regraft: execution.environment.regraft ?? null,
      },
      suite: { artifact: judged.suite, items: judged.verdict.n },
      score: { ...score, level: 0.95, n: judged.verdict.n },
      verdict: gate,
      routes: ownership.routes,
      missing: [],
    },
  }
}

/** The first execution that made the adapter. */
async function firstTraining(store: ProjectStore, adapter: string): Promise<Execution | null> {
  const artifact = await store.artifacts.get(adapter)
  return artifact?.firstExecution ? store.executions.get(artifact.firstExecution) : null
}
