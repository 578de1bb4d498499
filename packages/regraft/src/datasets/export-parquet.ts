import { zstdCompressSync } from 'node:zlib'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { ExampleKind } from '../signals/index.ts'
import { type ExportRow, fieldsOf, NOTE } from './export-formats.ts'

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number]

/** Rows of a row group: what a reader has in memory at once. */
const GROUP = 10_000

const COLUMNS: Record<ExampleKind, { lists: string[]; flags: string[] }> = {
  demonstrations: { lists: ['messages'], flags: [] },
  preferences: { lists: ['prompt', 'chosen', 'rejected'], flags: [] },
  desirability: { lists: ['prompt', 'completion'], flags: ['label'] },
}

/**
 * Writes rows as Parquet with zstd: lists of messages as lists of structs, which `datasets` of Hugging Face reads as TRL
 * wants them, and the note as JSON in a text column. The compressed file is in memory until it is whole.
 */
export async function* encodeParquet(
  rows: AsyncIterable<ExportRow>,
  kind: ExampleKind,
): AsyncGenerator<Uint8Array> {
  const { lists, flags } = COLUMNS[kind]
  const writer = new ByteWriter()
  const parquet = new ParquetWriter({
    writer,
    schema: [
      { name: 'schema', num_children: lists.length + flags.length + 1 },
      ...lists.flatMap(messageList),
      ...flags.map((name): SchemaElement => ({ name, type: 'BOOLEAN', repetition_type: 'REQUIRED' })),
      text(NOTE, 'REQUIRED'),
    ],
    codec: 'ZSTD',
    compressors: { ZSTD: (input) => zstdCompressSync(input) },
    createdBy: 'regraft',
  })
  let group: ExportRow[] = []
  const write = () => {
    const fields = group.map(({ payload }) => fieldsOf(payload))
    const columnData = [...lists, ...flags].map((name) => ({ name, data: fields.map((row) => row[name]) }))
    const notes = group.map(({ note }) => JSON.stringify(note))
    parquet.write({ columnData: [...columnData, { name: NOTE, data: notes }], rowGroupSize: GROUP })
    group = []
  }
  for await (const row of rows) if (group.push(row) === GROUP) write()
  if (group.length > 0) write()
  parquet.finish()
  yield writer.getBytes()
}

function messageList(name: string): SchemaElement[] {
  return [
    {
      name,
      converted_type: 'LIST',
      logical_type: { type: 'LIST' },
      repetition_type: 'REQUIRED',
      num_children: 1,
    },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'REQUIRED', num_children: 2 },
    text('role', 'REQUIRED'),
    text('content', 'REQUIRED'),
  ]
}

function text(name: string, repetition: 'REQUIRED' | 'OPTIONAL'): SchemaElement {
  return {
    name,
    type: 'BYTE_ARRAY',
    converted_type: 'UTF8',
    logical_type: { type: 'STRING' },
    repetition_type: repetition,
  }
}
