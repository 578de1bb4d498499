import { z } from 'zod'
import type { Config } from '../config/schema.ts'
import { RegraftError } from '../errors/index.ts'
import { runStep } from '../lineage/index.ts'
import { defineOperation, InputFile, type OperationContext } from '../operation/index.ts'
import { checkRows, type ImportFigures } from './import-rows.ts'
import { chunksOf, importStep, parseFile, type Reading, recordFile, selectTraffic } from './import-step.ts'
import { readCsvHeader } from './parse-csv.ts'

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
  const bytes = await store.blobs.read(digest)
  const reading = await resolveReading(bytes, input, context.config)
  const total = await checkRows(parseFile(bytes, reading, { digest, importedAt: new Date() }), {
    signal,
    onProgress: (done) => context.progress({ stage: 'check', done, unit: 'rows' }),
  })

  const file = await recordFile(store, digest, bytes.byteLength)
  const startedAt = performance.now()
  const report = (done: number) => {
    const rowsPerSecond = Math.round((done / (performance.now() - startedAt)) * 1000)
    context.progress({ stage: 'store', done, total, unit: 'rows', metrics: { rowsPerSecond } })
  }
  const step = await runStep({ project: store, signal, report: (done) => report(Number(done)) }, importStep, {
    inputs: [{ role: 'file', digest: file.digest }, ...(await selectTraffic(store))],
    parameters: { ...reading, fileName: name },
  })
  const { rejected, ...figures } = await store.artifacts.read<ImportFigures>(step.digest('report'))
  if (rejected.length > 0) {
    context.log.warn(`${rejected.length} of ${figures.rows} rows of ${name} were not imported`)
  }
  return {
    file: file.digest,
    format: reading.format,
    rows: figures.rows,
    inferences: figures.inferences,
    feedback: figures.feedback,
    duplicates: figures.duplicates,
    rejectedRows: rejected.length,
    rejected: rejected.slice(0, LISTED_REJECTIONS),
  }
}

/** Completes the options from the task and the file. */
async function resolveReading(bytes: Uint8Array, input: ImportInput, config: Config): Promise<Reading> {
  const task = input.task === undefined ? undefined : requireTask(config, input.task)
  const format = input.format ?? formatOf(input.file.name)
  const { text = null, time = null } = input
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
    return { format, text, label: null, time, system: null, task: input.task ?? null }
  }
  const header = await readCsvHeader(chunksOf(bytes))
  const taskLabel = task?.label !== undefined && header.includes(task.label) ? task.label : null
  const label = input.label ?? taskLabel
  const system = input.system ?? (task?.system || null)
  return { format, text, label, time, system, task: input.task ?? null }
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
