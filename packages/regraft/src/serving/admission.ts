import { RegraftError } from '../errors/index.ts'

/** Answers whose rate is remembered, and for how long, in milliseconds. */
const REMEMBERED = 64
const WINDOW = 60_000
/** Bounds of Retry-After and what is said while nothing has been answered yet, in seconds. */
const [SHORTEST, LONGEST, UNKNOWN] = [1, 60, 2]

/**
 * Bounds the requests that run or wait for one base: a queue without an end only makes every answer late.
 * The clock gives milliseconds.
 */
export class Admission {
  readonly #limit: number
  readonly #now: () => number
  readonly #lines = new Map<string, { inside: number; ends: number[] }>()

  constructor(limit: number, now: () => number = Date.now) {
    this.#limit = limit
    this.#now = now
  }

  /** Lets a request in; the function that is returned lets it out. Throws 'overloaded' with `retryAfter` in seconds. */
  enter(base: string): () => void {
    const line = this.#lines.get(base) ?? { inside: 0, ends: [] }
    this.#lines.set(base, line)
    if (line.inside >= this.#limit) {
      const retryAfter = this.#retryAfter(line)
      throw new RegraftError('overloaded', `${line.inside} requests to this base run or wait already`, {
        hint: `send it again in ${retryAfter} s; server.maxWaiting in regraft.yaml is the bound`,
        details: { retryAfter },
      })
    }
    line.inside++
    let left = false
    return () => {
      if (left) return
      left = true
      line.inside--
      line.ends = [...line.ends.slice(1 - REMEMBERED), this.#now()]
    }
  }

  /** When half of those inside will have been answered, at the pace of the last minute: then others find room too. */
  #retryAfter({ inside, ends }: { inside: number; ends: number[] }): number {
    const now = this.#now()
    const recent = ends.filter((end) => now - end <= WINDOW)
    if (recent.length < 2) return UNKNOWN
    const perSecond = recent.length / Math.max(0.001, (now - recent[0]!) / 1_000)
    return Math.min(LONGEST, Math.max(SHORTEST, Math.ceil(inside / 2 / perSecond)))
  }
}
