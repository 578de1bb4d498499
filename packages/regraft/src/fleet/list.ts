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
  owner: z.string(),
  deputy: z.string(),
  accuracy: z.number(),
  low: z.number(),
  high: z.number(),
  n: z.int(),
  trainingRows: z.int(),
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
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`
    const rows = adapters.map((entry) => [
      `${entry.name} v${entry.version}`,
      shortDigest(entry.adapter),
      entry.base,
      `${percent(entry.accuracy)} [${percent(entry.low)}, ${percent(entry.high)}] of ${entry.n}`,
      `${entry.owner} / ${entry.deputy}`,
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
        owner: registration.owner,
        deputy: registration.deputy,
        accuracy: registration.score.accuracy,
        low: registration.score.low,
        high: registration.score.high,
        n: registration.score.n,
        trainingRows: registration.snapshot.rows,
        routes: registration.routes,
        registeredAt: registration.registeredAt,
        erased: erasures.get(registration.adapter) ?? null,
      })),
    }
  },
})
