import { expect, test } from 'vitest'
import { readLines } from './read-lines.ts'

async function linesOf(...chunks: Uint8Array[]): Promise<string[]> {
  const lines: string[] = []
  for await (const { number, bytes } of readLines(stream(chunks)))
    lines.push(`${number}:${bytes.toString('utf8')}`)
  return lines
}

async function* stream(chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

test('the lines do not depend on where the stream is cut', async () => {
  const bytes = Buffer.from('\ufefföne\r\n\n\ntwo ✓\nlast')
  const expected = ['1:öne\r', '2:', '3:', '4:two ✓', '5:last']
  expect(await linesOf(bytes)).toEqual(expected)
  expect(await linesOf(...[...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(expected)
})

test('a final line feed opens no further line, and an empty stream has none', async () => {
  expect(await linesOf(Buffer.from('a\n'))).toEqual(['1:a'])
  expect(await linesOf()).toEqual([])
})

test('UTF-16 is refused by name', async () => {
  await expect(linesOf(Buffer.from('\ufefftext,label\n', 'utf16le'))).rejects.toMatchObject({
    code: 'invalid-file',
    message: 'The file is UTF-16; Regraft reads UTF-8.',
  })
})
