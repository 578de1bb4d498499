import { isDeepStrictEqual } from 'node:util'
import type { Outcome, SliceFinding, Verdict } from '../../verdict/index.ts'
import { type Html, html } from './html.ts'
import { count, figure, ticks } from './numbers.ts'

/** One line of a plot: an estimate with its interval. */
interface PlotRow {
  label: string
  kind: 'comparison' | 'slice'
  outcome: Outcome | null
  effect: number
  low: number
  high: number
  note: string
}

/** Intervals in one unit, over the values that decide. */
interface Plot {
  title: string
  unit: string
  limits: number[]
  rows: PlotRow[]
}

/** A plot for each comparison that has an interval; its slices lie below it. */
export function plotsOf(verdict: Verdict): Plot[] {
  const { parts, slices = [] } = verdict
  if (parts === undefined) {
    const row = rowOf(verdict)
    return row === null ? [] : [plotOf(verdict, [row], slices)]
  }
  const plots: Plot[] = []
  for (const plot of parts.flatMap(plotsOf)) {
    const last = plots.at(-1)
    // Parts of one requirement that are held against the same limit share an axis.
    const isAlike = last?.unit === plot.unit && isDeepStrictEqual(last.limits, plot.limits)
    if (last && isAlike) last.rows.push(...plot.rows)
    else plots.push(plot)
  }
  const [first] = plots
  if (slices.length > 0 && first) first.rows.push(...slices.map(sliceRow))
  return plots
}

function plotOf(verdict: Verdict, rows: PlotRow[], slices: readonly SliceFinding[]): Plot {
  const { title, unit = 'effect', limits = [] } = verdict
  return { title, unit, limits, rows: [...rows, ...slices.map(sliceRow)] }
}

function rowOf({ title, outcome, effect, interval, n }: Verdict): PlotRow | null {
  if (effect === undefined || interval === undefined) return null
  return {
    label: title,
    kind: 'comparison',
    outcome,
    effect,
    low: interval.low,
    high: interval.high,
    note: `n ${count(n)}`,
  }
}

function sliceRow({ slice, critical, n, pooled, regressed }: SliceFinding): PlotRow {
  return {
    ...{ label: slice, kind: 'slice', outcome: regressed ? 'fail' : null },
    ...{ effect: pooled.estimate, low: pooled.low, high: pooled.high },
    note: `n ${count(n)}${critical ? ', critical' : ''}${regressed ? ', regressed' : ''}`,
  }
}

const WIDTH = 860
const LABELS = 280
const NOTES = 190
const ROW = 30
const TOP = 14
const AXIS = 44
const LABEL_LENGTH = 40

/** An inline SVG, readable in light, dark and print: shapes and words tell what colours tell. */
export function drawPlot(plot: Plot, id: string): Html {
  const { rows, limits, unit, title } = plot
  const [low, high] = rangeOf(plot)
  const x = (value: number) => LABELS + ((value - low) / (high - low)) * (WIDTH - LABELS - NOTES)
  const bottom = TOP + rows.length * ROW
  const height = bottom + AXIS
  const limitNames = limits.map((limit) => (limit === 0 ? 'no difference' : `limit ${figure(limit, unit)}`))
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}-title" aria-describedby="${id}-text" class="plot">
<title id="${id}-title">${title}</title>
<desc id="${id}-text">${describe(plot)}</desc>
${ticks(low, high).map(
  (tick) =>
    html`<line class="grid" x1="${at(x(tick))}" x2="${at(x(tick))}" y1="${TOP}" y2="${bottom}"/><text class="tick" x="${at(x(tick))}" y="${bottom + 16}" text-anchor="middle">${figure(tick, unit)}</text>`,
)}
${low <= 0 && high >= 0 ? html`<line class="zero" x1="${at(x(0))}" x2="${at(x(0))}" y1="${TOP}" y2="${bottom}"/>` : null}
${limits.map(
  (limit, i) =>
    html`<line class="limit" x1="${at(x(limit))}" x2="${at(x(limit))}" y1="${TOP - 6}" y2="${bottom}"><title>${limitNames[i]!}</title></line>`,
)}
${rows.map((row, i) => drawRow(row, labelOf(row, title), unit, { y: TOP + i * ROW + ROW / 2, x }))}
<text class="axis" x="${at((LABELS + WIDTH - NOTES) / 2)}" y="${bottom + 36}" text-anchor="middle">${limits.some((limit) => limit <= 0) ? 'difference, ' : ''}${unit}${limits.length === 0 ? '' : ` (dashed: ${limitNames.join(', ')})`}</text>
</svg>`
}

/** What a row's label adds to the title of its plot. */
function labelOf({ label, kind }: PlotRow, title: string): string {
  if (kind === 'slice') return shorten(label, LABEL_LENGTH - 2)
  const added = label !== title && label.startsWith(title) ? `…${label.slice(title.length)}` : label
  return shorten(added, LABEL_LENGTH)
}

function drawRow(
  row: PlotRow,
  name: string,
  unit: string,
  { y, x }: { y: number; x: (value: number) => number },
): Html {
  const { label, kind, outcome, effect, low, high, note } = row
  const shape =
    kind === 'comparison'
      ? html`<rect x="${at(x(effect) - 5)}" y="${y - 5}" width="10" height="10"/>`
      : html`<circle cx="${at(x(effect))}" cy="${y}" r="4.5"/>`
  const [left, right] = [at(x(low)), at(x(high))]
  return html`<g class="row ${kind} ${outcome ?? 'open'}"><title>${`${label}: ${figure(effect, unit)} [${figure(low, unit)}, ${figure(high, unit)}], ${note}`}</title>
<text class="label" x="${kind === 'slice' ? 14 : 0}" y="${y + 4}">${name}</text>
<line class="bar" x1="${left}" x2="${right}" y1="${y}" y2="${y}"/><line class="bar" x1="${left}" x2="${left}" y1="${y - 5}" y2="${y + 5}"/><line class="bar" x1="${right}" x2="${right}" y1="${y - 5}" y2="${y + 5}"/>
${shape}
<text class="value" x="${WIDTH - NOTES + 12}" y="${y - 1}">${`${figure(effect, unit)} [${figure(low, unit)}, ${figure(high, unit)}]`}</text><text class="note" x="${WIDTH - NOTES + 12}" y="${y + 12}">${note}</text></g>
`
}

/** All intervals and limits, and zero where it is near, with some room at the ends. */
function rangeOf({ rows, limits }: Plot): [number, number] {
  const values = [...rows.flatMap(({ low, high, effect }) => [low, high, effect]), ...limits]
  let [low, high] = [Math.min(...values), Math.max(...values)]
  const span = high - low || Math.abs(high) || 1
  if (low > 0 && low < span) low = 0
  if (high < 0 && -high < span) high = 0
  const room = (high - low || span) * 0.06
  return [low - room, high + room]
}

function describe({ rows, unit }: Plot): string {
  const shown = rows.map(
    ({ label, effect, low, high }) =>
      `${label} ${figure(effect, unit)}, from ${figure(low, unit)} to ${figure(high, unit)}`,
  )
  return `Estimates with intervals, ${unit}: ${shown.join('; ')}. The table has the same figures.`
}

function shorten(text: string, length: number): string {
  const characters = [...text]
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`
}

function at(position: number): string {
  return position.toFixed(1)
}
