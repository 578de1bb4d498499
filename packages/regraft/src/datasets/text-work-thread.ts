import { workerData } from 'piscina'
import { type TextResult, type TextRow, type TextWork, textWorker } from './text-work.ts'

let run: ((rows: readonly TextRow[]) => TextResult) | null = null

/** What a thread of the pool does. It prepares itself with the first batch, so that a failure is that batch's. */
export default function work(rows: readonly TextRow[]): TextResult {
  run ??= textWorker(workerData as TextWork)
  return run(rows)
}
