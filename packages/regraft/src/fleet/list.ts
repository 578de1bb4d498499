import { z } from 'zod'
import { listErasures } from '../datasets/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation } from '../operation/index.ts'
import { listRegistrations } from './registration.ts'

const Entry = z.object({
  name: z.string(),
  version: z.int(),
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
  erased: z
    .string()
    .nullable()
    .describe('certificate of an erasure that took training rows away: train it again'),
})

export const listOperation = defineOperation({
  name: 'fleet list',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'List the registered adapters',
  input: z.object({}),
  output: z.object({ adapters: z.array(Entry) }),
  example: 'regraft fleet list',
  render({ adapters }) {
    if (adapters.length === 0) return 'no adapter is registered yet: regraft fleet register <name>'
    const percent = (share: number | null) => (share === null ? '–' : `${(share * 100).toFixed(1)} %`)
    const rows = adapters.map((entry) => [
      `${entry.name} v${entry.version}`,
      shortDigest(entry.adapter),
      entry.base,
      entry.accuracy === null
        ? 'never judged'
        : `${percent(entry.accuracy)} [${percent(entry.low)}, ${percent(entry.high)}] of ${entry.n}`,
      `${entry.owner ?? 'nobody'} / ${entry.deputy ?? 'nobody'}`,
      entry.registeredAt.slice(0, 10),
    ])
    const table = [['adapter', 'digest', 'base', 'accuracy', 'owner / deputy', 'registered'], ...rows]
    const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
    const lines = table.map((row) => {
      return row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd()
    })
    const erased = adapters.flatMap(({ name, erased: certificate }) =>
      certificate === null
        ? []
        : [
            `${name} has learned from an erased person: train it again (certificate ${shortDigest(certificate)})`,
          ],
    )
    return [...lines, ...erased].join('\n')
  },
  async run({ store }) {
    const registrations = await listRegistrations(store)
    const erasures = await listErasures(store)
    return {
      adapters: registrations.map(({ digest, registration }) => ({
        name: registration.name,
        version: registration.version,
        adapter: registration.adapter,
        registration: digest,
        base: registration.base.name,
        origin: registration.origin,
        owner: registration.owner,
        deputy: registration.deputy,
        accuracy: registration.score?.accuracy ?? null,
        low: registration.score?.low ?? null,
        high: registration.score?.high ?? null,
        n: registration.score?.n ?? null,
        trainingRows: registration.snapshot?.rows ?? null,
        routes: registration.routes,
        registeredAt: registration.registeredAt,
        erased: erasures.get(registration.adapter) ?? null,
      })),
    }
  },
})
