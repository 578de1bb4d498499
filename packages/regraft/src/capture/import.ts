import { z } from 'zod'
import type { Config } from '../config/schema.ts'
import { RegraftError } from '../errors/index.ts'
import { runStep } from '../lineage/index.ts'
import { defineOperation, InputFile, type OperationContext } from '../operation/index.ts'
import type { StoredFile } from '../store/types.ts'
import { detectFormat, detectLayout, FORMATS, type FormatName, openRecords } from './import-formats.ts'
import { checkRows, type ImportFigures } from './import-rows.ts'
import { importStep, openRows, type Reading, recordFile, selectTraffic } from './import-step.ts'
import { readCsvHeader } from './parse-csv.ts'
import { isTable } from './parse-table.ts'

/** A result lists this many rejected rows; `rejectedRows` counts them all. */
const LISTED_REJECTIONS = 1000
const RENDERED_REJECTIONS = 10

const Format = z.enum(FORMATS)

const ImportInput = z.object({
  file: InputFile.describe('CSV, JSON Lines, JSON or Parquet'),
  text: z.string().optional().describe('column of a table with what the user wrote'),
  label: z.string().optional().describe("column with the right answer; else the task's label column"),
  time: z.string().optional().describe('column with the time of a row (ISO 8601 or Unix seconds)'),
  system: z.string().optional().describe("system prompt of every row of a table; else the task's"),
  format: Format.optional().describe('format of the file; else its name and its first row say it'),
  task: z.string().optional().describe('task of regraft.yaml that the rows belong to'),
  subject: z
    .string()
    .min(1)
    .optional()
    .describe('column or field with the end user of a row; only a keyed hash of it is stored'),
  derivedFrom: z
    .string()
    .min(1)
    .optional()
    .describe('column or field with the ids of the rows or suite items that a row was written from'),
  consent: z.string().min(1).optional().describe('what the people whose words these are agreed to'),
  licence: z.string().min(1).optional().describe('licence under which the file may be used'),
})
type ImportInput = z.output<typeof ImportInput>

const ImportOutput = z.object({
  file: z.string().describe('digest of the file artifact'),
  format: Format,
  rows: z.int().describe('rows of the file: added, duplicates and rejected'),
  inferences: z.int().describe('inferences added'),
  feedback: z.int().describe('feedback added'),
  duplicates: z.int().describe('rows that were there already'),
  subjects: z.int().describe("rows with an end user, stored under that user's key"),
  passed: z.record(z.string(), z.int()).describe('what was no call of a model, by what it was'),
  unit: z.enum(['line', 'item', 'row']).describe('what the numbers of rejected rows count'),
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
  summary: 'Import a file of traffic or training data as inferences and feedback',
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
  const stored = await store.blobs.open(digest)
  const reading = await resolveReading(stored, input, context.config)
  const opened = await openRows(stored, reading, { digest, importedAt: new Date() })
  const found = await checkRows(opened, {
    signal,
    onProgress: (done) => context.progress({ stage: 'check', done, unit: 'rows' }),
  })
  requireNamed(input, found)

  const file = await recordFile(store, digest, stored.size)
  const startedAt = performance.now()
  const report = (done: number) => {
    const rowsPerSecond = Math.round((done / (performance.now() - startedAt)) * 1000)
    context.progress({ stage: 'store', done, total: found.total, unit: 'rows', metrics: { rowsPerSecond } })
  }
  const step = await runStep({ project: store, signal, report: (done) => report(Number(done)) }, importStep, {
    inputs: [{ role: 'file', digest: file.digest }, ...(await selectTraffic(store))],
    parameters: {
      ...reading,
      fileName: name,
      consent: input.consent ?? null,
      licence: input.licence ?? null,
      subjects: found.subjects > 0,
    },
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
    subjects: figures.subjects,
    passed: figures.passed,
    unit: figures.unit,
    rejectedRows: rejected.length,
    rejected: rejected.slice(0, LISTED_REJECTIONS),
  }
}

/** A field that no row has is a slip, and words of end users would be stored as nobody's. */
function requireNamed(input: ImportInput, found: { subjects: number; derived: number }): void {
  for (const [name, option, rows] of [
    [input.subject, 'subject', found.subjects],
    [input.derivedFrom, 'derived-from', found.derived],
  ] as const) {
    if (name === undefined || rows > 0) continue
    throw new RegraftError('invalid-input', `No row has a value under "${name}".`, {
      hint: `Name the field or column with --${option} as the file spells it; a path has dots: metadata.user.`,
      details: { param: option },
    })
  }
}

/** Completes the options from the task and the file. */
async function resolveReading(file: StoredFile, input: ImportInput, config: Config): Promise<Reading> {
  const task = input.task === undefined ? undefined : requireTask(config, input.task)
  const { text = null, time = null, subject, derivedFrom } = input
  const { format, layout } =
    input.format === undefined
      ? await detectFormat(file, input.file.name)
      : { format: input.format, layout: await layoutOf(file, input.file.name, input.format) }
  const common = {
    ...{ format, task: input.task ?? null },
    ...(layout === null ? {} : { layout }),
    ...(subject === undefined ? {} : { subject }),
    ...(derivedFrom === undefined ? {} : { derivedFrom }),
  }
  const header = await columnsOf(file, format)
  if (header === null || (format === 'parquet' && !isTable(header, text))) {
    for (const option of ['text', 'label', 'time', 'system'] as const) {
      if (input[option] === undefined) continue
      throw new RegraftError(
        'invalid-input',
        `--${option} is for tables (CSV, Parquet); ${format === 'parquet' ? 'these columns' : 'JSON Lines'} name their own fields.`,
        {
          hint: 'Leave it out, or say --format csv.',
          details: { param: option },
        },
      )
    }
    return { ...common, text, label: null, time, system: null }
  }
  const taskLabel = task?.label !== undefined && header.includes(task.label) ? task.label : null
  const label = input.label ?? taskLabel
  const system = input.system ?? (task?.system || null)
  return { ...common, text, label, time, system }
}

async function layoutOf(file: StoredFile, name: string, format: FormatName) {
  if (format === 'csv') return null
  return format === 'parquet' ? 'parquet' : await detectLayout(file, name)
}

/** The columns of a table; null for JSON. */
async function columnsOf(file: StoredFile, format: FormatName): Promise<string[] | null> {
  if (format === 'csv') return await readCsvHeader(file.chunks())
  if (format !== 'parquet') return null
  return (await openRecords(file, 'parquet')).table!.columns
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

function render(output: ImportOutput): string {
  const lines = [
    `Imported ${count(output.inferences, 'row')} with ${count(output.feedback, 'feedback event')}.`,
  ]
  if (output.duplicates > 0) lines.push(`${count(output.duplicates, 'row')} were there already.`)
  if (output.subjects > 0) {
    lines.push(
      `${count(output.subjects, 'row')} of end users: stored under their keys, their ids as keyed hashes.`,
    )
  }
  for (const [what, number] of Object.entries(output.passed)) lines.push(`Passed over: ${number} ${what}.`)
  if (output.rejectedRows > 0) {
    lines.push(`NOT imported: ${count(output.rejectedRows, 'row')} of ${output.rows}:`)
    const shown = output.rejected.slice(0, RENDERED_REJECTIONS)
    for (const { line, reason } of shown) lines.push(`  ${output.unit} ${line} ${reason}`)
    const more = output.rejectedRows - shown.length
    if (more > 0) lines.push(`  and ${more} more: --json lists them`)
  }
  return lines.join('\n')
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
}
