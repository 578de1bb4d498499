import { expect, test } from 'vitest'
import { z } from 'zod'
import { commandLine, kebabCase } from './command-line.ts'
import { InputFile } from './files.ts'

const operation = {
  name: 'gates check',
  positionals: ['adapter', 'others'],
  input: z.object({
    adapter: z.string().optional(),
    others: z.array(z.string()).default([]),
    maxTokens: z.int().optional(),
    margin: z.number().default(0.02),
    slices: z.array(z.string()).default([]),
    keepRate: z.boolean().default(false),
    split: z.boolean().default(true),
    dry: z.boolean().optional(),
    ranks: z.record(z.string(), z.int()).optional(),
    rows: InputFile.optional(),
  }),
}

test('only what differs from its default is said, in the words of the command line', () => {
  expect(commandLine(operation, operation.input.parse({}))).toBe('regraft gates check')
  const asked = {
    ...{
      adapter: 'a1',
      others: ['b', 'c'],
      maxTokens: 0,
      margin: 0.03,
      keepRate: true,
      split: false,
      dry: false,
    },
    rows: { digest: `sha256:${'0'.repeat(64)}`, name: 'rows of May.csv' },
  }
  expect(commandLine(operation, operation.input.parse(asked))).toBe(
    "regraft gates check a1 b c --max-tokens 0 --margin 0.03 --keep-rate --no-split --rows 'rows of May.csv'",
  )
})

test('a shell reads each value as one word', () => {
  const asked = { slices: ["team=it's us", 'queue=$HOME'], ranks: { q: 8 } }
  expect(commandLine(operation, asked)).toBe(
    `regraft gates check --slices 'team=it'\\''s us' --slices 'queue=$HOME' --ranks '{"q":8}'`,
  )
  expect(kebabCase('maxRows')).toBe('max-rows')
})
