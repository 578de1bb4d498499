import type { Random } from '@regraft/methods'

/** Gives the text of a slot; called once per `{name}` that is written. */
export type Slots = (name: string, random: Random) => string

/**
 * Writes one variant of a phrase: `[a|b|]` takes one of the alternatives (they nest, and may be empty),
 * `{name}` is filled by `slots`. Spaces left by empty alternatives are closed up.
 */
export function expand(phrase: string, random: Random, slots: Slots): string {
  return expandPart(phrase, random, slots)
    .replace(/ {2,}/g, ' ')
    .replace(/ ([,.?!])/g, '$1')
    .trim()
}

function expandPart(phrase: string, random: Random, slots: Slots): string {
  let text = ''
  for (let at = 0; at < phrase.length; at++) {
    const character = phrase[at]!
    if (character === '[') {
      const { alternatives, end } = splitAlternatives(phrase, at)
      text += expandPart(random.choice(alternatives), random, slots)
      at = end
    } else if (character === '{') {
      const end = phrase.indexOf('}', at)
      if (end < 0) throw new Error(`phrase '${phrase}': a slot is not closed`)
      text += slots(phrase.slice(at + 1, end), random)
      at = end
    } else {
      text += character
    }
  }
  return text
}

/** The alternatives of the bracket that opens at `start`, unexpanded, and the position of its end. */
function splitAlternatives(phrase: string, start: number): { alternatives: string[]; end: number } {
  const alternatives: string[] = []
  let depth = 0
  let from = start + 1
  for (let at = start; at < phrase.length; at++) {
    const character = phrase[at]
    if (character === '[') depth++
    if (character === '|' && depth === 1) {
      alternatives.push(phrase.slice(from, at))
      from = at + 1
    }
    if (character === ']' && --depth === 0) {
      alternatives.push(phrase.slice(from, at))
      return { alternatives, end: at }
    }
  }
  throw new Error(`phrase '${phrase}': a bracket is not closed`)
}
