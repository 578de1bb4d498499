// Runs in a worker thread: reading an adapter takes a moment, and a foreign chat template may never end.
import { parentPort, workerData } from 'node:worker_threads'
import { compareWithBase, EngineError, inspectAdapter, openBase } from '@regraft/engine'

const { folder, base: path } = workerData as { folder: string; base: string | null }
try {
  const inspection = inspectAdapter(folder)
  const base = path === null ? null : openBase(path)
  const comparison = base && compareWithBase(folder, inspection.weights?.modules ?? [], base)
  base?.close()
  parentPort!.postMessage({ facts: { inspection, comparison } })
} catch (error) {
  const { code, hint } = error instanceof EngineError ? error : { code: 'engine-failed', hint: undefined }
  const message = error instanceof Error ? error.message : String(error)
  parentPort!.postMessage({ failed: { code, message, hint } })
}
