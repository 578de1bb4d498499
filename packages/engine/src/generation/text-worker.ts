// Renders chat templates and encodes text in a thread of its own: a template may loop forever and a tokenizer's
// expression may backtrack for hours, so whoever started this thread ends it when a task takes too long. The inference
// runtime is never loaded here: ending a thread in the middle of its work aborts the process.
import { parentPort, workerData } from 'node:worker_threads'
import { EngineError } from '../errors.ts'
import { openBase } from '../formats/base.ts'
import { exampleSequence, promptTokens } from '../training/examples.ts'
import type { TextReply, TextTask, TextWorkerData } from './text-messages.ts'

const { basePath, progress } = workerData as TextWorkerData
const state = new Float64Array(progress)
const base = openBase(basePath)

parentPort!.on('message', ({ id, task }: { id: number; task: TextTask }) => {
  state[1] = Date.now()
  state[0] = id
  parentPort!.postMessage(reply(id, task))
  state[0] = 0
})

function reply(id: number, task: TextTask): TextReply {
  try {
    if (task.kind === 'example') return { id, sequence: exampleSequence(base, task) }
    const ids = promptTokens(base, task.messages)
    return { id, sequence: { ids, supervisedFrom: ids.length } }
  } catch (error) {
    const { code, hint } =
      error instanceof EngineError ? error : { code: 'incompatible' as const, hint: undefined }
    const message = error instanceof Error ? error.message : String(error)
    return { id, code, message, ...(hint ? { hint } : {}) }
  }
}
