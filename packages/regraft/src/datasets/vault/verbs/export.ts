import { z } from 'zod'
import { shortDigest } from '../../../lineage/index.ts'
import { defineOperation, OutputText } from '../../../operation/index.ts'
import { findSuite } from '../find.ts'
import { openItems } from '../open-items.ts'

/**
 * A whole suite in the clear, for keeping it elsewhere. It burns nothing, since nobody may have looked: but who took it,
 * and why, stays in the log.
 */
export const vaultExport = defineOperation({
  name: 'vault export',
  effect: 'write',
  scope: 'admin',
  mode: 'call',
  summary: 'Hand out all items of a sealed suite in the clear, which the log records',
  input: z.object({
    suite: z.string().min(1).describe('name or digest of the suite'),
    reason: z.string().trim().min(3).max(500).describe('what it is taken out for; kept in the log'),
  }),
  output: z.object({
    suite: z.string().describe('digest of the suite'),
    items: z.int().describe('items that were handed out'),
    erased: z.int().describe('items that were erased with their end user'),
    out: OutputText.describe(
      'JSON Lines of OpenAI messages, the expected answer last: `datasets seal` takes them',
    ),
  }),
  positionals: ['suite'],
  example: 'regraft vault export routing --reason "moves to the new server" --out routing.jsonl',
  render({ suite, items, erased, out }) {
    if (out.text !== '') return out.text.trimEnd()
    const gone = erased === 0 ? '' : `, without ${erased} that were erased`
    return `${items} items of suite ${shortDigest(suite)} in the clear${gone}: keep the file from whoever writes training rows`
  },
  async run({ store, principal }, { suite: wanted, reason }) {
    const suite = await findSuite(store, wanted)
    const { items, erased } = await openItems(store, suite.digest)
    const slicesOf = new Map(suite.items.map(({ id, slices }) => [id, slices]))
    const lines = items.map(({ id, messages, expected, choices }) => {
      const slices = slicesOf.get(id) ?? {}
      const line = {
        messages: [...messages, { role: 'assistant', content: expected }],
        ...(choices ? { choices } : {}),
        ...(Object.keys(slices).length > 0 ? { slices } : {}),
      }
      return `${JSON.stringify(line)}\n`
    })
    await store.vault.log({
      ...{ suite: suite.digest, principal: principal.id, purpose: 'export', rows: items.length, hits: 0 },
      details: { reason },
    })
    const logged = { principal: principal.id, action: 'export-vault' as const, about: suite.name }
    await store.audit.append([{ ...logged, subject: suite.digest, details: { items: items.length, reason } }])
    const name = `${suite.name.replace(/[^a-zA-Z0-9._-]+/g, '-')}.jsonl`
    return {
      suite: suite.digest,
      items: items.length,
      erased: erased.length,
      out: { name, text: lines.join('') },
    }
  },
})
