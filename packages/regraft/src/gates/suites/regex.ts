import { labelMatch } from './label-match.ts'
import { type ScoreAnswer, type SettingsOf, withinTime } from './scorer.ts'

/**
 * 1 for an answer that matches a regular expression, else 0; with `compare`, what the first group caught must equal the
 * expected answer as in `labelMatch`. Throws 'invalid-config' for an expression that takes too long.
 */
export function regex({ pattern, flags, compare }: SettingsOf<'regex'>): ScoreAnswer {
  const expression = new RegExp(pattern, flags)
  return (answer, item) => {
    const match = withinTime(`the pattern ${pattern}`, () => expression.exec(answer))
    if (match === null) return 0
    return compare ? labelMatch(match[1] ?? '', item) : 1
  }
}
