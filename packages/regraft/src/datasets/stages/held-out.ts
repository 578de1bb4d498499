import type { Stage } from './stage.ts'

/** Leaves out rows of traffic that are items of the evaluation suite themselves. */
export const heldOut: Stage = (rows, { suite, drop }) => {
  const items = new Set(suite.items.map(({ inference }) => inference))
  return rows.filter((row) => {
    if (!items.has(row.inference.id)) return true
    drop(row, 'held-out')
    return false
  })
}
