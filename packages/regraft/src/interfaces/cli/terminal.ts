import type { Log, TextStyle } from '../../operation/index.ts'

/** Where the CLI writes: figures to stdout, everything else to stderr. */
export interface Terminal {
  json: boolean
  style: TextStyle
  /** Writes a line of the answer. */
  print(text: string): void
  /** Writes a line for the person who watches. */
  note(text: string): void
  /** Replaces the last line where the terminal can do that. */
  status: ((text: string) => void) | null
}

export function createTerminal(json: boolean): Terminal {
  const { stdout, stderr } = process
  let statusShown = false
  const clear = () => {
    if (statusShown) stderr.write('\r\u001b[2K')
    statusShown = false
  }
  return {
    json,
    // https://no-color.org
    style: { colour: stdout.isTTY && !process.env.NO_COLOR, width: stdout.columns ?? 80 },
    print(text) {
      clear()
      stdout.write(text.endsWith('\n') ? text : `${text}\n`)
    },
    note(text) {
      clear()
      stderr.write(`${text}\n`)
    },
    status: stderr.isTTY
      ? (text) => {
          clear()
          if (text === '') return
          stderr.write(text.slice(0, Math.max(20, (stderr.columns ?? 80) - 1)))
          statusShown = true
        }
      : null,
  }
}

/** The log of a CLI process: warnings and errors always, the rest with REGRAFT_DEBUG. */
export function createLog(terminal: Pick<Terminal, 'note'>, debug: boolean): Log {
  const write = (level: string) => (message: string, fields?: Record<string, unknown>) => {
    const details = Object.entries(fields ?? {})
      .filter(([, value]) => value !== undefined)
      .map(
        ([key, value]) => ` ${key}=${value instanceof Error ? (debug ? value.stack : value.message) : value}`,
      )
    terminal.note(`${level}: ${message}${debug || level !== 'error' ? details.join('') : ''}`)
  }
  const silent = () => {}
  return {
    debug: debug ? write('debug') : silent,
    info: debug ? write('info') : silent,
    warn: write('warning'),
    error: debug ? write('error') : silent,
  }
}
