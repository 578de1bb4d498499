import { availableParallelism } from 'node:os'
import { Piscina } from 'piscina'
import { type TextResult, type TextRow, type TextWork, textWorker } from './text-work.ts'

/** What goes to a thread together: small enough to share the work out, large enough that sending it costs little. */
const BATCH_ROWS = 1000
const BATCH_CHARACTERS = 2_000_000
/** Up to so many batches starting threads takes longer than the work. */
const INLINE_BATCHES = 4
const MOST_THREADS = 8

/** A batch of rows with what came of it; `first` is the number of its first row. */
export interface WorkedBatch<Row> extends TextResult {
  first: number
  rows: Row[]
}

/**
 * Works on the texts of rows in batches and yields them in the order of the rows, whatever the number of threads, so the
 * result is the same on every machine. A few thousand rows are worked on in this thread; more of them in a pool, with no
 * more batches under way than the threads need, so memory does not grow with the number of rows.
 */
export async function* workOnTexts<Row extends TextRow>(
  rows: Iterable<Row> | AsyncIterable<Row>,
  work: TextWork,
  {
    signal,
    threads = Math.min(MOST_THREADS, availableParallelism()),
  }: { signal?: AbortSignal; threads?: number } = {},
): AsyncGenerator<WorkedBatch<Row>> {
  const waiting: { first: number; rows: Row[]; result: Promise<TextResult> }[] = []
  const early: Row[][] = []
  let pool: Piscina<TextRow[], TextResult> | null = null
  let first = 0
  const send = (batch: Row[]) => {
    const texts = batch.map(({ prompt, answer }) => ({ prompt, answer }))
    const result = pool!.run(texts)
    // Whoever takes it hears of the failure; a batch that nobody takes any more must not end the process.
    result.catch(() => {})
    waiting.push({ first, rows: batch, result })
    first += batch.length
  }
  const take = async (): Promise<WorkedBatch<Row>> => {
    signal?.throwIfAborted()
    const { result, ...batch } = waiting.shift()!
    return { ...batch, ...(await result) }
  }
  try {
    for await (const batch of inBatches(rows)) {
      signal?.throwIfAborted()
      if (!pool) {
        early.push(batch)
        if (early.length <= INLINE_BATCHES) continue
        pool = openPool(work, threads)
        for (const earlier of early) send(earlier)
      } else send(batch)
      while (waiting.length > 2 * threads) yield await take()
    }
    while (waiting.length > 0) yield await take()
    if (pool) return
    const run = textWorker(work)
    for (const batch of early) {
      signal?.throwIfAborted()
      yield { first, rows: batch, ...run(batch) }
      first += batch.length
    }
  } finally {
    await pool?.destroy()
  }
}

function openPool(work: TextWork, threads: number): Piscina<TextRow[], TextResult> {
  return new Piscina<TextRow[], TextResult>({
    filename: new URL('./text-work-thread.ts', import.meta.url).href,
    workerData: work,
    minThreads: threads,
    maxThreads: threads,
    // Batches hold whole texts; a thread needs little beside them.
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  })
}

async function* inBatches<Row extends TextRow>(
  rows: Iterable<Row> | AsyncIterable<Row>,
): AsyncGenerator<Row[]> {
  let batch: Row[] = []
  let characters = 0
  for await (const row of rows) {
    batch.push(row)
    characters += row.prompt.length + (row.answer?.length ?? 0)
    if (batch.length < BATCH_ROWS && characters < BATCH_CHARACTERS) continue
    yield batch
    batch = []
    characters = 0
  }
  if (batch.length > 0) yield batch
}
