import { NgramIndex, type NgramRung } from '@regraft/methods'
import { comparedText } from '../duplicates.ts'
import { type OpenItem, screen } from '../vault/index.ts'
import type { Stage } from './stage.ts'

const RUNGS: NgramRung[] = ['equal', 'shared-ngram', 'containment']

/** Leaves out rows that overlap an item of a suite, and says which items are too short to be compared. */
export const firewall: Stage = async (rows, { suites, vault, drop, findings }) => {
  const texts = rows.map(({ inference }) => {
    return { id: inference.id, text: comparedText(inference.payload.messages) }
  })
  const screener = (items: readonly OpenItem[]) =>
    new NgramIndex(items.map(({ id, messages }) => ({ id, text: comparedText(messages) })))
  let clean = rows
  for (const suite of suites) {
    const { matches, coverage } = await screen(vault, suite, texts, { screener, rungs: RUNGS })
    findings.coverage = addCoverage(findings.coverage, coverage)
    clean = clean.filter((row) => {
      const match = matches.get(row.inference.id)
      if (match) drop(row, 'evaluation-overlap', { of: match.item, rungs: match.rungs })
      return !match
    })
  }
  return clean
}

type Coverage = { rung: NgramRung; words: number; covered: number; tooShort: number }[]

/** The items of several suites together. */
function addCoverage(before: Coverage | undefined, more: Coverage): Coverage {
  if (!before) return more
  return before.map((one, index) => ({
    ...one,
    covered: one.covered + more[index]!.covered,
    tooShort: one.tooShort + more[index]!.tooShort,
  }))
}
