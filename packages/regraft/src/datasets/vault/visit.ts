import type { ProjectStore } from '../../store/types.ts'
import { type Budgeted, budgetOf, requireBudget, type VaultAccess } from './budget.ts'
import { type OpenItem, openItems } from './open-items.ts'
import { checkOutlet } from './outlet.ts'
import { readSuite, type VaultSuite } from './suite.ts'

/** What work inside the vault answers: only `result` leaves, once it has been checked; the counts go to the log. */
export interface InsideAnswer<Result> {
  result: Result
  /** Rows that were compared. */
  rows: number
  /** Those that matched. */
  hits: number
}

/**
 * One visit of a step to the vault.
 *
 * Whatever the step asks of a suite in one visit is one query: `log` writes it, and must be called before the step's
 * result leaves the step. A step that is answered from the cache visits nothing.
 */
export class VaultVisit {
  readonly #project: ProjectStore
  readonly #access: VaultAccess
  readonly #purpose: Budgeted
  readonly #asked = new Map<string, { rows: number; hits: number }>()

  constructor(project: ProjectStore, access: VaultAccess, purpose: Budgeted) {
    this.#project = project
    this.#access = access
    this.#purpose = purpose
  }

  /** What everybody may know of a suite; no query. */
  async suite(digest: string): Promise<VaultSuite> {
    return await readSuite(this.#project, digest)
  }

  /**
   * Runs `work` on the opened items of a suite and returns its result, which may hold numbers, ids, digests and the given
   * words (names of rungs) and nothing else. `erased` are items that nobody can read any more.
   * Throws 'forbidden' when the budget of the suite is used up, 'internal' when text would leave.
   */
  async inside<Result>(
    suite: VaultSuite,
    work: (
      items: readonly OpenItem[],
      erased: readonly string[],
    ) => InsideAnswer<Result> | Promise<InsideAnswer<Result>>,
    words: readonly string[] = [],
  ): Promise<Result> {
    await this.#enter(suite)
    const { items, erased } = await openItems(this.#project, suite.digest)
    const { result, rows, hits } = await work(items, erased)
    checkOutlet(result, new Set(words))
    this.#count(suite, rows, hits)
    return result
  }

  /**
   * The items that a gate lets a model answer, without those that are named in `without` (seen by a person, or erased).
   * The one way in which items are handed out.
   */
  async itemsForEvaluation(suite: VaultSuite, without: readonly string[]): Promise<OpenItem[]> {
    await this.#enter(suite)
    const left = new Set(without)
    const { items } = await openItems(this.#project, suite.digest)
    const answered = items.filter(({ id }) => !left.has(id))
    this.#count(suite, answered.length, 0)
    return answered
  }

  /** Counts what came of an evaluation: right answers. */
  noteHits(suite: VaultSuite, hits: number): void {
    this.#count(suite, 0, hits)
  }

  /** Writes one query for each suite that was asked. */
  async log(details: Record<string, unknown>): Promise<void> {
    for (const [suite, { rows, hits }] of this.#asked) {
      await this.#project.vault.log({
        ...{ suite, rows, hits, purpose: this.#purpose, principal: this.#access.principal },
        details: { ...details, budget: budgetOf(this.#access, this.#purpose) },
      })
    }
    this.#asked.clear()
  }

  async #enter(suite: VaultSuite): Promise<void> {
    if (this.#asked.has(suite.digest)) return
    await requireBudget(this.#project, this.#access, suite, this.#purpose)
    this.#asked.set(suite.digest, { rows: 0, hits: 0 })
  }

  #count({ digest }: VaultSuite, rows: number, hits: number): void {
    const asked = this.#asked.get(digest)!
    asked.rows += rows
    asked.hits += hits
  }
}
