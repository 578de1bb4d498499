import { expect, test } from 'vitest'
import { z } from 'zod'
import { InputFile } from '../operation/index.ts'
import { describeFields, parseField } from './fields.ts'

const input = z.object({
  file: InputFile.describe('rows to read'),
  more: z.array(InputFile).optional(),
  text: z.string().min(1).describe('column of the text'),
  maxRows: z.int().positive().default(100).describe('how many'),
  dryRun: z.boolean().default(false),
  weights: z.array(z.number()).default([1, 1]),
  format: z.enum(['csv', 'jsonl']).nullable().default(null),
  where: z.record(z.string(), z.string()).optional(),
})

test('the fields of a schema are described through optional, default, nullable and array', () => {
  const fields = Object.fromEntries(describeFields(input).map(({ name, ...rest }) => [name, rest]))
  expect(fields.file).toMatchObject({
    kind: 'file',
    many: false,
    required: true,
    description: 'rows to read',
  })
  expect(fields.more).toMatchObject({ kind: 'file', many: true, required: false })
  expect(fields.text).toMatchObject({ kind: 'text', required: true, description: 'column of the text' })
  expect(fields.maxRows).toMatchObject({
    kind: 'number',
    required: false,
    default: 100,
    description: 'how many',
  })
  expect(fields.dryRun).toMatchObject({ kind: 'boolean', required: false, default: false })
  expect(fields.weights).toMatchObject({ kind: 'number', many: true, default: [1, 1] })
  expect(fields.format).toMatchObject({ kind: 'choice', choices: ['csv', 'jsonl'], required: false })
  expect(fields.where).toMatchObject({ kind: 'json', required: false })
})

test('texts are read by kind, and a wrong one is refused under the name that the user wrote', () => {
  const fields = Object.fromEntries(describeFields(input).map((field) => [field.name, field]))
  expect(parseField(fields.maxRows!, '12', '--max-rows')).toBe(12)
  expect(parseField(fields.dryRun!, 'true', 'dryRun')).toBe(true)
  expect(parseField(fields.where!, '{"a":"b"}', '--where')).toEqual({ a: 'b' })
  expect(parseField(fields.where!, 'q_proj=8,v_proj=x', '--where')).toEqual({ q_proj: 8, v_proj: 'x' })
  expect(() => parseField(fields.where!, '{"a"=1', '--where')).toThrow('JSON, or name=value pairs')
  expect(() => parseField(fields.maxRows!, 'twelve', '--max-rows')).toThrow(
    "--max-rows: expected a number, found 'twelve'",
  )
  expect(() => parseField(fields.maxRows!, '', '--max-rows')).toThrow('expected a number')
  expect(() => parseField(fields.format!, 'xml', '--format')).toThrow('--format: expected one of csv, jsonl')
})
