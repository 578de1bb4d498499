import { styleText } from 'node:util'
import type { Outcome, SliceFinding, Verdict } from './index.ts'

const WORDS: Record<Outcome, { text: string; style: 'green' | 'red' | 'yellow' }> = {
  pass: { text: 'PASS', style: 'green' },
  fail: { text: 'FAIL', style: 'red' },
  'cannot-tell': { text: 'CANNOT TELL', style: 'yellow' },
}

/**
 * A verdict as lines for the terminal: outcome, finding and title; the reason; the figures; the parts, indented; the
 * evidence counted; the command that decides again. No trailing newline.
 */
export function renderVerdict(verdict: Verdict, options: { color?: boolean } = {}): string {
  const style = painter(options.color ?? false)
  return lines(verdict, style, true).join('\n')
}

const SHOWN_SLICES = 12

type Style = Parameters<typeof styleText>[0]
type Paint = (format: Style, text: string) => string

function painter(color: boolean): Paint {
  // The caller decides about colour, not the stream that this process happens to write to.
  return (format, text) => (color ? styleText(format, text, { validateStream: false }) : text)
}

function lines(verdict: Verdict, paint: Paint, outermost: boolean): string[] {
  const word = WORDS[verdict.outcome]
  const finding = verdict.finding ? ` ${paint(word.style, verdict.finding)}` : ''
  const head = `${paint(['bold', word.style], word.text)}${finding}  ${paint('bold', verdict.title)}`
  const body = [verdict.reason, ...figures(verdict)]
  for (const part of verdict.parts ?? []) body.push(...lines(part, paint, false))
  body.push(...sliceLines(verdict.slices ?? [], paint))
  if (verdict.evidence.length > 0) body.push(paint('dim', `evidence  ${verdict.evidence.length} items`))
  // A part is decided again with its whole.
  if (outermost && verdict.rerun) body.push(`${paint('dim', 'rerun')}  ${verdict.rerun}`)
  return [head, ...body.flatMap((text) => text.split('\n')).map((line) => `  ${line}`)]
}

function figures(verdict: Verdict): string[] {
  const { effect, interval, unit, n, needed, seed, power } = verdict
  const figures: string[] = []
  if (effect !== undefined) figures.push(`effect ${number(effect)}${unit ? ` ${unit}` : ''}`)
  if (interval) {
    const level = `${number(interval.level * 100)} % ${interval.method}`
    figures.push(`interval ${number(interval.low)} to ${number(interval.high)} (${level})`)
  }
  figures.push(`n ${n}`)
  if (seed !== undefined) figures.push(`seed ${seed}`)
  const settle = needed === undefined ? [] : [`about ${needed} items would settle it`]
  const planned = power === undefined ? [] : [`power ${percent(power.value)}: ${power.alternative}`]
  return [figures.join(', '), ...settle, ...planned]
}

/** Slices that lost come first, then small values of p; what does not fit is counted. */
function sliceLines(slices: readonly SliceFinding[], paint: Paint): string[] {
  const sorted = [...slices].sort((a, b) => a.p - b.p)
  const width = Math.max(0, ...sorted.slice(0, SHOWN_SLICES).map(({ slice }) => slice.length))
  const shown = sorted.slice(0, SHOWN_SLICES).map(({ slice, critical, n, effect, pooled, p, regressed }) => {
    const drawn = `pooled ${number(pooled.estimate, 2)} [${number(pooled.low, 2)}, ${number(pooled.high, 2)}]`
    const word = regressed ? paint('red', '  REGRESSED') : ''
    return `slice  ${slice.padEnd(width)}  ${number(effect, 2)}, ${drawn}, n ${n}, p ${number(p, 2)}${critical ? ', critical' : ''}${word}`
  })
  const others = sorted.length - shown.length
  return others > 0 ? [...shown, `${others} other slices`] : shown
}

/** With two digits; what is next to nothing is not written with an exponent. */
function percent(share: number): string {
  return share > 0 && share < 0.001 ? 'below 0.1 %' : `${number(100 * share, 2)} %`
}

/** At most so many significant digits, whole numbers in full. */
function number(value: number, digits = 4): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(digits)))
}
