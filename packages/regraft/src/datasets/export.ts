import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { runStep, shortDigest } from '../lineage/index.ts'
import { defineOperation, OutputFile } from '../operation/index.ts'
import { EXAMPLE_KINDS } from '../signals/index.ts'
import { EXPORT_NAMES, requireFormat } from './export-formats.ts'
import { type ExportRecord, exportSnapshot } from './export-step.ts'
import { kindOf } from './manifest.ts'
import { requireSnapshot } from './require-snapshot.ts'

/** A snapshot becomes a file that other tools train on, and that an import reads without loss. */
export const exportOperation = defineOperation({
  name: 'datasets export',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary: 'Write a snapshot as a file for other tools, which an import reads back without loss',
  input: z.object({
    snapshot: z
      .string()
      .min(1)
      .describe('digest of a snapshot, its beginning, or an alias such as snapshot/latest'),
    format: z
      .enum(EXPORT_NAMES)
      .describe('openai (messages), trl (pairs), kto (answers with labels), parquet (any of them)'),
    split: z.enum(['train', 'validation', 'all']).default('all').describe('which rows'),
  }),
  output: z.object({
    snapshot: z.string().describe('digest of the snapshot'),
    kind: z.enum(EXAMPLE_KINDS),
    format: z.enum(EXPORT_NAMES),
    rows: z.int().describe('rows in the file'),
    missing: z.int().describe('rows of the snapshot that are not in it, since their end user was erased'),
    canaries: z.int().describe('planted rows in the file'),
    subjects: z.int().describe('end users whose words it holds'),
    record: z.string().describe('digest of the record of this export'),
    out: OutputFile.describe('the file'),
  }),
  positionals: ['snapshot'],
  example: 'regraft datasets export snapshot/latest --format openai --split train --out train.jsonl',
  render({ snapshot, format, rows, missing, canaries, subjects }) {
    const lines = [`${rows} rows of snapshot ${shortDigest(snapshot)} as ${format}`]
    if (missing > 0) lines.push(`  ${missing} rows are missing: their end user was erased`)
    if (canaries > 0) lines.push(`  ${canaries} of them are canaries`)
    if (subjects > 0) {
      lines.push(
        `  it holds words of ${subjects} end users: an erasure cannot reach it, and names this export`,
      )
    }
    return lines.join('\n')
  },
  async run({ store, principal, progress, signal }, { snapshot: wanted, format, split }) {
    const { digest: snapshot, manifest } = await requireSnapshot(store, wanted)
    const kind = kindOf(manifest)
    const { extension } = requireFormat(format, kind)
    const total = manifest.rows.filter((row) => split === 'all' || row.split === split).length
    const report = (done: unknown) => progress({ stage: 'write', done: Number(done), total, unit: 'rows' })
    const run = await runStep({ project: store, signal, report }, exportSnapshot, {
      inputs: [{ role: 'snapshot', digest: snapshot }],
      parameters: { format, split, principal: principal.id },
    })
    const record = run.digest('export')
    const { file, rows, missing, canaries, subjects } = await store.artifacts.read<ExportRecord>(record)
    if (rows === 0) {
      throw new RegraftError('not-found', `the snapshot has no rows of the split '${split}' left to export`, {
        hint: 'export another split, or build another snapshot: regraft datasets build',
      })
    }
    const name = `${shortDigest(snapshot)}-${split}.${extension}`
    return {
      snapshot,
      kind,
      format,
      rows,
      missing,
      canaries,
      subjects: subjects.length,
      record,
      out: { ...file, name },
    }
  },
})
