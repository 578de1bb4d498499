import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  type AnyOperation,
  allows,
  defineOperation,
  fileMark,
  InputFile,
  OutputFile,
  OutputText,
  parseInput,
} from './index.ts'

const base = {
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Count lines',
  example: 'regraft lines',
} as const

test('an operation knows the types of its input and output and fits into a list of operations', async () => {
  const countLines = defineOperation({
    ...base,
    name: 'lines count',
    input: z.object({ text: z.string() }),
    output: z.object({ lines: z.number() }),
    positionals: ['text'],
    render: (output) => `${output.lines.toFixed(0)} lines`,
    run: async (_context, input) => ({ lines: input.text.split('\n').length }),
  })
  const list: AnyOperation[] = [countLines]
  expect(list[0]?.render?.({ lines: 2 }, { colour: false, width: 80 })).toBe('2 lines')
  expect(countLines.offline).toBe(false)
})

test('a name that is not noun and verb is refused', () => {
  const define = () =>
    defineOperation({
      ...base,
      name: 'Lines Count',
      input: z.object({}),
      output: z.null(),
      run: async () => null,
    })
  expect(define).toThrow("'Lines Count' is not 'noun verb'")
})

test('file marks survive a description and are told apart', () => {
  expect(fileMark(InputFile)).toBe('input')
  expect(fileMark(InputFile.describe('rows'))).toBe('input')
  expect(fileMark(OutputFile.describe('rows'))).toBe('output')
  expect(fileMark(OutputText.describe('rows'))).toBe('text')
  expect(fileMark(z.object({ digest: z.string(), name: z.string() }))).toBe(null)
})

test('scopes cover what they contain and nothing else', () => {
  expect(allows(['admin'], 'write')).toBe(true)
  expect(allows(['write'], 'read')).toBe(true)
  expect(allows(['read'], 'write')).toBe(false)
  expect(allows(['infer'], 'feedback')).toBe(true)
  expect(allows(['feedback'], 'infer')).toBe(false)
})

test('a text that no database holds is refused at the door, wherever it stands', () => {
  const note = defineOperation({
    ...base,
    name: 'notes add',
    input: z.object({
      tags: z.array(z.string()).default([]),
      more: z.record(z.string(), z.string()).optional(),
    }),
    output: z.null(),
    run: async () => null,
  })
  expect(parseInput(note, { tags: ['naïve 😀'] })).toEqual({ tags: ['naïve 😀'] })
  const refuse = (input: unknown) => expect(() => parseInput(note, input))
  refuse({ tags: ['fine', 'a\0b'] }).toThrow('tags.1 contains a NUL character')
  refuse({ more: { a: 'x\ud800' } }).toThrow('more.a contains a lone surrogate')
  refuse({ more: { 'k\0': 'x' } }).toThrow('more contains a NUL character')
})
