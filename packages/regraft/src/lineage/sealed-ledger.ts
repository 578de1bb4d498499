import { RegraftError } from '../errors/index.ts'
import { canonicalBytes, type KeyName, type Keyring } from '../store/index.ts'
import type { ResponseLedger } from './ledger.ts'

/**
 * A ledger whose requests are known by keyed digests only and whose answers are sealed: for requests that hold words of
 * end users or of evaluation items. Destroying the key makes all of them unreadable, and the next call asks again.
 */
export class SealedLedger {
  readonly #ledger: Pick<ResponseLedger, 'call'>
  readonly #keys: Keyring
  readonly #key: KeyName

  constructor(ledger: Pick<ResponseLedger, 'call'>, keys: Keyring, key: KeyName) {
    this.#ledger = ledger
    this.#keys = keys
    this.#key = key
  }

  /** The kept answer to a request, else that of `ask`. `request` is all that decides the answer, in a form of JSON. */
  async call(request: unknown, ask: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const digest = await this.#keys.digest(this.#key, canonicalBytes(request))
    const sealed = await this.#ledger.call(digest, 0, async () => this.#keys.seal(this.#key, await ask()))
    const answer = await this.#keys.open(this.#key, sealed)
    if (answer) return answer
    throw new RegraftError(
      'conflict',
      `the key ${this.#key} was destroyed while answers were kept under it`,
      {
        hint: 'run the command again',
      },
    )
  }
}
