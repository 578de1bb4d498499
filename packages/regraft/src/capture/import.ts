import { z } from 'zod'
import type { Config } from '../config/schema.ts'
import { RegraftError } from '../errors/index.ts'
import { defineOperation, InputFile, type OperationContext } from '../operation/index.ts'
import { checkRows, type ImportHooks, storeRows } from './import-rows.ts'
import { parseCsv, readCsvHeader } from './parse-csv.ts'
import { parseOpenAIJsonl } from './parse-openai-jsonl.ts'
import type { FileOrigin, ParsedRow } from './parsed-row.ts'

const CHUNK_BYTES = 1024 * 1024
/** A result lists this many rejected rows; `rejectedRows` counts them all. */
const LISTED_REJECTIONS = 1000
const RENDERED_REJECTIONS = 10

const ImportInput = z.object({
  file: InputFile.describe('CSV with a header line, or JSON Lines of OpenAI messages'),
  text: z.string().optional().describe('CSV column with what the user wrote'),
  label: z.string().optional().describe("CSV column with the right answer; else the task's label column"),
  time: z.string().optional().describe('CSV column with the time of a row (ISO 8601 or Unix seconds)'),
  system: z.string().optional().describe("system prompt of every CSV row; else the task's"),
  format: z.enum(['csv', 'jsonl']).optional().describe('format of the file; else its extension says it'),
  task: z.string().optional().describe('task of regraft.yaml that the rows belong to'),
})
type ImportInput = z.output<typeof ImportInput>

const ImportOutput = z.object({
  file: z.string().describe('digest of the file artifact'),
  format: z.enum(['csv', 'jsonl']),
  rows: z.int().describe('rows of the file: added, duplicates and rejected'),
  inferences: z.int().describe('inferences added'),
  feedback: z.int().describe('feedback added'),
  duplicates: z.int().describe('rows that were there already'),
  rejectedRows: z.int().describe('rows that cannot be stored'),
  rejected: z
    .array(z.object({ line: z.int(), reason: z.string() }))
    .describe(`the first ${LISTED_REJECTIONS} of them`),
})
type ImportOutput = z.output<typeof ImportOutput>

type Parse = (bytes: AsyncIterable<Uint8Array>, origin: FileOrigin) => AsyncIterable<ParsedRow>

/** `regraft import`: the rows of a file become inferences and feedback; the same file again adds nothing. */
export const importOperation = defineOperation({
  name: 'import',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary: 'Import a CSV or OpenAI JSONL file as inferences and feedback',
  input: ImportInput,
  output: ImportOutput,
  positionals: ['file'],
  example: 'regraft import tickets.csv --text text --label category',
  render,
  run,
})

async function run(context: OperationContext, input: ImportInput): Promise<ImportOutput> {
  const { store, signal } = context
  const { digest, name } = input.file
  const format = input.format ?? formatOf(name)
  const bytes = await store.blobs.read(digest)
  const parse = await chooseParser(bytes, format, input, context.config)
  const task = input.task ?? null
  const read = (importedAt: Date) => parse(chunksOf(bytes), { digest, importedAt, task })

  const total = await checkRows(read(new Date()), {
    signal,
    onProgress: (done) => context.progress({ stage: 'check', done, unit: 'rows' }),
  })
  // The artifact keeps the time of the first import, so rows without a time have the same ids in a second one.
  const file = await store.artifacts.put({
    kind: 'file',
    schemaVersion: 1,
    value: { blob: digest, size: bytes.byteLength },
  })
  const figures = await storeRows(store, read(file.createdAt), storeHooks(context, total))
  const { rejected, ...counts } = figures
  if (rejected.length > 0) {
    context.log.warn(`${rejected.length} of ${counts.rows} rows of ${name} were not imported`)
  }
  return {
    file: file.digest,
    format,
    ...counts,
    rejectedRows: rejected.length,
    rejected: rejected.slice(0, LISTED_REJECTIONS),
  }
}

function storeHooks(context: OperationContext, total: number): ImportHooks {
  const startedAt = performance.now()
  return {
    signal: context.signal,
    onProgress(done) {
      const rowsPerSecond = Math.round((done / (performance.now() - startedAt)) * 1000)
      context.progress({ stage: 'store', done, total, unit: 'rows', metrics: { rowsPerSecond } })
    },
  }
}

async function chooseParser(
  bytes: Uint8Array,
  format: 'csv' | 'jsonl',
  input: ImportInput,
  config: Config,
): Promise<Parse> {
  const task = input.task === undefined ? undefined : requireTask(config, input.task)
  if (format === 'jsonl') {
    for (const option of ['text', 'label', 'time', 'system'] as const) {
      if (input[option] === undefined) continue
      throw new RegraftError(
        'invalid-input',
        `--${option} is for CSV files; JSON Lines name their own fields.`,
        {
          hint: 'Leave it out, or say --format csv.',
          details: { param: option },
        },
      )
    }
    return parseOpenAIJsonl
  }
  const header = await readCsvHeader(chunksOf(bytes))
  const taskLabel = task?.label !== undefined && header.includes(task.label) ? task.label : undefined
  const columns = {
    text: input.text ?? '',
    label: input.label ?? taskLabel,
    time: input.time,
    system: input.system ?? task?.system,
  }
  return (chunks, origin) => parseCsv(chunks, columns, origin)
}

function requireTask(config: Config, name: string): Config['tasks'][string] {
  const task = config.tasks[name]
  if (task) return task
  const names = Object.keys(config.tasks)
  const known = names.length === 0 ? 'there are none yet' : `there are: ${names.join(', ')}`
  throw new RegraftError('invalid-input', `There is no task "${name}"; ${known}.`, {
    hint: `Add it under tasks: in regraft.yaml.`,
    details: { param: 'task' },
  })
}

function formatOf(name: string): 'csv' | 'jsonl' {
  if (/\.csv$/i.test(name)) return 'csv'
  if (/\.(jsonl|ndjson)$/i.test(name)) return 'jsonl'
  throw new RegraftError('invalid-input', `The name ${name} does not say whether it is CSV or JSON Lines.`, {
    hint: 'Add --format csv or --format jsonl.',
    details: { param: 'format' },
  })
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES) {
    yield bytes.subarray(start, start + CHUNK_BYTES)
  }
}

function render(output: ImportOutput): string {
  const lines = [
    `Imported ${count(output.inferences, 'row')} with ${count(output.feedback, 'feedback event')}.`,
  ]
  if (output.duplicates > 0) lines.push(`${count(output.duplicates, 'row')} were there already.`)
  if (output.rejectedRows > 0) {
    lines.push(`NOT imported: ${count(output.rejectedRows, 'row')} of ${output.rows}:`)
    const shown = output.rejected.slice(0, RENDERED_REJECTIONS)
    for (const { line, reason } of shown) lines.push(`  line ${line} ${reason}`)
    const more = output.rejectedRows - shown.length
    if (more > 0) lines.push(`  and ${more} more: --json lists them`)
  }
  return lines.join('\n')
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
}
