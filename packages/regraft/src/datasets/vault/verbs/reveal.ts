import { z } from 'zod'
import { RegraftError } from '../../../errors/index.ts'
import { defineOperation } from '../../../operation/index.ts'
import { excludedItems } from '../excluded.ts'
import { findSuite } from '../find.ts'
import { revealItems } from '../reveal-items.ts'

const ItemMessage = z.object({ role: z.string(), content: z.string() })

/** A person sees one item, and from then on it counts in no evaluation. */
export const vaultReveal = defineOperation({
  name: 'vault reveal',
  effect: 'write',
  scope: 'admin',
  mode: 'call',
  summary: 'Show one item of a sealed suite to a person, and burn it: no later evaluation counts it',
  input: z.object({
    suite: z.string().min(1).describe('name or digest of the suite'),
    item: z.string().min(1).describe('id of the item, as `gates show` lists it'),
    reason: z.string().trim().min(3).max(500).describe('why it must be seen; kept in the log'),
  }),
  output: z.object({
    suite: z.string().describe('digest of the suite'),
    item: z.string(),
    messages: z.array(ItemMessage),
    expected: z.string(),
    burned: z.int().describe('burned items of the suite, this one included'),
    counting: z.int().describe('items that evaluations still count'),
  }),
  positionals: ['suite'],
  example:
    'regraft vault reveal routing --item 4f3c0e52-9d1a-8c7e-9b21-0a6d5e8f7c11 --reason "answered wrong by every adapter"',
  render({ item, messages, expected, burned, counting }) {
    return [
      `item ${item}, burned now: ${counting} items still count, ${burned} are burned`,
      ...messages.map(({ role, content }) => `${role}: ${content}`),
      `expected: ${expected}`,
    ].join('\n')
  },
  async run({ store, principal }, input) {
    const suite = await findSuite(store, input.suite)
    const known = suite.items.find(({ id }) => id === input.item)
    const by = { principal: principal.id, reason: input.reason }
    const [opened] = await revealItems(store, suite, [input.item], by)
    if (!opened) {
      const problem = known ? 'was erased with its end user' : `is no item of the suite '${suite.name}'`
      throw new RegraftError('not-found', `${input.item} ${problem}`, {
        hint: 'regraft gates show <measurement> lists the ids of items',
      })
    }
    const { burned, erased } = await excludedItems(store, suite)
    return {
      suite: suite.digest,
      item: opened.id,
      messages: opened.messages,
      expected: opened.expected,
      burned: burned.length,
      counting: suite.items.length - new Set([...burned, ...erased]).size,
    }
  },
})
