import { findExactDuplicates } from '../duplicates.ts'
import type { Stage } from './stage.ts'

/** Of rows that repeat one conversation, keeps the one with the most trusted signal. */
export const duplicates: Stage = (rows, { drop }) => {
  const found = findExactDuplicates(rows)
  for (const [row, survivor] of found) drop(row, 'exact-duplicate', { of: survivor.inference.id })
  return rows.filter((row) => !found.has(row))
}
