import { Random } from '@regraft/methods'
import { z } from 'zod'
import { comparedText, splitRows } from '../../datasets/index.ts'
import { defineStep, makeSelection, queryOf, type Selection } from '../../lineage/index.ts'
import type { InferenceRow } from '../../store/types.ts'

/** Prompts that are kept back to compare the two adapters on: more say little else †. */
const MOST_KEPT_BACK = 500

const Parameters = z.object({
  adapter: z.string(),
  /** Names under which requests reach it; rows of no route count too. */
  routes: z.array(z.string()),
  /** How many prompts are drawn at most. */
  rows: z.int().min(1),
  /** Share of them that is kept back: the newest, by chance where all bear one time. */
  keptBack: z.number().gt(0).lt(1),
})

/** The content of the `report`. */
export interface CollectedPrompts {
  measure: 'collected-prompts'
  /** Rows of the routes, distinct conversations among them, and those that were drawn and kept back. */
  rows: number
  distinct: number
  drawn: number
  keptBack: number
}

/**
 * Draws distinct prompts from the traffic (role `inferences`) that an adapter answered or would have: `prompts` to learn from and
 * the newest, `later`, to compare by. Calls with more than text, and what a rescue asked itself, are passed over. Seeded, but
 * external: what is selected are rows as they are at this moment.
 */
export const collectPrompts = defineStep({
  name: 'fleet/collect-prompts',
  version: 1,
  determinism: 'external',
  input: Parameters.extend({ seed: z.int() }),
  async run({ parameters, read, project }) {
    const { adapter, routes, rows, keptBack, seed } = parameters
    const selection = await read<Selection>('inferences')
    const byText = new Map<string, Pick<InferenceRow, 'id' | 'occurredAt'>>()
    let met = 0
    for await (const { id, occurredAt, payload } of project.inferences.select(queryOf(selection))) {
      const { route, source, exact, messages } = payload
      if (source.kind === 'rescue' || exact !== undefined) continue
      const isOwn = payload.adapter === adapter || route === null || routes.includes(route)
      if (!isOwn || messages.at(-1)?.role !== 'user') continue
      met++
      // Oldest first, so that the newest of equal prompts stands for them.
      byText.set(comparedText(messages), { id, occurredAt })
    }
    const dated = [...byText.values()].map((row) => ({ ...row, entities: [], label: '' }))
    const { kept, taken } = splitRows(dated, { by: 'time', share: keptBack, seed })
    const drawn = new Random(seed, 'rescue').shuffle(kept).slice(0, rows)
    const later = taken.slice(-MOST_KEPT_BACK)
    const select = async (chosen: readonly { id: string }[]) =>
      (await makeSelection(project, 'inferences', { ids: chosen.map(({ id }) => id).sort() })).selection
    const report: CollectedPrompts = {
      ...{ measure: 'collected-prompts', rows: met, distinct: byText.size },
      ...{ drawn: drawn.length, keptBack: later.length },
    }
    return [
      { role: 'prompts', kind: 'selection', schemaVersion: 1, value: await select(drawn) },
      { role: 'later', kind: 'selection', schemaVersion: 1, value: await select(later) },
      { role: 'report', kind: 'measurement', schemaVersion: 1, value: report },
    ]
  },
})
