import { hash } from 'node:crypto'
import { countPii, normalizeText, type PiiDetector } from '@regraft/methods'
import type { PlainFileRow, PlainFileRows } from './read-rows.ts'

/** What a file of rows holds. */
export interface RowFacts {
  name: string
  format: string
  /** Of a table whose columns were chosen by their names. */
  columns: PlainFileRows['columns']
  rows: number
  rejected: number
  /** The first row that cannot be read, and why. */
  firstRejected: { line: number; reason: string } | null
  /** Times of the rows that have one. */
  from: string | null
  to: string | null
  timed: number
  /** Rows by the model that answered, where they name one. */
  models: Record<string, number>
  answered: number
  /** Prompts that differ once case, punctuation and white space are dropped. */
  distinctPrompts: number
  /** Feedback by its type. */
  feedback: Record<string, number>
  /** Rows with an answer that a person gave: label, correction or edit. */
  gold: number
  /** Rows with any feedback. */
  rated: number
  /** Rows that hold personal data, and pieces by kind. */
  personal: { rows: number; found: Record<string, number> }
}

const GOLD: ReadonlySet<string> = new Set(['label', 'correction', 'edit'])

/** Counts rows while they pass by. */
export class RowCounter {
  readonly facts: RowFacts
  readonly #scan: PiiDetector
  readonly #prompts = new Set<string>()
  #from = Number.POSITIVE_INFINITY
  #to = Number.NEGATIVE_INFINITY

  constructor({ name, format, columns }: PlainFileRows, scan: PiiDetector) {
    this.#scan = scan
    this.facts = {
      ...{ name, format, columns, rows: 0, rejected: 0, firstRejected: null, from: null, to: null, timed: 0 },
      ...{ models: {}, answered: 0, distinctPrompts: 0, feedback: {}, gold: 0, rated: 0 },
      personal: { rows: 0, found: {} },
    }
  }

  reject(rejected: { line: number; reason: string }): void {
    this.facts.rejected++
    this.facts.firstRejected ??= rejected
  }

  add(row: PlainFileRow): void {
    const { facts } = this
    facts.rows++
    if (row.answer !== null) facts.answered++
    if (row.model !== null) facts.models[row.model] = (facts.models[row.model] ?? 0) + 1
    if (row.occurredAt) this.#addTime(row.occurredAt.getTime())
    this.#prompts.add(hash('sha256', normalizeText(row.prompt), 'base64'))
    facts.distinctPrompts = this.#prompts.size
    for (const { type } of row.feedback) facts.feedback[type] = (facts.feedback[type] ?? 0) + 1
    if (row.feedback.length > 0) facts.rated++
    if (row.feedback.some(({ type }) => GOLD.has(type))) facts.gold++
    this.#addPersonal(row)
  }

  #addTime(time: number): void {
    this.facts.timed++
    this.#from = Math.min(this.#from, time)
    this.#to = Math.max(this.#to, time)
    this.facts.from = new Date(this.#from).toISOString()
    this.facts.to = new Date(this.#to).toISOString()
  }

  #addPersonal({ prompt, answer, feedback }: PlainFileRow): void {
    const said = feedback.flatMap((payload) =>
      'value' in payload && typeof payload.value === 'string' ? [payload.value] : [],
    )
    const spans = [prompt, answer ?? '', ...said.filter((text) => text !== answer)].flatMap(this.#scan)
    const counts = Object.entries(countPii(spans))
    if (counts.length > 0) this.facts.personal.rows++
    for (const [kind, count] of counts) {
      this.facts.personal.found[kind] = (this.facts.personal.found[kind] ?? 0) + count
    }
  }
}
