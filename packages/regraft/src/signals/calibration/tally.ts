import { effectiveNumber, type SignalCounts } from '@regraft/methods'
import type { RuleInput } from '../rules/index.ts'
import type { Signal } from '../signal.ts'
import { calibrationKey } from '../use.ts'
import { type Judged, knownAnswers, truthOfSignal } from './judged.ts'

/** Judged answers with the keys of the ratings that they bear, and judged statements and comparisons by key. */
export class Tally {
  readonly #goldWords: number
  readonly #answers: (Judged & { keys: Set<string> })[] = []
  readonly #statements = new Map<string, { right: number; wrong: number; undecided: number }>()
  readonly #volumes = new Map<string, number>()

  constructor(goldWords: number) {
    this.#goldWords = goldWords
  }

  /** Counts the signals of an inference, and what people said of its answers unless those are not to be used. */
  add(input: RuleInput, signals: readonly Signal[], isJudged: boolean): void {
    for (const signal of signals) {
      const key = calibrationKey(signal)
      this.#volumes.set(key, (this.#volumes.get(key) ?? 0) + 1)
    }
    if (!isJudged) return
    const known = knownAnswers(input, signals, this.#goldWords)
    for (const [candidate, judged] of known.candidates) {
      const keys = signals.filter(
        (signal) => signal.claim.form === 'rating' && signal.candidate === candidate,
      )
      this.#answers.push({ ...judged, keys: new Set(keys.map(calibrationKey)) })
    }
    for (const signal of signals) {
      if (signal.claim.form === 'rating') continue
      const truth = truthOfSignal(signal, input, known)
      if (truth !== null) this.#of(calibrationKey(signal))[truth]++
    }
  }

  /** Signals by key, in the order in which keys were met. */
  get volumes(): ReadonlyMap<string, number> {
    return this.#volumes
  }

  get answers(): readonly (Judged & { keys: ReadonlySet<string> })[] {
    return this.#answers
  }

  statements(key: string): { right: number; wrong: number; undecided: number } {
    return this.#of(key)
  }

  /** Ratings that say an answer is unwelcome, by what people found: unwelcome is right, anything else is not. */
  unwelcome(key: string): { right: number; wrong: number } {
    const bearing = this.#answers.filter(({ keys }) => keys.has(key))
    const right = bearing.filter(({ truth }) => truth === 'unwelcome').length
    return { right, wrong: bearing.length - right }
  }

  /** Share of the right answers among those judged right or wrong, weighted, with the effective number of them. */
  baseRate(): { right: number; n: number } {
    const sample = this.#answers.filter(({ truth }) => truth !== 'unwelcome')
    const total = sumOf(sample)
    const share = total === 0 ? 0 : sumOf(sample.filter(({ truth }) => truth === 'right')) / total
    return { right: share, n: effectiveNumber(sample.map(({ weight }) => weight)) }
  }

  /** Answers judged right or wrong with and without a signal, as effective counts; `good` is what the signal claims. */
  counts(key: string, good: boolean): SignalCounts {
    const sample = this.#answers.filter(({ truth }) => truth !== 'unwelcome')
    const count = (holds: boolean, withSignal: boolean) => {
      const part = sample.filter(({ truth, keys }) => {
        return ((truth === 'right') === good) === holds && (!withSignal || keys.has(key))
      })
      return sumOf(part)
    }
    // Weighted counts say more than there is: they are scaled to the effective number of answers.
    const scale =
      sample.length === 0 ? 0 : effectiveNumber(sample.map(({ weight }) => weight)) / sumOf(sample)
    return {
      holds: count(true, false) * scale,
      holdsWithSignal: count(true, true) * scale,
      fails: count(false, false) * scale,
      failsWithSignal: count(false, true) * scale,
    }
  }

  #of(key: string) {
    const known = this.#statements.get(key)
    if (known) return known
    const counts = { right: 0, wrong: 0, undecided: 0 }
    this.#statements.set(key, counts)
    return counts
  }
}

function sumOf(answers: readonly { weight: number }[]): number {
  return answers.reduce((sum, { weight }) => sum + weight, 0)
}
