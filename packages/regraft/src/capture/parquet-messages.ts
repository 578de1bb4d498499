import type { FileRecord } from './json-records.ts'

/** What the thread that reads a Parquet file is started with. */
export interface ParquetTask {
  /** Of the file, in bytes. */
  size: number
  task: 'columns' | 'records'
}

/** What the thread says; it waits for `more` after each batch of records. */
export type ParquetMessage =
  | { ask: { id: number; start: number; end: number } }
  | { columns: string[] }
  | { records: FileRecord[] }
  | { done: true }
  | { error: { message: string; hint?: string | undefined } }

/** What the thread is told. */
export type ParquetAnswer = { id: number; bytes: Uint8Array } | { more: true }
