// Curves in a terminal: braille characters hold 2 × 4 dots each (Unicode 15, block U+2800).

export interface Curve {
  x: readonly number[]
  y: readonly number[]
}

export interface ChartOptions {
  /** Characters of the whole chart, axis labels included. */
  width: number
  height: number
  /** Names of the axes, written below. */
  label: string
  logarithmic?: boolean
  /** An x that is marked by a vertical line. */
  mark?: number | null
}

/** Bits of a braille character by column and row of its dots. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const

/** Draws curves over one pair of axes; lines join their points. Values that are no numbers are left out. */
export function drawChart(curves: readonly Curve[], options: ChartOptions): string {
  const { label, height, logarithmic = false, mark = null } = options
  const scale = (x: number) => (logarithmic ? Math.log10(x) : x)
  const points = curves.map(({ x, y }) =>
    x.flatMap((value, i) => (Number.isFinite(y[i]) ? [{ x: scale(value), y: y[i]! }] : [])),
  )
  const all = points.flat()
  if (all.length === 0) return 'no points to draw'
  const [left, right] = range(all.map((point) => point.x))
  const [low, high] = range(all.map((point) => point.y))
  const labels = [format(high), format(low)]
  const margin = Math.max(...labels.map((text) => text.length))
  const columns = Math.max(8, options.width - margin - 2)
  const cells = Array.from({ length: height }, () => new Uint8Array(columns))
  const [dotsWide, dotsHigh] = [columns * 2, height * 4]
  const column = (x: number) => Math.round(((x - left) / (right - left || 1)) * (dotsWide - 1))
  const row = (y: number) => Math.round(((high - y) / (high - low || 1)) * (dotsHigh - 1))
  const set = (dotX: number, dotY: number) => {
    cells[dotY >> 2]![dotX >> 1]! |= DOTS[dotX & 1]![dotY & 3]!
  }
  if (mark !== null)
    for (let dotY = 0; dotY < dotsHigh; dotY += 2) set(clamp(column(scale(mark)), dotsWide), dotY)
  for (const curve of points) {
    for (const [i, point] of curve.entries()) {
      const next = curve[i + 1] ?? point
      const [x0, y0, x1, y1] = [column(point.x), row(point.y), column(next.x), row(next.y)]
      const steps = Math.max(1, Math.abs(x1 - x0), Math.abs(y1 - y0))
      for (let step = 0; step <= steps; step++) {
        const share = step / steps
        set(Math.round(x0 + (x1 - x0) * share), Math.round(y0 + (y1 - y0) * share))
      }
    }
  }
  const lines = cells.map((line, index) => {
    const text = index === 0 ? labels[0]! : index === height - 1 ? labels[1]! : ''
    return `${text.padStart(margin)} ┤${[...line].map((bits) => String.fromCodePoint(0x2800 + bits)).join('')}`
  })
  const unscale = (x: number) => format(logarithmic ? 10 ** x : x)
  const [from, to] = [unscale(left), unscale(right)]
  const room = columns - from.length - to.length
  const middle = label.length + 2 <= room ? label : ''
  const gap = Math.max(1, room - middle.length)
  const axis = `${from}${' '.repeat(gap >> 1)}${middle}${' '.repeat(gap - (gap >> 1))}${to}`
  return [...lines, `${' '.repeat(margin + 2)}${axis}`].join('\n')
}

function range(values: readonly number[]): [low: number, high: number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return [low, high]
}

function clamp(value: number, size: number): number {
  return Math.min(size - 1, Math.max(0, value))
}

/** Three significant digits, without trailing zeros. */
function format(value: number): string {
  return String(Number(value.toPrecision(3)))
}
