import { setTimeout as sleep } from 'node:timers/promises'
import type { ProjectStore } from '../store/types.ts'

/** Some 5 MB. At 200 calls/s that is 100 s of traffic, by when the store has the rows. */
const MOST_REMEMBERED = 20_000
/** What feedback may wait for the store: it is acknowledged whether the store answers or not. */
const LOOKUP_MS = 100
/** After a lookup that failed or took too long nobody waits for the store for so long. */
const PAUSE_MS = 1_000

/**
 * Whose words an inference holds, so that feedback about it is sealed under the same key.
 *
 * Remembers what went through the journals last; older inferences are looked up in the store.
 */
export class InferenceSubjects {
  readonly #recent = new Map<string, string | null>()
  readonly #lookupMs: number
  readonly #pauseMs: number
  #pausedUntil = 0

  constructor({ lookupMs = LOOKUP_MS, pauseMs = PAUSE_MS }: { lookupMs?: number; pauseMs?: number } = {}) {
    this.#lookupMs = lookupMs
    this.#pauseMs = pauseMs
  }

  /** Remembers the keyed hash of the subject of an inference; null when it has none. */
  note(projectId: string, inferenceId: string, subject: string | null): void {
    const key = `${projectId}/${inferenceId}`
    this.#recent.delete(key)
    this.#recent.set(key, subject)
    if (this.#recent.size <= MOST_REMEMBERED) return
    const [oldest] = this.#recent.keys()
    this.#recent.delete(oldest!)
  }

  /** The subjects of those inferences that are known; without an answer of the store within 100 ms, the remembered ones. */
  async find(
    store: Pick<ProjectStore, 'projectId' | 'inferences'>,
    inferenceIds: readonly string[],
  ): Promise<Map<string, string | null>> {
    const found = new Map<string, string | null>()
    const missing = new Set<string>()
    for (const id of inferenceIds) {
      const subject = this.#recent.get(`${store.projectId}/${id}`)
      if (subject === undefined) missing.add(id)
      else found.set(id, subject)
    }
    if (missing.size === 0 || Date.now() < this.#pausedUntil) return found
    for (const { id, subject } of await this.#lookUp(store, [...missing])) {
      this.note(store.projectId, id, subject)
      found.set(id, subject)
    }
    return found
  }

  async #lookUp(
    store: Pick<ProjectStore, 'inferences'>,
    ids: string[],
  ): Promise<{ id: string; subject: string | null }[]> {
    const answered = new AbortController()
    const late = sleep(this.#lookupMs, null, { signal: answered.signal }).catch(() => null)
    const rows = await Promise.race([subjectsIn(store, ids).catch(() => null), late])
    answered.abort()
    if (rows === null) this.#pausedUntil = Date.now() + this.#pauseMs
    return rows ?? []
  }
}

async function subjectsIn(store: Pick<ProjectStore, 'inferences'>, ids: string[]) {
  const rows: { id: string; subject: string | null }[] = []
  for await (const { id, subject } of store.inferences.select({ ids })) rows.push({ id, subject })
  return rows
}
