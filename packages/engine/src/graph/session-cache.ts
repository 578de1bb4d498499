import type { Graph } from './graph.ts'
import { openSession, type Session, type SessionOptions } from './session.ts'

/** Keeps compiled graphs by key and releases the least recently used: each holds its own working memory. */
export class SessionCache {
  #sessions = new Map<string, Session>()
  #options: SessionOptions
  #capacity: number

  constructor(options: SessionOptions, capacity = 12) {
    this.#options = options
    this.#capacity = capacity
  }

  async get(key: string, build: () => Graph): Promise<Session> {
    const known = this.#sessions.get(key)
    if (known) {
      this.#sessions.delete(key)
      this.#sessions.set(key, known)
      return known
    }
    const session = await openSession(build(), this.#options)
    this.#sessions.set(key, session)
    if (this.#sessions.size > this.#capacity) {
      const [oldest, stale] = this.#sessions.entries().next().value!
      this.#sessions.delete(oldest)
      await stale.release()
    }
    return session
  }

  async release(): Promise<void> {
    const sessions = [...this.#sessions.values()]
    this.#sessions.clear()
    for (const session of sessions) await session.release()
  }
}
