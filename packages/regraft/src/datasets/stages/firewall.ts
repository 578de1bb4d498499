import { NgramIndex } from '@regraft/methods'
import { comparedText } from '../duplicates.ts'
import type { Stage } from './stage.ts'

/** Leaves out rows that overlap an item of the evaluation suite, and says which items are too short to be compared. */
export const firewall: Stage = (rows, { suite, drop, findings }) => {
  const index = new NgramIndex(suite.items.map(({ id, messages }) => ({ id, text: comparedText(messages) })))
  findings.coverage = index.coverage().map(({ rung, words, covered, tooShort }) => {
    return { rung, words, covered, tooShort: tooShort.length }
  })
  return rows.filter((row) => {
    const [match] = index.match(comparedText(row.inference.payload.messages))
    if (!match) return true
    drop(row, 'evaluation-overlap', { of: match.id, rungs: match.rungs })
    return false
  })
}
