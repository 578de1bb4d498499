import { v7 as uuidv7 } from 'uuid'
import { inferenceIdOf } from '../capture/index.ts'

/** Ids that are remembered: an id that comes twice names nothing. */
const REMEMBERED = 50_000
/** Ollama draws its ids from a thousand numbers. */
const DRAWN_FROM_FEW = /^chatcmpl-\d{1,3}$/

/**
 * Gives answers of upstreams the ids under which feedback finds them.
 *
 * A product keeps the id in the answer, so the inference's id follows from it. One that came before would store two
 * answers as one: the second goes by an id of ours, which the response header names.
 */
export class UpstreamIds {
  readonly #seen = new Set<string>()

  /** The inference id for an upstream's id, or a new one where that names no answer. */
  idFor(upstreamId: string | null): string {
    if (upstreamId === null || DRAWN_FROM_FEW.test(upstreamId)) return uuidv7()
    const id = inferenceIdOf(upstreamId)
    if (this.#seen.has(id)) return uuidv7()
    const [oldest] = this.#seen.size < REMEMBERED ? [] : this.#seen
    if (oldest !== undefined) this.#seen.delete(oldest)
    this.#seen.add(id)
    return id
  }
}
