/** What splits look at of a row. */
export interface SplitRow {
  id: string
  occurredAt: Date
  /** Whom and what it belongs to: its end user, its conversation. Rows that share one belong together. */
  entities: readonly string[]
  /** The answer that it teaches. */
  label: string
}

export interface Parts<Row> {
  kept: Row[]
  /** The share that was cut off: for validation, or to be sealed. */
  taken: Row[]
  by: 'time' | 'chance' | 'entity' | 'stratified'
}

/** Oldest first, then by id, so that a split does not depend on the order in which rows are read. */
export function inOrder<Row extends Pick<SplitRow, 'id' | 'occurredAt'>>(rows: readonly Row[]): Row[] {
  return rows.toSorted(
    (a, b) => a.occurredAt.getTime() - b.occurredAt.getTime() || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  )
}
