import type { ScreenContext, Stage } from './stage.ts'

/** Leaves out rows of traffic that are items of an evaluation suite themselves. */
export const heldOut: Stage<ScreenContext> = (rows, { suites, drop }) => {
  const items = new Set(suites.flatMap((suite) => suite.items).flatMap(({ inferences }) => inferences))
  return rows.filter((row) => {
    if (!items.has(row.inference.id)) return true
    drop(row, 'held-out')
    return false
  })
}
