// Parquet is decoded in a thread: a damaged page can make the decoder loop for ever, a large one stalls whoever decodes
// it, and neither may happen to the server.
import { Worker } from 'node:worker_threads'
import { RegraftError } from '../errors/index.ts'
import type { StoredFile } from '../store/types.ts'
import type { FileRecord } from './json-records.ts'
import type { ParquetAnswer, ParquetMessage, ParquetTask } from './parquet-messages.ts'

const MAGIC = 'PAR1'
/** Of the thread: a row group is decoded as a whole. */
const MEMORY_MB = 2048
/** Longest silence of the thread; a row group of a gigabyte takes a tenth of it. */
const PATIENCE_MS = 120_000

export interface ParquetTable {
  columns: string[]
  /** Rows in their order, with the row groups as units of memory. Dates become ISO 8601; nulls are left out. */
  records(): AsyncGenerator<FileRecord>
}

/** Says whether a file begins as Parquet does. */
export function isParquet(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, MAGIC.length)).toString('latin1') === MAGIC
}

/** Opens a Parquet file. Throws 'invalid-file' for a damaged one and for compressions that cannot be read (LZ4, LZO). */
export async function openParquet(
  file: StoredFile,
  { patienceMs = PATIENCE_MS }: { patienceMs?: number } = {},
): Promise<ParquetTable> {
  let columns: string[] = []
  for await (const message of decode(file, 'columns', patienceMs)) {
    if ('columns' in message) columns = message.columns
  }
  return {
    columns,
    async *records() {
      for await (const message of decode(file, 'records', patienceMs)) {
        if ('records' in message) yield* message.records
      }
    },
  }
}

async function* decode(
  file: StoredFile,
  task: ParquetTask['task'],
  patienceMs: number,
): AsyncGenerator<ParquetMessage> {
  const worker = new Worker(new URL('./parquet-worker.ts', import.meta.url), {
    workerData: { size: file.size, task } satisfies ParquetTask,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  })
  const tell = (answer: ParquetAnswer) => worker.postMessage(answer)
  const inbox = openInbox(worker)
  try {
    for (;;) {
      const message = await inbox.next(patienceMs)
      if ('ask' in message) {
        const { id, start, end } = message.ask
        tell({ id, bytes: await file.slice(start, end) })
      } else if ('error' in message) throw unreadable(message.error.message, message.error.hint)
      else if ('done' in message) return
      else {
        yield message
        tell({ more: true })
      }
    }
  } finally {
    await worker.terminate()
  }
}

/** The messages of a thread in their order; its end and its silence are errors. */
function openInbox(worker: Worker): { next(patienceMs: number): Promise<ParquetMessage> } {
  const messages: (ParquetMessage | Error)[] = []
  let wake = () => {}
  const push = (message: ParquetMessage | Error) => {
    messages.push(message)
    wake()
  }
  worker.on('message', push)
  worker.on('error', (error: Error & { code?: string }) => {
    const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
    const hint = 'Write the file with smaller row groups, for example of 10,000 rows.'
    push(memory ? unreadable(`a row group needs more than ${MEMORY_MB} MB`, hint) : unreadable(error.message))
  })
  worker.on('exit', () => push(unreadable('the decoder has ended')))
  return {
    async next(patienceMs) {
      if (messages.length === 0) {
        let timer: NodeJS.Timeout | undefined
        await new Promise<void>((resolve) => {
          wake = resolve
          timer = setTimeout(() => push(unreadable('decoding it does not come to an end')), patienceMs)
        })
        clearTimeout(timer)
      }
      const message = messages.shift()!
      if (message instanceof Error) throw message
      return message
    },
  }
}

function unreadable(what: string, hint?: string): RegraftError {
  return new RegraftError('invalid-file', `The Parquet file cannot be read: ${what.replace(/\.$/, '')}.`, {
    hint: hint ?? 'Write the file again; `parquet-tools inspect` or pyarrow say what is wrong with it.',
  })
}
