import type { ProgressEvent } from '../../operation/index.ts'
import type { Terminal } from './terminal.ts'

/** Least time between two lines where the terminal cannot replace one, in milliseconds. */
const PLAIN_INTERVAL = 10_000

export interface ProgressDisplay {
  show(event: ProgressEvent): void
  end(): void
}

/** Shows progress: one line that changes on a terminal, else a line per stage and one every ten seconds. */
export function createProgress(
  terminal: Pick<Terminal, 'note' | 'status'>,
  now: () => number = Date.now,
): ProgressDisplay {
  let stage: string | null = null
  let stageStarted = 0
  let firstDone = 0
  let lastLine = Number.NEGATIVE_INFINITY
  let lastEvent: ProgressEvent | null = null
  let lastPrinted: ProgressEvent | null = null

  const finishStage = () => {
    if (lastEvent && lastEvent !== lastPrinted) terminal.note(describe(lastEvent, ''))
    lastPrinted = lastEvent
  }
  return {
    show(event) {
      if (event.stage !== stage) {
        finishStage()
        stage = event.stage
        stageStarted = now()
        firstDone = event.done ?? 0
        lastLine = Number.NEGATIVE_INFINITY
      }
      lastEvent = event
      const text = describe(event, timeLeft(event, firstDone, now() - stageStarted))
      if (terminal.status) terminal.status(text)
      else if (now() - lastLine >= PLAIN_INTERVAL) {
        terminal.note(text)
        lastLine = now()
        lastPrinted = event
      }
    },
    end() {
      finishStage()
      lastEvent = null
      lastPrinted = null
      terminal.status?.('')
    },
  }
}

function describe(event: ProgressEvent, left: string): string {
  const { stage, done, total, unit, message, metrics, recent = {} } = event
  const parts = [stage]
  if (done !== undefined) {
    const share = total ? ` (${Math.floor((100 * done) / total)} %)` : ''
    parts.push(`${done}${total === undefined ? '' : `/${total}`}${unit ? ` ${unit}` : ''}${share}`)
  }
  if (message) parts.push(message)
  for (const [name, value] of Object.entries(metrics ?? {})) {
    const curve = recent[name] ? ` ${sparkline(recent[name])}` : ''
    parts.push(`${name} ${Number(value.toPrecision(4))}${curve}`)
  }
  if (left) parts.push(left)
  return parts.join('  ')
}

function timeLeft({ done, total }: ProgressEvent, firstDone: number, elapsed: number): string {
  if (done === undefined || !total || elapsed < 3_000 || done <= firstDone || done >= total) return ''
  const seconds = Math.round(((elapsed / (done - firstDone)) * (total - done)) / 1_000)
  return seconds < 90 ? `${seconds} s left` : `${Math.round(seconds / 60)} min left`
}

const BARS = '▁▂▃▄▅▆▇█'
/** Characters of a sparkline. */
const SPARKS = 16

/** A curve one line high: the mean of each part between the lowest and the highest of them. */
export function sparkline(values: readonly number[], width = SPARKS): string {
  const count = Math.min(width, values.length)
  const means = Array.from({ length: count }, (_, part) => {
    const [from, to] = [part, part + 1].map((edge) => Math.round((edge * values.length) / count))
    const slice = values.slice(from, to)
    return slice.reduce((sum, value) => sum + value, 0) / slice.length
  })
  const low = Math.min(...means)
  const span = Math.max(...means) - low
  return means
    .map((value) => BARS[span > 0 ? Math.round(((value - low) / span) * (BARS.length - 1)) : 0])
    .join('')
}
