import type { Random } from '@regraft/methods'

/** Gives the text of a slot; called once per `{name}` in a phrase. */
export type Slots = (name: string, random: Random) => string

/**
 * Writes one variant of a phrase: `[a|b|]` takes one of the alternatives (they nest, and may be empty),
 * `{name}` is filled by `slots`. Spaces left by empty alternatives are closed up.
 */
export function expand(phrase: string, random: Random, slots: Slots): string {
  const reader = { phrase, at: 0 }
  const text = readSequence(reader, random, slots, '')
  return text
    .replace(/ {2,}/g, ' ')
    .replace(/ ([,.?!])/g, '$1')
    .trim()
}

interface Reader {
  phrase: string
  at: number
}

function readSequence(reader: Reader, random: Random, slots: Slots, stops: string): string {
  let text = ''
  while (reader.at < reader.phrase.length) {
    const character = reader.phrase[reader.at]!
    if (stops.includes(character)) return text
    reader.at++
    if (character === '[') text += readAlternatives(reader, random, slots)
    else if (character === '{') text += readSlot(reader, random, slots)
    else text += character
  }
  if (stops !== '') throw new Error(`phrase '${reader.phrase}': a bracket is not closed`)
  return text
}

function readAlternatives(reader: Reader, random: Random, slots: Slots): string {
  const alternatives: string[] = []
  for (;;) {
    alternatives.push(readSequence(reader, random, slots, '|]'))
    const separator = reader.phrase[reader.at]
    reader.at++
    if (separator === ']') return random.choice(alternatives)
  }
}

function readSlot(reader: Reader, random: Random, slots: Slots): string {
  const end = reader.phrase.indexOf('}', reader.at)
  if (end < 0) throw new Error(`phrase '${reader.phrase}': a slot is not closed`)
  const name = reader.phrase.slice(reader.at, end)
  reader.at = end + 1
  return slots(name, random)
}
