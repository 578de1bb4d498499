import { z } from 'zod'
import { defineOperation } from '../operation/index.ts'
import { listDrills } from './drill/schedule.ts'

const Drill = z.object({
  record: z.string().describe('digest of the verdict'),
  at: z.string(),
  outcome: z.enum(['pass', 'fail', 'cannot-tell']),
  finding: z.string().nullable(),
  missing: z.string().nullable().describe('the first missing input'),
  seconds: z.number(),
  cost: z.object({ amount: z.number(), currency: z.string() }).nullable(),
})

const Entry = z.object({
  name: z.string(),
  version: z.int(),
  last: Drill.nullable().describe('the newest drill of this adapter'),
  every: z.string().nullable().describe('null: nobody but who asks starts one'),
  nextAt: z.string().nullable(),
  due: z.boolean(),
})

export const drillsOperation = defineOperation({
  name: 'fleet drills',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'List when each adapter was rebuilt, with what result, and when it will be next',
  input: z.object({}),
  output: z.object({ adapters: z.array(Entry) }),
  example: 'regraft fleet drills',
  render({ adapters }) {
    if (adapters.length === 0) return 'no adapter is registered yet: regraft fleet register <name>'
    return adapters
      .map(({ name, version, last, nextAt, due, every }) => {
        const result = last ? (last.finding ?? last.outcome) : ''
        const past = last ? `${result} on ${last.at.slice(0, 10)}, ${minutes(last.seconds)}` : 'never rebuilt'
        const next = due ? 'due now' : nextAt ? `next on ${nextAt.slice(0, 10)}` : 'not scheduled'
        const missing = last?.missing ? `\n  first missing input: ${last.missing}` : ''
        return `${name} v${version}  ${past}; ${next}${every ? ` (every ${every})` : ''}${missing}`
      })
      .join('\n')
  },
  async run({ store, config }) {
    const now = new Date()
    const drills = await listDrills(store, config)
    return {
      adapters: drills.map(({ name, version, last, every, nextAt }) => ({
        ...{ name, version, every, nextAt: nextAt?.toISOString() ?? null },
        due: nextAt !== null && nextAt <= now,
        last: last && {
          record: last.record,
          at: last.content.at,
          outcome: last.content.verdict.outcome,
          finding: last.content.verdict.finding ?? null,
          missing: last.content.missing?.text ?? null,
          seconds: last.content.seconds,
          cost: last.content.cost,
        },
      })),
    }
  },
})

function minutes(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`
}
