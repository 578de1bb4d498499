import { foldSymbols } from './fold.ts'

/** Digits that are written together, or in groups with the same separator between them: one or two spaces, a dot, a dash. */
export interface DigitGroups {
  digits: string
  start: number
  end: number
  groups: number
}

const RUN = /\d+(?:(?: {1,2}|[.-])\d+)*/g
const MOST_GROUPS = 7

/**
 * Lists what may be one number of `shortest` to `longest` digits, by its start, the longest first. Within a longer run of groups
 * ("4111 1111 1111 1111 12/27") every sequence of whole groups is listed. Digits that touch a letter or follow a plus
 * are left out.
 */
export function* digitGroups(text: string, shortest: number, longest: number): Generator<DigitGroups> {
  const folded = foldSymbols(text)
  for (const run of folded.matchAll(RUN)) {
    const parts = [...run[0].matchAll(/\d+/g)].map((part) => {
      return { digits: part[0], start: run.index + part.index, end: run.index + part.index + part[0].length }
    })
    for (let first = 0; first < parts.length; first++) {
      const found: DigitGroups[] = []
      let digits = ''
      for (let last = first; last < Math.min(parts.length, first + MOST_GROUPS); last++) {
        digits += parts[last]!.digits
        if (digits.length > longest) break
        const { start } = parts[first]!
        const { end } = parts[last]!
        const separator = (at: number) => folded.slice(parts[at - 1]!.end, parts[at]!.start)
        if (last > first + 1 && separator(last) !== separator(first + 1)) break
        if (digits.length < shortest || touchesLetter(folded, start, end)) continue
        found.push({ digits, start, end, groups: last - first + 1 })
      }
      yield* found.reverse()
    }
  }
}

function touchesLetter(text: string, start: number, end: number): boolean {
  return (
    /[\p{L}\p{M}_+]$/u.test(text.slice(Math.max(0, start - 2), start)) ||
    /^[\p{L}_]/u.test(text.slice(end, end + 2))
  )
}
