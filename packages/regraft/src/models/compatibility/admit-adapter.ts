import type { InferenceProcess } from '@regraft/engine'
import { RegraftError } from '../../errors/index.ts'
import { runStep } from '../../lineage/index.ts'
import type { ProjectStore } from '../../store/types.ts'
import type { AdapterRecord } from '../adapters.ts'
import { type AdapterEffect, adapterEffectStep, measureEffect, requireEffect } from './adapter-effect.ts'
import { readAdapterFacts } from './adapter-facts.ts'
import { type CheckedBase, judgeCompatibility } from './judge-compatibility.ts'

/** An adapter on its way into the process of a base. */
export interface AdmittedAdapter {
  store: ProjectStore
  process: InferenceProcess
  base: CheckedBase & { digest: string; path: string }
  /** Digest of the artifact; of a loose folder that of its files. */
  adapter: string
  folder: string
  /** Null for a loose folder, of which there is no record. */
  record: AdapterRecord | null
}

/**
 * Puts an adapter into the process of a base: the one way for all of them. Before it is loaded, what was trained elsewhere
 * is checked against the base; once it is, it must change what the base says about fixed probes. What was found for an
 * adapter of the record is kept there, so that later loads are quick.
 *
 * Throws 'incompatible' for an adapter that would be ignored, wholly or in part; it is not loaded then.
 */
export async function admitAdapter(admitted: AdmittedAdapter): Promise<AdapterEffect> {
  const { store, process, base, adapter, folder, record } = admitted
  if (record && record.base !== base.digest) throw otherBase(base.name)
  const isForeign = record === null || record.recipe === null
  let loaded = false
  const load = async () => {
    if (!loaded) await process.loadAdapter(adapter, folder)
    loaded = true
  }
  const measure = async () => {
    if (isForeign) await checkFolder(admitted)
    await load()
    return measureEffect((adapted, items) => process.score({ adapter: adapted ? adapter : null, items }))
  }
  try {
    const effect = record ? await recordedEffect(store, base.digest, adapter, measure) : await measure()
    requireEffect(effect, base.name)
    await load()
    return effect
  } catch (error) {
    if (loaded && process.alive) await process.unloadAdapter(adapter)
    throw error
  }
}

async function recordedEffect(
  store: ProjectStore,
  base: string,
  adapter: string,
  measure: () => Promise<AdapterEffect>,
): Promise<AdapterEffect> {
  const inputs = [
    { role: 'base', digest: base },
    { role: 'adapter', digest: adapter },
  ]
  const { digest } = await runStep({ project: store }, adapterEffectStep(measure), { inputs })
  return store.artifacts.read(digest('measurement'))
}

async function checkFolder({ base, folder, record }: AdmittedAdapter): Promise<void> {
  const facts = await readAdapterFacts(folder, base.path)
  const verdict = judgeCompatibility(facts, base, '')
  const waived: readonly string[] = record?.waived ?? []
  const failed = (verdict.parts ?? []).filter(
    ({ outcome, title }) => outcome === 'fail' && !waived.includes(title),
  )
  if (failed.length === 0) return
  const reasons = failed.map(({ title, reason }) => `${title}: ${reason}`)
  throw new RegraftError(
    'incompatible',
    `the adapter does not fit base ${base.name}; ${reasons.join('; ')}`,
    {
      hint: 'name the base that it was trained on; regraft audit <its folder> says more',
      details: { failed: failed.map(({ title }) => title) },
    },
  )
}

function otherBase(name: string): RegraftError {
  return new RegraftError(
    'incompatible',
    `the adapter was trained on other weights than those of base ${name}`,
    {
      hint: 'regraft lineage show <adapter> names the base of its record',
    },
  )
}
