import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { z } from 'zod'
import { RegraftError } from '../../errors/index.ts'
import { gateAlias, readGateRecord, scoreOf } from '../../gates/index.ts'
import { runStep, shortDigest } from '../../lineage/index.ts'
import {
  type AbsentBase,
  type BaseSearch,
  findAdapterBase,
  findBase,
  findHostedBase,
  type HostedBase,
  judgeCompatibility,
  recordBase,
  recordedRevision,
  WAIVABLE,
} from '../../models/index.ts'
import { defineOperation, LocalPath, type OperationContext, requireLocal } from '../../operation/index.ts'
import type { ProjectStore } from '../../store/types.ts'
import { enroll } from '../enroll.ts'
import { aliasOf, FLEET_ALIASES } from '../names.ts'
import type { AdoptedRegistration, RegisteredBase } from '../registration.ts'
import { assessRisk } from '../risk/conditions.ts'
import { gatherFacts, peopleSeen } from '../risk/gather.ts'
import { adoptStep } from './adopt-files.ts'
import { missingEntries } from './missing-entries.ts'

const NAME = /^[a-z0-9][a-z0-9._-]*$/

const AdoptInput = z.object({
  folder: LocalPath.describe('PEFT folder: adapter_config.json and adapter_model.safetensors'),
  name: z
    .string()
    .regex(NAME, 'expected lower-case letters, digits, dots and dashes')
    .optional()
    .describe('name under which it is served; else that of the folder'),
  base: z
    .string()
    .optional()
    .describe(
      'base that it was trained on, by its name in `models list`, or a hosted one as cloud/large; else it is looked for',
    ),
  owner: z.string().optional().describe('who answers for it; else owners.owner of regraft.yaml'),
  deputy: z.string().optional().describe('who answers when the owner has left; else owners.deputy'),
  route: z.array(z.string()).default([]).describe('further names under which requests reach it'),
  as: z
    .enum(FLEET_ALIASES)
    .optional()
    .describe('what it becomes; else the champion of a name that has none, and otherwise the candidate'),
  waive: z
    .array(z.enum(WAIVABLE))
    .default([])
    .describe(
      'checks that you answer for, where the folder does not agree with the base; kept in its record',
    ),
  waiver: z
    .string()
    .trim()
    .min(3)
    .max(500)
    .optional()
    .describe('why it takes the place of a champion without a passing verdict; kept in the log'),
})

/** An adapter that somebody else trained becomes a version of a name, with all that its record lacks. */
export const adoptOperation = defineOperation({
  name: 'fleet adopt',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary: 'Take an adapter from elsewhere into the fleet, and say what its record lacks',
  input: AdoptInput,
  output: z.object({
    registration: z.string(),
    name: z.string(),
    version: z.int(),
    alias: z.enum(FLEET_ALIASES),
    adapter: z.string(),
    owner: z.string().nullable(),
    deputy: z.string().nullable(),
    base: z.object({
      name: z.string(),
      here: z.boolean().describe('whether its weights are on this machine'),
      reason: z.string().describe('how it was found'),
    }),
    missing: z.array(z.object({ entry: z.string(), fix: z.string() })),
    risk: z.object({
      red: z.array(z.object({ condition: z.string(), reason: z.string(), fix: z.string() })),
      daysToUnrebuildable: z.int().nullable().describe('null where no end is known'),
    }),
  }),
  positionals: ['folder', 'name'],
  example: 'regraft fleet adopt ./their-adapter routing --owner ada --deputy grace',
  render({ name, version, alias, adapter, owner, deputy, base, missing, risk, registration }) {
    const where = base.here
      ? `base ${base.name}`
      : `base ${base.name}, which is not here: it cannot be served`
    return [
      `adopted ${name} v${version} as ${alias}: adapter ${shortDigest(adapter)}, owner ${owner ?? 'nobody'}, deputy ${deputy ?? 'nobody'}  registration ${shortDigest(registration)}`,
      `  ${where}: ${base.reason}`,
      ...(missing.length > 0 ? ['  its record lacks:'] : []),
      ...missing.map(({ entry, fix }) => `    - ${entry}: ${fix}`),
      `  orphan risk: ${risk.red.length} red${risk.daysToUnrebuildable === null ? '' : `, ${risk.daysToUnrebuildable} days to unrebuildable`}`,
      ...risk.red.map(({ condition, reason }) => `    - ${condition}: ${reason}`),
    ].join('\n')
  },
  async run(context, input) {
    requireLocal(context, 'regraft fleet adopt')
    const { store, config, progress, services, signal } = context
    const folder = resolve(input.folder)
    const name = input.name ?? nameOf(folder)
    const { owners } = config
    const owner = input.owner ?? owners?.owner ?? null
    const deputy = input.deputy ?? owners?.deputy ?? null
    if (owner !== null && owner === deputy) {
      throw new RegraftError('invalid-input', `${owner} cannot be owner and deputy`, {
        hint: 'name a second person, or leave --deputy out: one may leave',
        details: { param: 'deputy' },
      })
    }
    const { alias, waiver } = await standingOf(store, name, input)
    progress({ stage: 'check the adapter' })
    const hosted = input.base === undefined ? null : await findHostedBase(store, input.base)
    const search = hosted
      ? onHostedBase(await findAdapterBase(config, folder), hosted.record.name)
      : await findAdapterBase(config, folder, input.base)
    requireCompatible(search, input.waive)
    const base = hosted ? registeredHostedBase(hosted) : await registeredBase(context, search)
    const made = await runStep({ project: store, signal }, adoptStep(folder), {
      inputs: [{ role: 'base', digest: base.artifact }],
      parameters: { waived: input.waive },
    })
    const adapter = made.digest('adapter')
    if (base.kind === 'local') {
      progress({ stage: 'try it on its base' })
      await services.evaluationEngines.load(store, { base: base.artifact, adapter })
    }
    const judged = await judgementOf(store, adapter)
    const missing = missingEntries({
      ...{ owner, deputy, base: search.chosen?.name ?? search.declared },
      ...{
        baseIsHere: base.kind !== 'absent',
        revision: base.kind === 'hosted' ? base.model : base.revision,
      },
      tokenizer: existsSync(join(folder, 'tokenizer.json')),
      chatTemplate: (search.chosen?.comparison?.chatTemplate ?? null) !== null,
      judged: judged.verdict !== null,
    })
    const record: Omit<AdoptedRegistration, 'version' | 'registeredAt'> = {
      ...{ origin: 'adopted', name, adapter, owner, deputy, base, seeds: [] },
      ...{ snapshot: null, recipe: null, run: null, execution: null },
      ...judged,
      environment: environmentOf(search),
      routes: input.route,
      missing,
    }
    const { digest, registration } = await enroll(context, { record, as: alias, waiver })
    const facts = await gatherFacts({ store, config, seen: await peopleSeen(store) }, digest)
    const { conditions, daysToUnrebuildable } = assessRisk(facts, { days: config.fleet, now: new Date() })
    const red = conditions.filter((condition) => condition.red)
    return {
      ...{
        registration: digest,
        name,
        version: registration.version,
        alias,
        adapter,
        owner,
        deputy,
        missing,
      },
      base: { name: base.name, here: base.kind === 'local', reason: search.reason },
      risk: {
        red: red.map(({ condition, reason, fix }) => ({ condition, reason, fix })),
        daysToUnrebuildable,
      },
    }
  },
})

function nameOf(folder: string): string {
  const name = basename(folder).toLowerCase()
  if (NAME.test(name)) return name
  throw new RegraftError('invalid-input', `'${basename(folder)}' cannot be its name`, {
    hint: 'say a name of lower-case letters, digits, dots and dashes after the folder',
    details: { param: 'name' },
  })
}

/** What it becomes. A name that nobody holds can be given to an adapter that was never judged; a champion's cannot. */
async function standingOf(
  store: ProjectStore,
  name: string,
  { as, waiver }: z.output<typeof AdoptInput>,
): Promise<{ alias: (typeof FLEET_ALIASES)[number]; waiver: string | null }> {
  const held = (await store.aliases.get(aliasOf({ name, which: 'champion' }))) !== null
  const alias = as ?? (held ? 'candidate' : 'champion')
  if (alias === 'candidate') return { alias, waiver: null }
  if (!held) return { alias, waiver: waiver ?? 'adopted under a name that nobody held' }
  if (waiver !== undefined) return { alias, waiver }
  throw new RegraftError(
    'record-incomplete',
    `${name} has a champion; an adapter that was never judged does not replace it`,
    {
      hint: 'adopt it as candidate, judge it (regraft gates check), then regraft fleet promote; or say --waiver "<reason>"',
    },
  )
}

/** Refuses an adapter that would be ignored, wholly or in part, and bases between which nothing decides. */
function requireCompatible(
  { inspection, chosen, candidates, declared, reason }: BaseSearch,
  waived: readonly string[],
) {
  const fitting = candidates.filter(({ fits }) => fits)
  if (!chosen && declared === null && fitting.length > 1) {
    throw new RegraftError('invalid-input', reason, {
      hint: `say which: --base ${fitting.map(({ name }) => name).join(' or --base ')}`,
      details: { param: 'base' },
    })
  }
  if (chosen?.problem) throw new RegraftError('incompatible', `base ${chosen.name}: ${chosen.problem}`)
  const verdict = judgeCompatibility({ inspection, comparison: chosen?.comparison ?? null }, chosen, '')
  const failed = (verdict.parts ?? []).filter(
    ({ outcome, title }) => outcome === 'fail' && !waived.includes(title),
  )
  if (failed.length === 0) return
  const waivable = failed.map(({ title }) => title).filter((title) => WAIVABLE.some((one) => one === title))
  throw new RegraftError(
    'incompatible',
    `the adapter cannot be adopted${chosen ? ` on base ${chosen.name}` : ''}; ${failed.map(({ title, reason: why }) => `${title}: ${why}`).join('; ')}`,
    {
      hint:
        waivable.length === failed.length
          ? `put it right, or answer for it: ${waivable.map((title) => `--waive "${title}"`).join(' ')}`
          : 'regraft audit <folder> says what to do first',
      details: { failed: failed.map(({ title }) => title) },
    },
  )
}

/** Nobody here can compare an adapter with weights that a provider holds: its own folder is all that is checked. */
function onHostedBase(search: BaseSearch, name: string): BaseSearch {
  const reason = `${name} is hosted: it is known by its fingerprint`
  return { ...search, candidates: [], chosen: null, declared: name, reason }
}

function registeredHostedBase({ digest, record }: { digest: string; record: HostedBase }): RegisteredBase {
  const { name, upstream, model, fingerprint } = record
  return { kind: 'hosted', artifact: digest, name, upstream, model, fingerprint }
}

async function registeredBase(
  { store, config }: OperationContext,
  search: BaseSearch,
): Promise<RegisteredBase> {
  const { chosen, declared, inspection } = search
  const { revision } = inspection.config
  const stated = typeof revision === 'string' && revision !== '' ? revision : null
  if (chosen) {
    const { artifact, record } = await recordBase(store, findBase(config, chosen.name))
    const { name, precision, digests } = record
    return {
      ...{ kind: 'local', artifact: artifact.digest, name, precision, digests },
      revision: recordedRevision(config, name) ?? stated,
    }
  }
  const value: AbsentBase = { name: declared ?? 'unknown', format: 'absent', revision: stated }
  const { digest } = await store.artifacts.put({ kind: 'base', schemaVersion: 1, value })
  return { kind: 'absent', artifact: digest, name: value.name, revision: stated }
}

/** What a gate has said of these very files, where one has. */
async function judgementOf(
  store: ProjectStore,
  adapter: string,
): Promise<Pick<AdoptedRegistration, 'suite' | 'score' | 'verdict'>> {
  const digest = await store.aliases.get(gateAlias(adapter))
  if (digest === null) return { suite: null, score: null, verdict: null }
  const { suite, candidate, verdict } = await readGateRecord(store, digest)
  const score = await scoreOf({ store }, candidate)
  return {
    suite: { artifact: suite, items: verdict.n },
    score: { ...score, level: 0.95, n: verdict.n },
    verdict: digest,
  }
}

function environmentOf({ inspection: { config } }: BaseSearch): Record<string, unknown> {
  return typeof config.peft_version === 'string' ? { peft: config.peft_version } : {}
}
