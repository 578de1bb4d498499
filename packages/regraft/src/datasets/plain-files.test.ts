import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Config } from '../config/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { quietCall } from '../operation/testing.ts'
import { BlobFolder } from '../store/blobs.ts'
import type { ProjectStore } from '../store/types.ts'
import { dedupOperation } from './dedup.ts'
import { screenOperation } from './screen.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-files-'))
const blobs = new BlobFolder(folder)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const context: OperationContext = {
  store: { blobs } as unknown as ProjectStore,
  ...quietCall(),
  config: Config.parse({}),
  services: {} as OperationContext['services'],
}

async function file(name: string, lines: string[]) {
  const { digest } = await blobs.put(Buffer.from(`${lines.join('\n')}\n`))
  return { digest, name }
}

async function linesOf({ digest }: { digest: string }) {
  return Buffer.from(await blobs.read(digest))
    .toString()
    .trimEnd()
    .split('\n')
}

const late = 'why has my transfer not arrived after three long days'
const texts = [late, 'Where is my card?', `${late.slice(0, -4)}weeks`, 'where is MY card', 'I want a refund']

test('dedup keeps the first of each cluster and says what it left out', async () => {
  const lines = texts.map((text, id) => JSON.stringify({ id, text }))
  const input = dedupOperation.input.parse({ file: await file('rows.jsonl', lines), field: 'text' })
  const output = await dedupOperation.run(context, input)
  expect(output).toMatchObject({ rows: 5, kept: 3, exact: 1, near: 1, threshold: 0.7, pairs: null })
  expect(output.clusters).toEqual([
    { survivor: 1, reason: 'first in the file', dropped: [{ line: 3, similarity: 0.8 }] },
    { survivor: 2, reason: 'first in the file', dropped: [{ line: 4, similarity: null }] },
  ])
  expect(await linesOf(output.out)).toEqual([lines[0], lines[1], lines[4]])
  expect((await linesOf(output.report)).map((line) => JSON.parse(line))).toMatchObject([
    { line: 3, dropped: 'near-duplicate', of: 1, similarity: 0.8 },
    { line: 4, dropped: 'exact-duplicate', of: 2, similarity: null },
  ])
  const strict = await dedupOperation.run(context, { ...input, threshold: 0.9 })
  expect(strict).toMatchObject({ kept: 4, exact: 1, near: 0 })
  expect(dedupOperation.render!(output, { colour: false, width: 80 })).toContain(
    'line 1 stays (first in the file), dropped: line 3 (0.80)',
  )
})

test('dedup lists every pair where it is asked to, and rows with other answers are no duplicates', async () => {
  const csv = await file('rows.csv', ['text,label', ...texts.map((text) => `${text},x`)])
  const input = dedupOperation.input.parse({ file: csv, field: 'text', everyPair: true })
  const output = await dedupOperation.run(context, input)
  expect(output).toMatchObject({ kept: 3, pairs: 2 })
  expect((await linesOf(output.out))[0]).toBe('text,label')
  const chats = ['Yes, it is on its way.', 'No, it was never sent by us.'].map((content) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: 'Is it sent?' },
        { role: 'assistant', content },
      ],
    }),
  )
  const other = dedupOperation.input.parse({ file: await file('chats.jsonl', chats) })
  expect(await dedupOperation.run(context, other)).toMatchObject({ rows: 2, kept: 2 })
})

test('screen finds rows that overlap items by prompt or answer, and says what it cannot see', async () => {
  const answer = 'It will arrive within two working days after the payment has been made.'
  const items = [
    { prompt: 'Where is my card?', completion: 'delivery' },
    { prompt: `Tell me ${late}`, completion: answer },
  ]
  const rows = [
    { prompt: 'where is my card', completion: 'delivery' },
    { prompt: 'Who sold it?', completion: 'delivery' },
    { prompt: 'When?', completion: `Well. ${answer}` },
  ]
  const input = screenOperation.input.parse({
    file: await file(
      'train.jsonl',
      rows.map((row) => JSON.stringify(row)),
    ),
    against: await file(
      'eval.jsonl',
      items.map((row) => JSON.stringify(row)),
    ),
  })
  const output = await screenOperation.run(context, input)
  expect(output).toMatchObject({ rows: 3, items: 2, overlapping: 2, itemsTouched: 2 })
  expect(output.listed).toMatchObject([
    { line: 1, item: 1, row: 'prompt', of: 'prompt', rungs: ['equal', 'near-copy'] },
    { line: 3, item: 2, row: 'answer', of: 'answer', share: 1 },
  ])
  expect(await linesOf(output.out)).toEqual([JSON.stringify(rows[1])])
  expect(await linesOf(output.report)).toHaveLength(2)
  const text = screenOperation.render!(output, { colour: false, width: 80 })
  expect(text).toContain("1 of 2 items are too short for the rung 'embedded' (5 words)")
  expect(text).toContain('line 3 repeats the item of line 2 (answer against answer)')
})

test('a broken line ends the verb with its number', async () => {
  const bad = await file('bad.jsonl', ['{"text":"a"}', '{"text":'])
  const good = await file('good.jsonl', ['{"text":"a"}'])
  await expect(dedupOperation.run(context, dedupOperation.input.parse({ file: bad }))).rejects.toThrow(
    /^Line 2/,
  )
  const input = screenOperation.input.parse({ file: good, against: bad })
  await expect(screenOperation.run(context, input)).rejects.toThrow(/^Line 2/)
})
