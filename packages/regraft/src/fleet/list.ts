import { z } from 'zod'
import { listErasures } from '../datasets/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation } from '../operation/index.ts'
import { listNames } from './names.ts'
import { type Registration, readRegistration } from './registration.ts'
import { assessFleet } from './risk/fleet.ts'
import { renderTable } from './table.ts'

const Entry = z.object({
  name: z.string(),
  version: z.int(),
  champion: z.int().nullable().describe('version that answers; null while there is only a candidate'),
  candidate: z.int().nullable(),
  adapter: z.string(),
  registration: z.string(),
  base: z.string(),
  origin: z.enum(['trained', 'adopted']),
  owner: z.string().nullable().describe('null for an adopted adapter that nobody answers for'),
  deputy: z.string().nullable(),
  accuracy: z.number().nullable().describe('null for an adopted adapter that was never judged here'),
  low: z.number().nullable(),
  high: z.number().nullable(),
  n: z.int().nullable(),
  trainingRows: z.int().nullable().describe('null for an adopted adapter whose rows are unknown'),
  routes: z.array(z.string()),
  registeredAt: z.string(),
  red: z.int().describe('number of red conditions; regraft fleet check lists them'),
  firstRed: z.string().nullable(),
  daysToUnrebuildable: z.int().nullable().describe('null where no end is known'),
  erased: z
    .string()
    .nullable()
    .describe('certificate of an erasure that took training rows away: train it again'),
})

/** The registered names, the most endangered first. */
export const listOperation = defineOperation({
  name: 'fleet list',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'List the registered adapters, the most endangered first',
  input: z.object({}),
  output: z.object({ adapters: z.array(Entry) }),
  example: 'regraft fleet list',
  render({ adapters }) {
    if (adapters.length === 0) return 'no adapter is registered yet: regraft fleet register <name>'
    const percent = (share: number | null) => (share === null ? '–' : `${(share * 100).toFixed(1)} %`)
    const table = renderTable(
      ['adapter', 'digest', 'base', 'accuracy', 'owner / deputy', 'registered', 'red', 'days left'],
      adapters.map((entry) => [
        nameOf(entry),
        shortDigest(entry.adapter),
        entry.base,
        entry.accuracy === null
          ? 'never judged'
          : `${percent(entry.accuracy)} [${percent(entry.low)}, ${percent(entry.high)}] of ${entry.n}`,
        `${entry.owner ?? 'nobody'} / ${entry.deputy ?? 'nobody'}`,
        entry.registeredAt.slice(0, 10),
        String(entry.red),
        entry.daysToUnrebuildable === null ? '–' : String(entry.daysToUnrebuildable),
      ]),
    )
    const red = adapters.flatMap(({ name, red: count, firstRed }) => {
      if (firstRed === null) return []
      return [
        `${name}: ${firstRed}${count > 1 ? ` (and ${count - 1} more: regraft fleet check ${name})` : ''}`,
      ]
    })
    const erased = adapters.flatMap(({ name, erased: certificate }) =>
      certificate === null
        ? []
        : [
            `${name} has learned from an erased person: train it again (certificate ${shortDigest(certificate)})`,
          ],
    )
    return [table, ...red, ...erased].join('\n')
  },
  async run(context) {
    const { store } = context
    const erasures = await listErasures(store)
    const names = new Map((await listNames(store)).map((known) => [known.name, known]))
    const adapters = []
    for (const { name, registration: digest, ...risk } of await assessFleet(context, { now: new Date() })) {
      const { champion, candidate } = names.get(name)!
      const versionOf = async (alias: string | null) =>
        alias === null ? null : (await readRegistration(store, alias)).version
      const registration = await readRegistration(store, digest)
      adapters.push({
        ...entryOf(registration),
        registration: digest,
        champion: await versionOf(champion),
        candidate: await versionOf(candidate),
        red: risk.red,
        firstRed: risk.conditions.find(({ red }) => red)?.reason ?? null,
        daysToUnrebuildable: risk.daysToUnrebuildable,
        erased: erasures.get(registration.adapter) ?? null,
      })
    }
    return { adapters }
  },
})

function entryOf({ name, version, adapter, base, origin, owner, deputy, ...rest }: Registration) {
  const { score, snapshot, routes, registeredAt } = rest
  return {
    ...{ name, version, adapter, origin, owner, deputy, routes, registeredAt },
    base: base.name,
    accuracy: score?.accuracy ?? null,
    low: score?.low ?? null,
    high: score?.high ?? null,
    n: score?.n ?? null,
    trainingRows: snapshot?.rows ?? null,
  }
}

function nameOf({ name, version, champion, candidate }: z.output<typeof Entry>): string {
  if (champion === null) return `${name} v${version} (candidate)`
  return candidate === null || candidate === champion
    ? `${name} v${champion}`
    : `${name} v${champion} (candidate v${candidate})`
}
