import { z } from 'zod'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation } from '../operation/index.ts'
import type { AuditEntry } from '../store/types.ts'
import { FLEET_ALIASES, listNames, requireReference } from './names.ts'
import { renderTable } from './table.ts'

const Outcome = z.enum(['pass', 'fail', 'cannot-tell'])

/** The details of a 'move-alias' entry; see `AliasMoveDetails`. */
const Details = z.object({
  alias: z.enum(FLEET_ALIASES),
  version: z.int(),
  from: z.int().nullable(),
  verdict: z.string().nullable(),
  outcome: Outcome.nullable(),
  waiver: z.string().nullable(),
})

const Move = Details.extend({
  at: z.string(),
  principal: z.string(),
  registration: z.string(),
  hash: z.string().describe('of the entry of the audit log'),
})

/** Every move of the aliases of a name, read from the audit log. */
export const historyOperation = defineOperation({
  name: 'fleet history',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show who made which version champion or candidate, when, and on which verdict',
  input: z.object({ name: z.string().describe('name of the registered adapter') }),
  output: z.object({ name: z.string(), moves: z.array(Move) }),
  positionals: ['name'],
  example: 'regraft fleet history routing',
  render({ name, moves }) {
    if (moves.length === 0) return `${name} was registered before moves were logged`
    return renderTable(
      ['time (UTC)', 'alias', 'version', 'before', 'who', 'verdict', 'waiver'],
      moves.map(({ at, alias, version, from, principal, verdict, outcome, waiver }) => [
        ...[
          at.slice(0, 19).replace('T', ' '),
          alias,
          `v${version}`,
          from === null ? '–' : `v${from}`,
          principal,
        ],
        verdict === null ? 'never judged' : `${outcome} ${shortDigest(verdict)}`,
        waiver ?? '',
      ]),
    )
  },
  async run({ store }, { name }) {
    const known = (await listNames(store)).some((entry) => entry.name === name)
    // Throws with the names there are.
    if (!known) await requireReference(store, name)
    const entries = await store.audit.list({ about: name })
    return {
      name,
      moves: entries.filter(({ action }) => action === 'move-alias').map(view),
    }
  },
})

function view(entry: AuditEntry) {
  return {
    ...Details.parse(entry.details),
    at: entry.at.toISOString(),
    principal: entry.principal,
    registration: entry.subject ?? '',
    hash: entry.hash,
  }
}
