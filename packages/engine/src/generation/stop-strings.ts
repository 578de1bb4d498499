/** Cuts a text that comes in pieces before the first stop string, and never lets out what may become part of one. */
export class StopStrings {
  readonly #stops: readonly string[]
  #held = ''
  #stopped = false

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== '')
  }

  /** Whether a stop string has come; everything after it is dropped. */
  get stopped(): boolean {
    return this.#stopped
  }

  /** The text that may be shown after this piece. */
  push(piece: string): string {
    if (this.#stopped) return ''
    const text = this.#held + piece
    const found = this.#stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0)
    if (found.length > 0) {
      this.#stopped = true
      this.#held = ''
      return text.slice(0, Math.min(...found))
    }
    const safe = text.length - this.#pending(text)
    this.#held = text.slice(safe)
    return text.slice(0, safe)
  }

  /** What was held back, when nothing more comes. */
  end(): string {
    const rest = this.#stopped ? '' : this.#held
    this.#held = ''
    return rest
  }

  /** Length of the longest end of the text that begins a stop string. */
  #pending(text: string): number {
    let longest = 0
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length
      }
    }
    return longest
  }
}
