// Runs in a worker thread: reading an adapter takes a moment, and a foreign chat template may never end.
import { parentPort, workerData } from 'node:worker_threads'
import { compareWithBase, EngineError, inspectAdapter, openBase } from '@regraft/engine'

const { folder, bases } = workerData as { folder: string; bases: string[] }
const failureOf = (error: unknown) => {
  const { code, hint } = error instanceof EngineError ? error : { code: 'engine-failed', hint: undefined }
  return { code, message: error instanceof Error ? error.message : String(error), hint }
}
try {
  const inspection = inspectAdapter(folder)
  const compared = bases.map((path) => {
    try {
      const base = openBase(path)
      const comparison = compareWithBase(folder, inspection.weights?.modules ?? [], base)
      base.close()
      return { comparison }
    } catch (error) {
      return { failed: failureOf(error) }
    }
  })
  parentPort!.postMessage({ facts: { inspection, compared } })
} catch (error) {
  parentPort!.postMessage({ failed: failureOf(error) })
}
