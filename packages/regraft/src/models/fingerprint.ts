import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { runStep } from '../lineage/index.ts'
import { commandLine, defineOperation, type OperationContext } from '../operation/index.ts'
import type { ProjectStore } from '../store/types.ts'
import { renderVerdict, type Verdict, VerdictOutput } from '../verdict/index.ts'
import type { AnyBase, HostedBase } from './bases.ts'
import { compareFingerprints, type Fingerprint, takeFingerprint } from './fingerprint-step.ts'

/** Alias of the newest fingerprint of a hosted base. */
export function fingerprintAlias(name: string): string {
  return `fingerprint/${name}`
}

/** The hosted base that is recorded under a name; null when there is none. */
export async function findHostedBase(
  store: ProjectStore,
  name: string,
): Promise<{ digest: string; record: HostedBase } | null> {
  const digest = await store.aliases.get(`base/${name}`)
  const record = digest === null ? null : await store.artifacts.read<AnyBase>(digest)
  return digest !== null && record?.format === 'hosted' ? { digest, record } : null
}

/** A hosted base is known by its answers to frozen probes; later answers are compared with the first. */
export const fingerprintOperation = defineOperation({
  name: 'models fingerprint',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary:
    'Record a hosted base by its answers to frozen probes, or compare them with those it was recorded by',
  input: z.object({
    model: z.string().describe('upstream and model, as cloud/large'),
    accept: z.boolean().default(false).describe('record the present answers: a new base of the same name'),
  }),
  output: z.object({
    base: z.string().describe('digest of the recorded base'),
    fingerprint: z.string().describe('digest of the answers of now'),
    verdict: VerdictOutput.nullable().describe('null when it was recorded by these answers'),
  }),
  positionals: ['model'],
  example: 'regraft models fingerprint cloud/large',
  outcome: ({ verdict }) => verdict?.outcome ?? 'pass',
  render: ({ verdict, base }) => (verdict === null ? `recorded as base ${base}` : renderVerdict(verdict)),
  async run(context, { model: name, accept }) {
    const { store } = context
    const { upstream, model } = splitName(context, name)
    const fingerprint = await take(context, upstream, model)
    const alias = `base/${name}`
    const recorded = await store.aliases.get(alias)
    const base = recorded === null ? null : await store.artifacts.read<AnyBase>(recorded)
    if (base !== null && base.format !== 'hosted') {
      throw new RegraftError('conflict', `${name} is the name of a base on this machine`, {
        hint: 'give the upstream another name in regraft.yaml',
      })
    }
    if (recorded === null || base === null || accept) {
      const value: HostedBase = { name, format: 'hosted', upstream, model, fingerprint }
      const { digest } = await store.artifacts.put({ kind: 'base', schemaVersion: 1, value })
      await store.aliases.set(alias, digest)
      await store.aliases.set(fingerprintAlias(name), fingerprint)
      return { base: digest, fingerprint, verdict: null }
    }
    await store.aliases.set(fingerprintAlias(name), fingerprint)
    return { base: recorded, fingerprint, verdict: await verdictOf(context, base, fingerprint) }
  },
})

function splitName({ config }: OperationContext, name: string): { upstream: string; model: string } {
  const slash = name.indexOf('/')
  const [upstream, model] = [name.slice(0, slash), name.slice(slash + 1)]
  if (slash > 0 && model !== '' && Object.hasOwn(config.upstreams, upstream)) return { upstream, model }
  const known = Object.keys(config.upstreams)
  throw new RegraftError('not-found', `'${name}' names no model of an upstream`, {
    hint: `write <upstream>/<model>; configured: ${known.length > 0 ? known.join(', ') : 'none'}`,
    details: { param: 'model' },
  })
}

async function take(
  { store, config, signal, progress, jobId }: OperationContext,
  upstream: string,
  model: string,
): Promise<string> {
  const step = takeFingerprint({
    config: config.upstreams[upstream]!,
    now: () => new Date(),
    onProgress: (done, total) => progress({ stage: 'ask probes', done, total, unit: 'answers' }),
  })
  const round = jobId ?? crypto.randomUUID()
  const made = await runStep({ project: store, signal }, step, {
    inputs: [],
    parameters: { upstream, model, round },
  })
  return made.digest('fingerprint')
}

async function verdictOf(
  { store }: OperationContext,
  { name, fingerprint: first }: HostedBase,
  now: string,
): Promise<Verdict> {
  const before = await store.artifacts.read<Fingerprint>(first)
  const change = compareFingerprints(before, await store.artifacts.read<Fingerprint>(now))
  return {
    ...{ ...change, title: `fingerprint of ${name}`, unit: 'of the probes', evidence: [first, now] },
    rerun: commandLine(fingerprintOperation, { name }),
  }
}
