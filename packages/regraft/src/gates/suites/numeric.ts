import type { ScoreAnswer, SettingsOf } from './scorer.ts'

/** What may stand between groups of three digits beside the other mark: apostrophes, underscores, spaces that do not break. */
const GROUPING = "'’_\u00a0\u202f\u2009"
const MINUS = '−'

/**
 * 1 for an answer whose last number is that of the expected answer, within the larger of an absolute and a relative tolerance,
 * else 0; also 0 where either has no number.
 */
export function numeric({ absolute, relative, decimal }: SettingsOf<'numeric'>): ScoreAnswer {
  return (answer, { expected }) => {
    const [said, wanted] = [lastNumber(answer, decimal), lastNumber(expected, decimal)]
    if (said === null || wanted === null) return 0
    return Math.abs(said - wanted) <= Math.max(absolute, relative * Math.abs(wanted)) ? 1 : 0
  }
}

/**
 * The last number of a text. Thousands may be grouped, all by the same mark. Digits that a letter, a digit or one of the marks
 * precedes are no number of their own ("B12", "1.2.3"); units and signs may follow at once ("12kg", "12 %").
 */
export function lastNumber(text: string, decimal: 'point' | 'comma'): number | null {
  const [point, comma] = decimal === 'point' ? ['.', ','] : [',', '.']
  const whole = String.raw`\d{1,3}(?:(?<mark>[${comma}${GROUPING}])\d{3}(?:\k<mark>\d{3})*)?(?!\d)|\d+`
  const number = new RegExp(
    String.raw`(?<![\p{L}\d.,])(?<sign>[+${MINUS}-])?(?<digits>(?:${whole})(?:[${point}]\d+)?|[${point}]\d+)(?:e(?<exponent>[+-]?\d+))?(?![\d]|[.,]\d)`,
    'giu',
  )
  const match = [...text.matchAll(number)].at(-1)
  if (!match) return null
  const { sign, digits, exponent = '0' } = match.groups!
  const plain = digits!.replaceAll(new RegExp(`[${comma}${GROUPING}]`, 'g'), '').replace(point, '.')
  const value = Number(`${plain}e${exponent}`)
  return sign === '-' || sign === MINUS ? -value : value
}
