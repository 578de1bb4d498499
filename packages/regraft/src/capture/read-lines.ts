import { RegraftError } from '../errors/index.ts'

const LINE_FEED = 0x0a
const MAX_LINE_BYTES = 64 * 1024 * 1024

/** One physical line of a file: its number from 1 and its bytes, without the line feed. */
export interface Line {
  number: number
  bytes: Buffer
}

/**
 * Splits a stream of bytes into lines at line feeds, without decoding them.
 *
 * Lines stay bytes so that each row's UTF-8 can be checked on its own: a decoder over the whole stream would replace
 * bad bytes silently. A UTF-8 byte-order mark is dropped; carriage returns are left to the caller.
 * Throws 'invalid-file' for UTF-16 and for a line above 64 MB.
 */
export async function* readLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let pieces: Buffer[] = []
  let length = 0
  let number = 0
  const finishLine = (): Line => {
    const line = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    pieces = []
    length = 0
    number += 1
    return { number, bytes: number === 1 ? withoutByteOrderMark(line) : line }
  }
  for await (const received of bytes) {
    const chunk = Buffer.from(received.buffer, received.byteOffset, received.byteLength)
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      pieces.push(chunk.subarray(start, end))
      yield finishLine()
      start = end + 1
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start))
    length += chunk.length - start
    if (length > MAX_LINE_BYTES) {
      throw new RegraftError('invalid-file', `Line ${number + 1} is longer than 64 MB.`, {
        hint: 'Check that the file is CSV or JSON Lines: one row per line, ended by a line feed.',
      })
    }
  }
  if (length > 0) yield finishLine()
}

function withoutByteOrderMark(line: Buffer): Buffer {
  if (line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) return line.subarray(3)
  if ((line[0] === 0xff && line[1] === 0xfe) || (line[0] === 0xfe && line[1] === 0xff)) {
    throw new RegraftError('invalid-file', 'The file is UTF-16; Regraft reads UTF-8.', {
      hint: 'Save it again as UTF-8, for example: iconv -f UTF-16 -t UTF-8 in.csv > out.csv',
    })
  }
  return line
}
