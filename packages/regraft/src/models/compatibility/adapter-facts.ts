import { Worker } from 'node:worker_threads'
import type { AdapterInspection, BaseComparison } from '@regraft/engine'
import { type ErrorCode, RegraftError } from '../../errors/index.ts'

/** What a PEFT folder holds, and how it stands to a base. */
export interface AdapterFacts {
  inspection: AdapterInspection
  /** Null where no base was given. */
  comparison: BaseComparison | null
}

/** For reading an adapter and rendering its chat template, which is somebody else's program. */
const TIME_LIMIT_MS = 120_000

/**
 * Inspects a PEFT folder in a worker thread, and holds it against the base at a path. Throws 'not-found' and
 * 'invalid-file' for a folder without a readable adapter_config.json; what the engine refuses beyond that is in the facts.
 */
export function readAdapterFacts(folder: string, base: string | null): Promise<AdapterFacts> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./inspect-adapter-worker.ts', import.meta.url), {
      workerData: { folder, base },
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
      (message: { facts?: AdapterFacts; failed?: { code: ErrorCode; message: string; hint?: string } }) => {
        if (message.facts) return resolve(message.facts)
        const { code, message: text, hint } = message.failed!
        reject(new RegraftError(code, text, { hint }))
      },
    )
  })
}
