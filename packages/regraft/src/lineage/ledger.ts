import type { ResponseTable } from '../store/index.ts'

/** Answers of hosted models and people, kept so that a step resumes without paying twice and replays exactly. */
export class ResponseLedger {
  readonly #responses: ResponseTable
  readonly #inFlight = new Map<string, Promise<Uint8Array>>()
  #calls = 0
  #replayed = 0

  constructor(responses: ResponseTable) {
    this.#responses = responses
  }

  /**
   * The answer to a request: the kept one, else that of `ask`, which is kept before it is returned.
   * `requestDigest` covers all that is sent; `sampleIndex` tells apart repeated draws of one request.
   */
  async call(
    requestDigest: string,
    sampleIndex: number,
    ask: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    this.#calls++
    const key = `${requestDigest}#${sampleIndex}`
    const running = this.#inFlight.get(key)
    if (running) return await running
    const answer = this.#answer(requestDigest, sampleIndex, ask)
    this.#inFlight.set(key, answer)
    try {
      return await answer
    } finally {
      this.#inFlight.delete(key)
    }
  }

  /** How many calls there were, and how many of them were answered from the ledger. */
  counts(): { calls: number; replayed: number } {
    return { calls: this.#calls, replayed: this.#replayed }
  }

  async #answer(
    requestDigest: string,
    sampleIndex: number,
    ask: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    const kept = await this.#responses.get(requestDigest, sampleIndex)
    if (kept) {
      this.#replayed++
      return kept
    }
    return await this.#responses.put(requestDigest, sampleIndex, await ask())
  }
}
