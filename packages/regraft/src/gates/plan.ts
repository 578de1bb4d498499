import type { RequirementSettings } from '../config/index.ts'
import { readSuite, requireSuite, type SnapshotManifest } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { type AdapterRecord, type AnyBase, requireLocalBase } from '../models/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { standingOf } from './grown.ts'
import { checkCritical, type GateScope, type ModelRole } from './requirements/index.ts'

/** A gate before anything is measured: what it requires, of which models, on which suites. */
export interface GatePlan {
  adapter: string
  record: AdapterRecord
  scope: GateScope
  requirements: RequirementSettings[]
  /** Digests of the suites by name. */
  suites: Record<string, string>
  /** Names of those that have been sealed again since the adapter's snapshot was built: its rows are screened once more. */
  grown: string[]
  models: Record<ModelRole, { name: string; base: string; adapter: string | null } | null>
}

interface Incumbent {
  name: string
  adapter: string
}

/**
 * Resolves the names in the requirements of regraft.yaml. Throws before any work: 'not-found' for a suite that is not there,
 * 'incompatible' for one that training may have seen, 'invalid-input' for a critical slice that no item belongs to.
 */
export async function planGate(
  { store, config }: OperationContext,
  adapter: string,
  suite: string,
  incumbent: Incumbent | null,
): Promise<GatePlan> {
  const record = await store.artifacts.read<AdapterRecord>(adapter)
  const manifest =
    record.snapshot === null ? null : await store.artifacts.read<SnapshotManifest>(record.snapshot)
  const judged = await readSuite(store, suite)
  const suites: Record<string, string> = { [judged.name]: suite }
  const { requirements } = config.gates
  let fresh: string | null = null
  if (requirements.some(({ require }) => require === 'gap') && manifest?.fresh !== undefined) {
    fresh = (await readSuite(store, manifest.fresh)).name
    suites[fresh] = manifest.fresh
  }
  for (const requirement of requirements) {
    const name = 'suite' in requirement ? requirement.suite : undefined
    if (name !== undefined && !Object.hasOwn(suites, name))
      suites[name] = (await requireSuite(store, name)).digest
    if (requirement.require !== 'not-inferior' && requirement.require !== 'superior') continue
    const digest = suites[name ?? judged.name]!
    const asked = { name: name ?? judged.name, digest }
    if (manifest !== null && (await standingOf(store, manifest, asked)) === 'unknown')
      throw notKeptFrom(asked.name)
    if (requirement.require === 'not-inferior') {
      checkCritical((await readSuite(store, digest)).items, requirement.critical)
    }
  }
  const grown = []
  for (const [name, digest] of manifest === null ? [] : Object.entries(suites)) {
    if ((await standingOf(store, manifest!, { name, digest })) === 'grown') grown.push(name)
  }
  const base = requireLocalBase(await store.artifacts.read<AnyBase>(record.base))
  const held = incumbent ? await store.artifacts.read<AdapterRecord>(incumbent.adapter) : null
  return {
    ...{ adapter, record, requirements, suites, grown },
    scope: { suite: judged.name, fresh, hasIncumbent: incumbent !== null },
    models: {
      candidate: { name: `adapter ${shortDigest(adapter)}`, base: record.base, adapter },
      base: { name: `base ${base.name}`, base: record.base, adapter: null },
      incumbent: incumbent && held ? { ...incumbent, base: held.base } : null,
    },
  }
}

function notKeptFrom(name: string): RegraftError {
  return new RegraftError(
    'incompatible',
    `the adapter was not kept from the suite '${name}', which gates.requirements names: training may have seen it`,
    { hint: 'regraft datasets build keeps out what gates.requirements names: build, then train again' },
  )
}
