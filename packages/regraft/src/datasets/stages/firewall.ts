import type { ScreenCoverage } from '@regraft/methods'
import { answersOf, comparedText } from '../duplicates.ts'
import { screen } from '../vault/index.ts'
import type { ScreenContext, Stage } from './stage.ts'

/** Leaves out rows whose prompt or answer overlaps an item of a suite, and says which items a rung cannot see. */
export const firewall: Stage<ScreenContext> = async (rows, { suites, vault, signal, drop, findings }) => {
  const texts = rows.map((row) => ({
    id: row.inference.id,
    prompt: comparedText(row.inference.payload.messages),
    answer: answersOf(row).join('\n'),
  }))
  let clean = rows
  for (const suite of suites) {
    const { matches, coverage } = await screen(vault, suite, texts, signal)
    findings.coverage = addCoverage(findings.coverage, coverage)
    clean = clean.filter((row) => {
      const match = matches.get(row.inference.id)
      if (match) drop(row, 'evaluation-overlap', { of: match.item, rungs: match.rungs })
      return !match
    })
  }
  return clean
}

/** The items of several suites together. */
function addCoverage(before: ScreenCoverage[] | undefined, more: ScreenCoverage[]): ScreenCoverage[] {
  const sums = [...(before ?? [])]
  for (const each of more) {
    const at = sums.findIndex(({ rung, text }) => rung === each.rung && text === each.text)
    if (at === -1) sums.push(each)
    else {
      const { covered, tooShort, repeated } = sums[at]!
      sums[at] = {
        ...each,
        covered: covered + each.covered,
        tooShort: tooShort + each.tooShort,
        repeated: repeated + each.repeated,
      }
    }
  }
  return sums
}
