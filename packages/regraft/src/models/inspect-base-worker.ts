// Runs in a worker thread: hashing gigabytes of weights would block the event loop. No inference runtime is loaded
// here (ending a thread in the middle of its work aborts the process).
import { parentPort, workerData } from 'node:worker_threads'
import { EngineError, openBase } from '@regraft/engine'

try {
  const base = openBase(workerData as string)
  const { config, format, precision, digests } = base
  parentPort!.postMessage({ inspected: { config, format, precision, digests: { ...digests } } })
  base.close()
} catch (error) {
  const { code, hint } = error instanceof EngineError ? error : { code: 'engine-failed', hint: undefined }
  parentPort!.postMessage({
    failed: { code, message: error instanceof Error ? error.message : String(error), hint },
  })
}
