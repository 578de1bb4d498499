import { z } from 'zod'
import { type ParsedRow, parseCsv, parseOpenAIJsonl } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation, InputFile } from '../operation/index.ts'
import type { SuiteItem } from './manifest.ts'
import { sealSuite, suiteItemOf } from './suite.ts'

const SealInput = z.object({
  file: InputFile.describe('CSV with a header line, or JSON Lines of OpenAI messages'),
  as: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'expected lower-case letters, digits and dashes')
    .describe('name of the suite'),
  text: z.string().optional().describe('CSV column with what the user wrote'),
  label: z.string().optional().describe('CSV column with the right answer'),
  system: z.string().optional().describe("system prompt of every CSV row; else the task's of the same name"),
})

/** Labelled rows become a sealed evaluation suite: `datasets build` keeps them out of training. */
export const sealOperation = defineOperation({
  name: 'datasets seal',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary: 'Seal labelled rows as an evaluation suite that training never sees',
  input: SealInput,
  output: z.object({
    name: z.string(),
    suite: z.string().describe('digest of the suite'),
    items: z.int(),
    rejected: z.array(z.object({ line: z.int(), reason: z.string() })),
  }),
  positionals: ['file'],
  example: 'regraft datasets seal evaluation.csv --as routing --text text --label label',
  render({ name, suite, items, rejected }) {
    const lines = [`sealed ${items} items as '${name}'  suite ${shortDigest(suite)}`]
    for (const { line, reason } of rejected) lines.push(`  line ${line} left out: ${reason}`)
    return lines.join('\n')
  },
  async run({ store, config, progress }, input) {
    const { digest, name } = input.file
    const bytes = await store.blobs.read(digest)
    const rows = name.endsWith('.jsonl')
      ? parseOpenAIJsonl(single(bytes), { digest, importedAt: new Date(0), task: null })
      : parseCsv(single(bytes), csvColumns(input, config.tasks[input.as]?.system), {
          digest,
          importedAt: new Date(0),
          task: null,
        })
    const { items, rejected } = await collectItems(rows, (done) =>
      progress({ stage: 'read', done, unit: 'rows' }),
    )
    if (items.length === 0) {
      throw new RegraftError('invalid-file', `${name} has no row with a label`, {
        hint: 'name the column of the right answer with --label',
      })
    }
    await store.artifacts.put({
      kind: 'file',
      schemaVersion: 1,
      value: { blob: digest, size: bytes.byteLength },
    })
    const sealed = await sealSuite(store, input.as, items)
    return { name: input.as, suite: sealed.digest, items: sealed.suite.items.length, rejected }
  },
})

function csvColumns(input: z.output<typeof SealInput>, taskSystem: string | undefined) {
  const { text, label, system } = input
  if (text === undefined || label === undefined) {
    throw new RegraftError('invalid-input', 'a CSV file needs --text and --label', {
      hint: 'regraft datasets seal evaluation.csv --as routing --text text --label label',
    })
  }
  return { text, label, system: system ?? (taskSystem || null) }
}

async function collectItems(rows: AsyncIterable<ParsedRow>, onRow: (count: number) => void) {
  const items: SuiteItem[] = []
  const rejected: { line: number; reason: string }[] = []
  let count = 0
  for await (const row of rows) {
    onRow(++count)
    if ('reason' in row) {
      rejected.push(row)
      continue
    }
    const item = suiteItemOf(row)
    if (item) items.push(item)
    else rejected.push({ line: row.line, reason: 'has no label' })
  }
  return { items, rejected }
}

async function* single(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
