import { wilsonInterval } from '@regraft/methods'
import { z } from 'zod'
import { SuiteSettings } from '../config/index.ts'
import { erasureOf, readSuite, requireSuite, type SnapshotManifest } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { runStep, shortDigest } from '../lineage/index.ts'
import { type AdapterRecord, type AnyBase, requireLocalBase } from '../models/index.ts'
import { defineOperation, type OperationContext } from '../operation/index.ts'
import { LATEST_ADAPTER } from '../training/index.ts'
import { renderVerdict, type Verdict } from '../verdict/index.ts'
import { type GateRecord, judgeGate } from './judge.ts'
import { measureModel, type Scoring, warnOfLeftOut } from './measure.ts'
import { readMeasurement } from './measurement.ts'

/** Alias of the newest gate verdict of an adapter. */
export function gateAlias(adapter: string): string {
  return `gate/${adapter}`
}

/** Alias of the adapter that was registered last among those judged on a suite; `fleet register` sets it. */
export function incumbentAlias(suite: string): string {
  return `incumbent/${suite}`
}

const CheckInput = z.object({
  adapter: z.string().optional().describe('digest of the adapter; else the one trained last'),
  evaluation: z.string().optional().describe('sealed suite; else the one that the adapter was kept from'),
  incumbent: z
    .string()
    .optional()
    .describe('digest of the adapter that must not be lost to; else the registered one with this suite'),
  maxTokens: z
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe('longest answer, in tokens; else that of the suite in regraft.yaml'),
})

const Score = z.object({ name: z.string(), accuracy: z.number(), low: z.number(), high: z.number() })

const CheckOutput = z.object({
  adapter: z.string(),
  suite: z.string(),
  record: z.string().describe('digest of the verdict'),
  scores: z.array(Score),
  verdict: z.custom<Verdict>((value) => typeof value === 'object' && value !== null && 'outcome' in value),
})

/** An adapter is compared with its base and the incumbent, item by item on the sealed suite. */
export const checkOperation = defineOperation({
  name: 'gates check',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  heavy: true,
  summary: 'Judge an adapter against its base and the incumbent on the sealed suite',
  input: CheckInput,
  output: CheckOutput,
  positionals: ['adapter'],
  example: 'regraft gates check',
  render({ scores, verdict }) {
    const width = Math.max(...scores.map(({ name }) => name.length))
    const lines = scores.map(({ name, accuracy, low, high }) => {
      return `  ${name.padEnd(width)}  ${percent(accuracy)}  [${percent(low)}, ${percent(high)}]`
    })
    return [...lines, renderVerdict(verdict)].join('\n')
  },
  async run(context, input) {
    const { store, signal } = context
    const adapter = await findAdapter(context, input.adapter)
    const record = await store.artifacts.read<AdapterRecord>(adapter)
    const suite = await findSuite(context, record, input.evaluation)
    const base = requireLocalBase(await store.artifacts.read<AnyBase>(record.base))
    const incumbent = await chooseIncumbent(context, input.incumbent, suite, adapter)
    await warnOfLeftOut(context, suite)
    await warnOfErasure(context, adapter)
    const scoring = await scoringOf(context, record, suite, input.maxTokens)
    const held = incumbent && (await store.artifacts.read<AdapterRecord>(incumbent.adapter))
    const against =
      incumbent && held
        ? { ...incumbent, suite, base: held.base }
        : { name: `base ${base.name}`, suite, base: record.base, adapter: null }
    const measure = (name: string, baseDigest: string, adapterDigest: string | null) =>
      measureModel(context, { name, suite, base: baseDigest, adapter: adapterDigest }, scoring, against)
    const names = {
      candidate: `adapter ${shortDigest(adapter)}`,
      base: `base ${base.name}`,
      incumbent: incumbent?.name ?? null,
    }
    const measurements = [
      {
        role: 'candidate',
        name: names.candidate,
        digest: await measure(names.candidate, record.base, adapter),
      },
      { role: 'base', name: names.base, digest: await measure(names.base, record.base, null) },
    ]
    if (incumbent && held) {
      const digest = await measure(incumbent.name, held.base, incumbent.adapter)
      measurements.push({ role: 'incumbent', name: incumbent.name, digest })
    }
    const judged = await runStep({ project: store, signal }, judgeGate, {
      inputs: measurements.map(({ role, digest }) => ({ role, digest })),
      parameters: {
        margin: context.config.gates.margin,
        alpha: context.config.gates.alpha,
        names,
        rerun: rerunCommand(adapter, input),
      },
    })
    const { verdict } = await store.artifacts.read<GateRecord>(judged.digest('verdict'))
    await store.aliases.set(gateAlias(adapter), judged.digest('verdict'))
    const scores = []
    for (const { name, digest } of measurements) scores.push({ name, ...(await scoreOf(context, digest)) })
    return { adapter, suite, record: judged.digest('verdict'), scores, verdict }
  },
})

/** Says that a candidate has learned from a person who was erased since: no result makes that right. */
async function warnOfErasure({ store, log }: OperationContext, adapter: string): Promise<void> {
  const certificate = await erasureOf(store, adapter)
  if (certificate === null) return
  log.warn(
    `adapter ${shortDigest(adapter)} has learned from an erased person: train it again (certificate ${shortDigest(certificate)})`,
  )
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

async function findSuite(
  { store }: OperationContext,
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
  const { suite, fresh } = await store.artifacts.read<SnapshotManifest>(record.snapshot)
  if (wanted === undefined) return suite
  const named = await requireSuite(store, wanted)
  if (named.digest === suite || named.digest === fresh) return named.digest
  throw new RegraftError(
    'incompatible',
    `the adapter was not kept from the suite '${wanted}': training may have seen it`,
    {
      hint: `regraft datasets build --evaluation ${wanted}, then train again`,
    },
  )
}

/** How a suite is answered and scored, as regraft.yaml says; a fresh suite as the frozen one of the adapter's snapshot. */
export async function scoringOf(
  { store, config }: OperationContext,
  { snapshot }: AdapterRecord,
  suite: string,
  maxTokens: number | undefined,
): Promise<Scoring> {
  const frozen = snapshot === null ? suite : (await store.artifacts.read<SnapshotManifest>(snapshot)).suite
  const { name } = await readSuite(store, frozen)
  const settings = SuiteSettings.parse(Object.hasOwn(config.suites, name) ? config.suites[name] : {})
  return { ...settings, ...(maxTokens === undefined ? {} : { maxTokens }) }
}

async function chooseIncumbent(
  context: OperationContext,
  wanted: string | undefined,
  suite: string,
  adapter: string,
): Promise<{ name: string; adapter: string } | null> {
  if (wanted !== undefined) {
    const digest = await findAdapter(context, wanted)
    return { name: `adapter ${shortDigest(digest)}`, adapter: digest }
  }
  const current = await context.store.aliases.get(incumbentAlias(suite))
  if (current === null || current === adapter) return null
  return { name: `adapter ${shortDigest(current)}`, adapter: current }
}

export async function scoreOf({ store }: Pick<OperationContext, 'store'>, measurement: string) {
  const { items } = await readMeasurement(store, measurement)
  const { estimate, low, high } = wilsonInterval(items.filter(({ correct }) => correct).length, items.length)
  return { accuracy: estimate, low, high }
}

function rerunCommand(adapter: string, input: z.output<typeof CheckInput>): string {
  const parts = [`regraft gates check ${shortDigest(adapter)}`]
  if (input.evaluation) parts.push(`--evaluation ${input.evaluation}`)
  if (input.incumbent) parts.push(`--incumbent ${input.incumbent}`)
  if (input.maxTokens !== undefined) parts.push(`--max-tokens ${input.maxTokens}`)
  return parts.join(' ')
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).padStart(5)} %`
}
