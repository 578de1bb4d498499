import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** Calls back with every JSON object of a stream of lines; ends when the stream does. */
export function readJsonLines(
  stream: Readable,
  onMessage: (message: unknown) => void,
  onEnd?: () => void,
): void {
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
  lines.on('line', (line) => {
    if (line.trim() !== '') onMessage(JSON.parse(line))
  })
  if (onEnd) lines.on('close', onEnd)
}

export function writeJsonLine(stream: Writable, message: unknown): void {
  stream.write(`${JSON.stringify(message)}\n`)
}
