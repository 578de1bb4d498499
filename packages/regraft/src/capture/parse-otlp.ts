import { RegraftError } from '../errors/index.ts'
import { readGenAiSpan } from './genai-span.ts'
import type { FileRecord } from './json-records.ts'
import { readSpans, type Span } from './otlp-spans.ts'
import {
  type FileOrigin,
  importedRow,
  malformed,
  type ParsedRow,
  type PassedRow,
  type RowUnit,
} from './parsed-row.ts'

/**
 * Turns trace requests of OTLP in their JSON form, one per record as the collector's file exporter writes them, into
 * inferences. Spans that are no calls of a model are passed over and counted. Throws 'invalid-file' at a record that is
 * no such request.
 */
export async function* parseOtlp(
  records: AsyncIterable<FileRecord>,
  unit: RowUnit,
  origin: FileOrigin,
): AsyncGenerator<ParsedRow | PassedRow> {
  const seen = new Map<string, number>()
  for await (const record of records) {
    const { number: line } = record
    if ('reason' in record) {
      yield { line, reason: record.reason }
      continue
    }
    for (const span of spansOf(record.value, unit, line)) {
      const read = readGenAiSpan(span, origin)
      if ('passed' in read) yield { line, passed: read.passed }
      else if ('reason' in read) yield { line, reason: `has a span that ${read.reason}` }
      else {
        const row = importedRow(read.call, line, origin)
        const id = 'inference' in row ? row.inference.id : null
        const earlier = id === null ? undefined : seen.get(id)
        if (earlier !== undefined) yield { line, reason: `has a call that ${unit} ${earlier} has too` }
        else yield row
        if (id !== null) seen.set(id, line)
      }
    }
  }
}

function spansOf(value: unknown, unit: RowUnit, line: number): Span[] {
  try {
    return readSpans(value)
  } catch (error) {
    if (!(error instanceof RegraftError)) throw error
    throw malformed(unit, line, `, ${error.message}.`, { hint: error.hint ?? '', cause: error })
  }
}
