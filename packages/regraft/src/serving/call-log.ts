import type { NewInference } from '../store/types.ts'
import type { ServingOptions } from './serving-env.ts'

/** How often the same trouble is told, in milliseconds. */
const COMPLAINT_INTERVAL = 10_000

/**
 * Appends answers to the journal.
 *
 * When the journal cannot be written the answer is delivered all the same: the model has done its work and been paid for,
 * and a product shall not stop because its log does. The loss is a warning in the server's log, is counted, and shows in the missing
 * header of the answer.
 */
export class CallLog {
  readonly #options: Pick<ServingOptions, 'services' | 'log'>
  #lost = 0
  readonly #complainedAt = new Map<string, number>()

  constructor(options: Pick<ServingOptions, 'services' | 'log'>) {
    this.#options = options
  }

  /** Resolves to whether the journal has acknowledged the row; never rejects. */
  async append(projectId: string, row: NewInference): Promise<boolean> {
    const { services, log } = this.#options
    try {
      const journal = await services.journals.of(projectId)
      await journal.append({ kind: 'inference', row }, 'written')
      return true
    } catch (error) {
      this.#lost++
      const reason = error instanceof Error ? error.message : String(error)
      const total = `${this.#lost} of this process so far`
      if (this.#mayComplain('journal'))
        log.warn(`answers are delivered without being logged (${total}): ${reason}`, { inference: row.id })
      return false
    }
  }

  /** Tells of an answer with a good status that is no chat completion, and so has nothing to log. */
  noteUnreadable(upstream: string, contentType: string): void {
    if (!this.#mayComplain(upstream)) return
    const what = `the upstream ${upstream} answered with something else than a chat completion (${contentType})`
    this.#options.log.warn(`${what}; it was passed on and not logged`)
  }

  #mayComplain(about: string): boolean {
    const now = performance.now()
    if (now - (this.#complainedAt.get(about) ?? Number.NEGATIVE_INFINITY) < COMPLAINT_INTERVAL) return false
    this.#complainedAt.set(about, now)
    return true
  }
}
