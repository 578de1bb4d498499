import { z } from 'zod'
import { defineOperation } from '../../../operation/index.ts'
import { queriesOf } from '../budget.ts'
import { findSuite } from '../find.ts'

/** The log of a suite. */
export const vaultQueries = defineOperation({
  name: 'vault queries',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'List what a sealed suite has been asked, by whom, oldest first',
  input: z.object({ suite: z.string().min(1).describe('name or digest of the suite') }),
  output: z.object({
    suite: z.string().describe('digest of the suite'),
    queries: z.array(
      z.object({
        at: z.string(),
        purpose: z.enum(['screen', 'evaluate', 'show', 'export']),
        principal: z.string(),
        rows: z.int().describe('rows compared, or items answered, shown or exported'),
        hits: z.int().describe('rows that matched, or items answered right'),
        suite: z
          .string()
          .describe('digest of the suite that was asked: this one, or one that shares its items'),
        details: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
  positionals: ['suite'],
  example: 'regraft vault queries routing',
  render({ queries }) {
    if (queries.length === 0) return 'it has not been asked yet'
    return queries
      .map(({ at, purpose, principal, rows, hits, details }) => {
        const counts = `${String(rows).padStart(8)} rows ${String(hits).padStart(6)} hits`
        const more = Object.entries(details).map(([name, value]) => `${name} ${short(value)}`)
        return `${at}  ${purpose.padEnd(8)}  ${principal}  ${counts}  ${more.join(', ')}`
      })
      .join('\n')
  },
  async run({ store }, input) {
    const suite = await findSuite(store, input.suite)
    const queries = await queriesOf(store, suite)
    return {
      suite: suite.digest,
      queries: queries.map(({ id: _, at, ...query }) => ({ ...query, at: at.toISOString() })),
    }
  },
})

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^sha256:[0-9a-f]{64}$/.test(text) ? text.slice('sha256:'.length, 'sha256:'.length + 12) : text
}
