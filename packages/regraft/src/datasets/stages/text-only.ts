import type { Stage } from './stage.ts'

/** Leaves out calls that hold more than text (tool calls, images): what would be trained on is not what was said. */
export const textOnly: Stage = (rows, { drop }) =>
  rows.filter((row) => {
    if (row.inference.payload.exact === undefined) return true
    drop(row, 'not-text')
    return false
  })
