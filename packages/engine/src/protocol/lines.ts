import type { Readable, Writable } from 'node:stream'

/** A line that shows what was wrong is cut to this many characters. */
const SHOWN_CHARACTERS = 200

export interface JsonLinesHandlers {
  onMessage(message: object): void
  /** A line that is no JSON object: whatever a library prints must not end the process that reads it. */
  onMalformed(line: string): void
  onEnd?: () => void
}

/**
 * Calls back with every JSON object of a stream of lines.
 *
 * Lines end with a line feed and nothing else: node:readline also cuts at U+2028 and U+2029, which JSON strings may
 * hold as they are.
 */
export function readJsonLines(stream: Readable, handlers: JsonLinesHandlers): void {
  const { onMessage, onMalformed, onEnd } = handlers
  const onLine = (line: string) => {
    if (line.trim() === '') return
    const message = parseObject(line)
    if (message) onMessage(message)
    else onMalformed(line.slice(0, SHOWN_CHARACTERS))
  }
  let rest: string[] = []
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const [first, ...others] = text.split('\n') as [string, ...string[]]
    rest.push(first)
    if (others.length === 0) return
    onLine(rest.join(''))
    rest = [others.pop()!]
    for (const line of others) onLine(line)
  })
  stream.once('end', () => {
    onLine(rest.join(''))
    onEnd?.()
  })
}

export function writeJsonLine(stream: Writable, message: unknown): void {
  stream.write(`${JSON.stringify(message)}\n`)
}

function parseObject(line: string): object | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}
