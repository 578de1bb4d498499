import { Worker } from 'node:worker_threads'
import type { AdapterInspection, BaseComparison } from '@regraft/engine'
import { type ErrorCode, RegraftError } from '../../errors/index.ts'

/** What a PEFT folder holds, and how it stands to a base. */
export interface AdapterFacts {
  inspection: AdapterInspection
  /** Null where there is no base to compare with. */
  comparison: BaseComparison | null
}

interface Failure {
  code: ErrorCode
  message: string
  hint?: string
}

/** How an adapter stands to a base, or why that base cannot be opened. */
export type Compared = { comparison: BaseComparison } | { failed: Failure }

/** For reading an adapter and rendering its chat template, which is somebody else's program. */
const TIME_LIMIT_MS = 120_000

/**
 * Inspects a PEFT folder in a worker thread, and holds it against the bases at some paths. Throws 'not-found' and
 * 'invalid-file' for a folder without a readable adapter_config.json; what the engine refuses beyond that is in the
 * inspection.
 */
export function compareAdapter(
  folder: string,
  bases: readonly string[],
): Promise<{ inspection: AdapterInspection; compared: Compared[] }> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./inspect-adapter-worker.ts', import.meta.url), {
      workerData: { folder, bases },
    })
    const timer = setTimeout(() => {
      void worker.terminate()
      reject(
        new RegraftError('incompatible', `${folder} was not read within ${TIME_LIMIT_MS / 1000} seconds`),
      )
    }, TIME_LIMIT_MS)
    worker.once('error', reject)
    worker.once('exit', () => clearTimeout(timer))
    worker.once(
      'message',
      (message: { facts?: { inspection: AdapterInspection; compared: Compared[] }; failed?: Failure }) => {
        if (message.facts) resolve(message.facts)
        else reject(errorOf(message.failed!))
      },
    )
  })
}

/** As `compareAdapter`, with one base, which must open. */
export async function readAdapterFacts(folder: string, base: string): Promise<AdapterFacts> {
  const { inspection, compared } = await compareAdapter(folder, [base])
  const [only] = compared
  if (!only || 'failed' in only) throw errorOf(only!.failed)
  return { inspection, comparison: only.comparison }
}

function errorOf({ code, message, hint }: Failure): RegraftError {
  return new RegraftError(code, message, { hint })
}
