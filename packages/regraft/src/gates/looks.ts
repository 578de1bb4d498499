import { isDeepStrictEqual } from 'node:util'
import type { ProjectStore } from '../store/types.ts'
import { type GateRecord, gatesOf } from './gate-record.ts'
import { readMeasurement } from './measurement.ts'

/** What had been seen of an adapter before it is judged now. */
export interface Looks {
  /** Number of this look, from 1 on. */
  look: number
  /** Measurements of the earlier looks by the name of the suite, oldest first. */
  earlier: { suite: string; digest: string }[]
  /** Whether an earlier look spent the error: it was not declared to be repeated, or at another level. */
  spent: boolean
  /** Whether it was judged with other requirements before. */
  changed: boolean
}

type Judging = Pick<GateRecord, 'measured' | 'requirements' | 'thresholds' | 'sequential'>

/**
 * Counts the looks at an adapter: each gate that brought items of a suite (by its name) that none before it had. Judging the
 * same items again decides the same, and is no further look.
 */
export async function countLooks(store: ProjectStore, adapter: string, now: Judging): Promise<Looks> {
  const seen = new SeenItems(store)
  const looks: Looks = { look: 0, earlier: [], spent: false, changed: false }
  for (const record of await gatesOf(store, adapter)) {
    const shared = Object.entries(record.measured).filter(([suite]) => suite in now.measured)
    const { requirements, thresholds } = record
    if (shared.length === 0) continue
    if (
      requirements !== null &&
      !isDeepStrictEqual([requirements, thresholds], [now.requirements, now.thresholds])
    )
      looks.changed = true
    if (looks.look > 0 && (await seen.haveAll(Object.entries(now.measured)))) break
    if (await seen.haveAll(shared)) continue
    looks.look++
    if (isSame(now, shared)) return looks
    if (!record.sequential || thresholds?.alpha !== now.thresholds?.alpha) looks.spent = true
    for (const [suite, digest] of shared) {
      await seen.add(suite, digest)
      looks.earlier.push({ suite, digest })
    }
  }
  if (looks.look > 0 && (await seen.haveAll(Object.entries(now.measured)))) return looks
  return { ...looks, look: looks.look + 1 }
}

/** Whether it is that very look, asked for again. */
function isSame({ measured }: Judging, shared: readonly [string, string][]): boolean {
  return (
    Object.keys(measured).length === shared.length &&
    shared.every(([suite, digest]) => measured[suite] === digest)
  )
}

class SeenItems {
  readonly #store: ProjectStore
  readonly #ids = new Map<string, Set<string>>()

  constructor(store: ProjectStore) {
    this.#store = store
  }

  async haveAll(measurements: readonly [suite: string, digest: string][]): Promise<boolean> {
    for (const [suite, digest] of measurements) {
      const ids = this.#ids.get(suite)
      const { items } = await readMeasurement(this.#store, digest)
      if (!items.every(({ id }) => ids?.has(id))) return false
    }
    return true
  }

  async add(suite: string, digest: string): Promise<void> {
    const ids = this.#ids.get(suite) ?? new Set()
    for (const { id } of (await readMeasurement(this.#store, digest)).items) ids.add(id)
    this.#ids.set(suite, ids)
  }
}
