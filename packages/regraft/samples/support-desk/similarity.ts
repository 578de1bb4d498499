/** Lower-case letters and digits only, words separated by one space: what is left of a text when nobody minds how it is written. */
export function normalise(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
}

/** The set of runs of `length` words of a text; a shorter text is one run. */
export function wordRuns(text: string, length: number): Set<string> {
  const words = normalise(text).split(' ')
  const runs = new Set<string>()
  for (let start = 0; start + length <= words.length; start++) {
    runs.add(words.slice(start, start + length).join(' '))
  }
  if (runs.size === 0) runs.add(words.join(' '))
  return runs
}

/** Size of the intersection over size of the union; 0 for two empty sets. */
export function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0
  for (const item of a) if (b.has(item)) shared++
  return shared === 0 ? 0 : shared / (a.size + b.size - shared)
}

/**
 * Texts that later ones must not repeat: not in whole, not nearly, and not in part.
 *
 * Tickets are put together from shared fragments, so two may agree in a few words; these limits make the
 * planted items the only ones that an overlap check of any usual kind finds.
 */
export class KnownTexts {
  readonly #pairs: Set<string>[] = []
  readonly #holders = new Map<string, number[]>()
  readonly #wholes: string[] = []
  readonly #eights = new Set<string>()

  constructor(texts: readonly string[]) {
    for (const text of texts) this.add(text)
  }

  add(text: string): void {
    const pairs = wordRuns(text, 2)
    for (const pair of pairs) {
      const holders = this.#holders.get(pair) ?? []
      holders.push(this.#pairs.length)
      this.#holders.set(pair, holders)
    }
    this.#pairs.push(pairs)
    const whole = normalise(text)
    if (whole.split(' ').length >= 4) this.#wholes.push(` ${whole} `)
    for (const run of wordRuns(text, 8)) this.#eights.add(run)
  }

  /** Whether half of the word pairs, eight words in a row, or one known text as a whole are in this text. */
  overlap(text: string): boolean {
    const pairs = wordRuns(text, 2)
    const candidates = new Set([...pairs].flatMap((pair) => this.#holders.get(pair) ?? []))
    for (const candidate of candidates) if (jaccard(pairs, this.#pairs[candidate]!) >= 0.5) return true
    for (const run of wordRuns(text, 8)) if (this.#eights.has(run)) return true
    const whole = ` ${normalise(text)} `
    return this.#wholes.some((known) => whole.includes(known))
  }
}
