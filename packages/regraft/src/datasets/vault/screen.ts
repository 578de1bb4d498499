import { ItemScreen, OVERLAP_RUNGS, type OverlapRung, type ScreenCoverage } from '@regraft/methods'
import { comparedText } from '../duplicates.ts'
import { screenRows } from '../screen-rows.ts'
import type { TextRow } from '../text-work.ts'
import type { VaultSuite } from './suite.ts'
import type { VaultVisit } from './visit.ts'

export interface Screening {
  /** By the id of the row: the first item that it overlaps, and the rungs that fired. */
  matches: Map<string, { item: string; rungs: OverlapRung[] }>
  coverage: ScreenCoverage[]
  /** Items that were compared with nothing, since their text was erased. */
  erased: string[]
}

/** What leaves the vault beside ids and numbers. */
const WORDS = [...OVERLAP_RUNGS, 'prompt', 'answer']

/** Compares rows with the items of a suite inside the vault; row ids, item ids, rungs and counts come out. */
export async function screen(
  visit: VaultVisit,
  suite: VaultSuite,
  rows: Iterable<TextRow & { id: string }> | AsyncIterable<TextRow & { id: string }>,
  signal?: AbortSignal,
): Promise<Screening> {
  return await visit.inside(
    suite,
    async (opened, erased) => {
      const items = opened.map(({ id, messages, expected }) => {
        return { id, prompt: comparedText(messages), answer: expected }
      })
      const { rows: compared, found } = await screenRows(rows, items, { signal })
      const matches: Screening['matches'] = new Map()
      for (const { row, overlaps } of found) {
        const [{ id: item, rungs }] = overlaps as [(typeof overlaps)[number]]
        matches.set(row.id, { item, rungs })
      }
      const coverage = new ItemScreen(items).coverage()
      return { result: { matches, coverage, erased: [...erased] }, rows: compared, hits: matches.size }
    },
    WORDS,
  )
}
