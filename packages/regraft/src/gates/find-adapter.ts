import { wilsonInterval } from '@regraft/methods'
import { SuiteSettings } from '../config/index.ts'
import { listSuites, readSuite, requireSuite, type SnapshotManifest } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import type { AdapterRecord } from '../models/index.ts'
import type { OperationContext } from '../operation/index.ts'
import type { ProjectStore } from '../store/types.ts'
import { LATEST_ADAPTER } from '../training/index.ts'
import { standingOf } from './grown.ts'
import type { Scoring } from './measure.ts'
import { readMeasurement } from './measurement.ts'

/** Alias of the newest gate verdict of an adapter. */
export function gateAlias(adapter: string): string {
  return `gate/${adapter}`
}

const INCUMBENT = 'incumbent/'

/** Alias of the adapter that gates on a suite compare with; `fleet promote` and `fleet register` set it. */
export function incumbentAlias(suite: string): string {
  return INCUMBENT + suite
}

/** The adapter of a digest, else the one trained last. */
export async function findAdapter({ store }: OperationContext, wanted: string | undefined): Promise<string> {
  if (wanted === undefined) {
    const latest = await store.aliases.get(LATEST_ADAPTER)
    if (latest) return latest
    throw new RegraftError('not-found', 'no adapter has been trained yet', { hint: 'regraft training run' })
  }
  const artifact = await store.artifacts.resolve(wanted)
  if (artifact.kind === 'adapter') return artifact.digest
  throw new RegraftError('invalid-input', `${wanted} is a ${artifact.kind}, not an adapter`, {
    hint: 'regraft training run prints the digest of an adapter',
  })
}

/** The snapshot that an adapter learned from. Throws 'incompatible' for one that was trained elsewhere. */
export function requireSnapshotOf({ snapshot }: AdapterRecord): string {
  if (snapshot !== null) return snapshot
  throw new RegraftError(
    'incompatible',
    'the adapter was trained elsewhere: its training rows are not known',
    {
      hint: 'regraft gates check --evaluation <name> judges it without them',
    },
  )
}

/**
 * The suite that an adapter is judged on: the one it was kept from, another that it was kept from too, or what has become of one
 * of these since (`GatePlan.grown`).
 */
export async function findSuite(
  { store, log }: OperationContext,
  record: AdapterRecord,
  wanted: string | undefined,
): Promise<string> {
  if (record.snapshot === null) {
    if (wanted !== undefined) return (await requireSuite(store, wanted)).digest
    throw new RegraftError(
      'invalid-input',
      'the adapter was trained elsewhere, kept from no suite of yours',
      {
        hint: 'say which one it is judged on: --evaluation <name>',
      },
    )
  }
  const manifest = await store.artifacts.read<SnapshotManifest>(record.snapshot)
  if (wanted === undefined) {
    const own = await readSuite(store, manifest.suite)
    const now = (await listSuites(store)).find(({ name }) => name === own.name)
    if (now !== undefined && now.digest !== own.digest) {
      log.warn(
        `the suite '${own.name}' has been sealed again since: it had ${own.items.length} items, and has ${(await readSuite(store, now.digest)).items.length}; --evaluation ${own.name} judges on them`,
      )
    }
    return manifest.suite
  }
  const named = await requireSuite(store, wanted)
  if ((await standingOf(store, manifest, named)) !== 'unknown') return named.digest
  throw new RegraftError(
    'incompatible',
    `the adapter was not kept from the suite '${wanted}': training may have seen it`,
    {
      hint: `regraft datasets build --evaluation ${wanted}, then train again`,
    },
  )
}

/** The adapter that must not be lost to: the one that was named, or the champion on this suite; null for none. */
export async function chooseIncumbent(
  context: OperationContext,
  wanted: string | undefined,
  suite: string,
  adapter: string,
): Promise<{ name: string; adapter: string } | null> {
  if (wanted !== undefined) {
    const digest = await findAdapter(context, wanted)
    return { name: `incumbent adapter ${shortDigest(digest)}`, adapter: digest }
  }
  const current = await championOn(context.store, suite)
  if (current === null || current === adapter) return null
  return { name: `incumbent adapter ${shortDigest(current)}`, adapter: current }
}

/** The champion on a suite, also on what the suite was before it grew: of those of its name, the one that was set last. */
async function championOn(store: ProjectStore, suite: string): Promise<string | null> {
  const { name } = await readSuite(store, suite)
  const same = new Set(
    (await store.artifacts.find('suite', { name })).map(({ digest }) => incumbentAlias(digest)),
  )
  const champions = (await store.aliases.list(INCUMBENT)).filter((alias) => same.has(alias.name))
  const [last] = champions.sort((a, b) => b.updatedAt.getTime() - a.updatedAt.getTime())
  return last?.digest ?? null
}

/** How a suite is answered and scored, as regraft.yaml says; a fresh suite as the frozen one of the adapter's snapshot. */
export async function scoringOf(
  { store, config }: OperationContext,
  { snapshot }: AdapterRecord,
  suite: string,
  maxTokens?: number,
): Promise<Scoring & { maxTokens: number }> {
  const manifest = snapshot === null ? null : await store.artifacts.read<SnapshotManifest>(snapshot)
  const { name } = await readSuite(store, manifest?.fresh === suite ? manifest.suite : suite)
  const settings = SuiteSettings.parse(Object.hasOwn(config.suites, name) ? config.suites[name] : {})
  return { ...settings, ...(maxTokens === undefined ? {} : { maxTokens }) }
}

/**
 * The share of items that a model answered right, with a 95 % interval (Wilson); of a comparison its win rate, with ties as half,
 * for which the same interval is a little wide: scores within 0 and 1 vary at most as much as right and wrong do.
 */
export async function scoreOf({ store }: Pick<OperationContext, 'store'>, measurement: string) {
  const { items, against } = await readMeasurement(store, measurement)
  const n = items.length
  const total = items.reduce((sum, { score, correct }) => sum + (against ? score : Number(correct)), 0)
  const { low } = wilsonInterval(Math.floor(total), n)
  const { high } = wilsonInterval(Math.ceil(total), n)
  return { accuracy: total / n, low, high }
}
