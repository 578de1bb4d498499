/**
 * Counts the insertions, deletions and substitutions of single code points that turn one text into the other.
 * Time is proportional to the product of the lengths after common ends are cut off, memory to the shorter length.
 * Source: Wagner and Fischer 1974, "The String-to-String Correction Problem".
 */
export function levenshtein(left: string, right: string): number {
  let [longer, shorter] = [codePoints(left), codePoints(right)]
  if (longer.length < shorter.length) [longer, shorter] = [shorter, longer]
  let start = 0
  while (start < shorter.length && longer[start] === shorter[start]) start++
  let cut = 0
  while (cut < shorter.length - start && longer.at(-1 - cut) === shorter.at(-1 - cut)) cut++
  longer = longer.subarray(start, longer.length - cut)
  shorter = shorter.subarray(start, shorter.length - cut)

  const row = Uint32Array.from({ length: shorter.length + 1 }, (_, column) => column)
  for (let line = 0; line < longer.length; line++) {
    let diagonal = row[0]!
    row[0] = line + 1
    for (let column = 0; column < shorter.length; column++) {
      const above = row[column + 1]!
      const replaced = diagonal + (longer[line] === shorter[column] ? 0 : 1)
      row[column + 1] = Math.min(replaced, above + 1, row[column]! + 1)
      diagonal = above
    }
  }
  return row[shorter.length]!
}

/** Divides the Levenshtein distance by the longer text's length in code points: 0 for equal texts, 1 for nothing in common. */
export function normalizedEditDistance(left: string, right: string): number {
  const length = Math.max(codePoints(left).length, codePoints(right).length)
  return length === 0 ? 0 : levenshtein(left, right) / length
}

function codePoints(text: string): Uint32Array {
  return Uint32Array.from(text, (character) => character.codePointAt(0)!)
}
