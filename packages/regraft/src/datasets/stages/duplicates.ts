import { findDuplicates } from '../duplicates.ts'
import type { Stage } from './stage.ts'

/** Of rows that repeat one conversation, exactly or nearly, keeps the one with the most trusted signal. */
export const duplicates: Stage = async (rows, { parameters, seed, signal, drop }) => {
  const found = await findDuplicates(rows, { threshold: parameters.nearDuplicates, seed, signal })
  for (const [row, { of, similarity, survivor }] of found) {
    const details = { of: of.inference.id, survivor }
    if (similarity === null) drop(row, 'exact-duplicate', details)
    else drop(row, 'near-duplicate', { ...details, similarity })
  }
  return rows.filter((row) => !found.has(row))
}
