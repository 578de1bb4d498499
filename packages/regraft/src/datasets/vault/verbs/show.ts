import { z } from 'zod'
import { shortDigest } from '../../../lineage/index.ts'
import { defineOperation } from '../../../operation/index.ts'
import { budgetOf, countQueries, queriesOf, vaultAccess } from '../budget.ts'
import { excludedItems } from '../excluded.ts'
import { findSuite } from '../find.ts'

const Used = z.object({ used: z.int(), budget: z.int() })

/** What may be known of a suite: counts, no text. */
export const vaultShow = defineOperation({
  name: 'vault show',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show how many items a sealed suite has left, and how often it has been asked',
  input: z.object({ suite: z.string().min(1).describe('name or digest of the suite') }),
  output: z.object({
    suite: z.string().describe('digest of the suite'),
    name: z.string(),
    items: z.int(),
    counting: z.int().describe('items that evaluations still count'),
    burned: z.int().describe('items that a person has seen'),
    erased: z.int().describe('items that were erased with their end user'),
    leftOut: z.int().describe('lines of the sealed file that could not become an item'),
    evaluations: Used,
    screens: Used,
    reveals: z.int(),
    exports: z.int(),
    lastAsked: z.string().nullable(),
  }),
  positionals: ['suite'],
  example: 'regraft vault show routing',
  render(shown) {
    const { name, suite, items, counting, burned, erased, evaluations, screens, reveals, exports } = shown
    return [
      `suite '${name}' ${shortDigest(suite)}: ${counting} of ${items} items count (${burned} burned, ${erased} erased)`,
      `  evaluations  ${evaluations.used} of ${evaluations.budget}`,
      `  screens      ${screens.used} of ${screens.budget}`,
      `  reveals      ${reveals}, exports ${exports}`,
      `  last asked   ${shown.lastAsked ?? 'never'}`,
    ].join('\n')
  },
  async run(context, input) {
    const { store } = context
    const access = vaultAccess(context)
    const suite = await findSuite(store, input.suite)
    const { burned, erased } = await excludedItems(store, suite)
    const excluded = new Set([...burned, ...erased])
    const queries = await queriesOf(store, suite)
    return {
      suite: suite.digest,
      name: suite.name,
      items: suite.items.length,
      counting: suite.items.filter(({ id }) => !excluded.has(id)).length,
      burned: burned.length,
      erased: erased.length,
      leftOut: suite.leftOut.length,
      evaluations: { used: countQueries(queries, 'evaluate'), budget: budgetOf(access, 'evaluate') },
      screens: { used: countQueries(queries, 'screen'), budget: budgetOf(access, 'screen') },
      reveals: countQueries(queries, 'show'),
      exports: countQueries(queries, 'export'),
      lastAsked: queries.at(-1)?.at.toISOString() ?? null,
    }
  },
})
