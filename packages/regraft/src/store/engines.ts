export type EngineName = 'pglite' | 'postgres'

/** How the two engines differ; nothing else in the store may depend on which one it is. */
export interface EngineCapabilities {
  /** Server connections that may be open at once. PGlite has one session. */
  connections: number
  /**
   * Rows per INSERT. A batch occupies PGlite's only session and everything else waits for it: 10 ms for 200 rows,
   * where 50 take 4 ms and so half as long again per row. On Postgres only the round trip counts.
   */
  insertBatch: number
  /** Rows per page of a SELECT, for the same reason. */
  selectPage: number
  /** The database's log belongs to this process alone, so that what is behind it can be cut off. */
  ownsLog: boolean
}

export const ENGINES: Record<EngineName, EngineCapabilities> = {
  pglite: { connections: 1, insertBatch: 200, selectPage: 500, ownsLog: true },
  postgres: { connections: 10, insertBatch: 2000, selectPage: 2000, ownsLog: false },
}
