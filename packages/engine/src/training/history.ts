/** Figures of a run by update and by validation, kept over a resume; columns, because a run has many updates. */
export interface History {
  losses: number[]
  learningRates: number[]
  gradientNorms: number[]
  /** What the loss measures beside itself, by name; null where an update says nothing of it. */
  metrics: Record<string, (number | null)[]>
  validationLosses: number[]
  validationMetrics: Record<string, (number | null)[]>
}

export function emptyHistory(): History {
  return {
    losses: [],
    learningRates: [],
    gradientNorms: [],
    metrics: {},
    validationLosses: [],
    validationMetrics: {},
  }
}

/** Adds a row of metrics to columns that have `rows` rows so far. */
export function addMetrics(
  columns: Record<string, (number | null)[]>,
  rows: number,
  metrics: Record<string, number>,
): void {
  for (const name of Object.keys(metrics)) columns[name] ??= new Array<number | null>(rows).fill(null)
  for (const [name, column] of Object.entries(columns)) column.push(metrics[name] ?? null)
}
