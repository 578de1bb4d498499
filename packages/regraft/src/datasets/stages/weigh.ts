import { weighRows } from '../../signals/index.ts'
import type { Stage } from './stage.ts'

/** Weighs the examples against who gives feedback and on what; last, so that the mean is that of the rows that are left. */
export const weigh: Stage = (rows, { parameters, findings }) => {
  if (!parameters.weigh || rows.length === 0) return rows
  const weighed = weighRows(rows)
  findings.weights = weighed.findings
  return weighed.rows
}
