import type { OpenItem } from './open-items.ts'
import type { VaultSuite } from './suite.ts'
import type { VaultVisit } from './visit.ts'

/** Compares texts with the items that it was made from. */
export interface Screener {
  /** The items that a text matches, the strongest match first, each with the rungs that fired. */
  match(text: string): { id: string; rungs: readonly string[] }[]
  coverage(): Coverage[]
}

/** How many items a rung can compare: the others are too short for it. */
interface Coverage {
  rung: string
  words: number
  covered: number
  tooShort: readonly string[]
}

export interface Screening<Rung extends string> {
  /** By the id of the row: the item that it matches best, and the rungs that fired. */
  matches: Map<string, { item: string; rungs: Rung[] }>
  coverage: { rung: Rung; words: number; covered: number; tooShort: number }[]
  /** Items that were compared with nothing, since their text was erased. */
  erased: string[]
}

/** Compares rows with the items of a suite inside the vault; row ids, item ids, rungs and counts come out. */
export async function screen<Rung extends string>(
  visit: VaultVisit,
  suite: VaultSuite,
  rows: Iterable<{ id: string; text: string }> | AsyncIterable<{ id: string; text: string }>,
  options: { screener(items: readonly OpenItem[]): Screener; rungs: readonly Rung[] },
): Promise<Screening<Rung>> {
  return await visit.inside(
    suite,
    async (items, erased) => {
      const screener = options.screener(items)
      const matches: Screening<Rung>['matches'] = new Map()
      let compared = 0
      for await (const { id, text } of rows) {
        compared++
        const [match] = screener.match(text)
        if (match) matches.set(id, { item: match.id, rungs: [...match.rungs] as Rung[] })
      }
      const coverage = screener.coverage().map(({ rung, words, covered, tooShort }) => {
        return { rung: rung as Rung, words, covered, tooShort: tooShort.length }
      })
      return { result: { matches, coverage, erased: [...erased] }, rows: compared, hits: matches.size }
    },
    options.rungs,
  )
}
