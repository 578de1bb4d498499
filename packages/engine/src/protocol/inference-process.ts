// Answers requests from standard input, any number at once; ends when its input does. The runtime blocks the event loop
// while it computes, so this never runs in the process that serves HTTP.
import { EngineError } from '../errors.ts'
import { type Base, mergeAdapter, openBase, readAdapter, writeMerged } from '../formats/index.ts'
import { Answerer, type StreamedToken } from '../generation/answers.ts'
import { checkDigests } from './check-digests.ts'
import type { InferenceInfo, InferenceReply, InferenceRequest } from './inference-messages.ts'
import { readJsonLines, writeJsonLine } from './lines.ts'
import { machineLock } from './machine-lock.ts'

let answerer: Answerer | null = null
let openedBase: Base | null = null
const cancellations = new Map<number, AbortController>()

async function handle(
  request: Exclude<InferenceRequest, { method: 'cancel' }>,
  signal: AbortSignal,
): Promise<unknown> {
  if (signal.aborted) throw new EngineError('cancelled', 'The request was cancelled')
  if (request.method === 'open') return open(request)
  if (!answerer) throw new EngineError('invalid-input', 'No base is open')
  const onProgress = (done: number, total: number) =>
    reply({ id: request.id, event: 'progress', done, total })
  const onText = (row: number, text: string, tokens?: StreamedToken[]) =>
    reply({ id: request.id, event: 'text', row, text, ...(tokens ? { tokens } : {}) })
  switch (request.method) {
    case 'loadAdapter':
      return answerer.loadAdapter(request.name, request.path)
    case 'unloadAdapter':
      return answerer.unloadAdapter(request.name)
    case 'generate':
      return answerer.generate(request, { signal, ...(request.stream ? { onText } : { onProgress }) })
    case 'score':
      return answerer.score(request, { signal, onProgress })
    case 'nextTokens': {
      const distributions = await answerer.nextTokens(request, { signal, onProgress })
      return distributions.map((each) => Buffer.from(each.buffer).toString('base64'))
    }
    case 'writeMerged':
      return writeMerged(request.folder, openedBase!, readAdapter(request.adapterPath))
    case 'stats':
      return answerer.stats()
    default:
      throw new EngineError('invalid-input', `There is no method ${(request as { method: unknown }).method}`)
  }
}

function open(request: Extract<InferenceRequest, { method: 'open' }>): InferenceInfo {
  const { path, digests, threads, weightPrecision, merged, ...options } = request
  const opened = openBase(path)
  if (digests) checkDigests(opened, digests)
  openedBase = opened
  const base = merged === undefined ? opened : mergeAdapter(opened, readAdapter(merged))
  const precision = weightPrecision ? { precision: weightPrecision } : {}
  answerer = new Answerer({ base, threads, ...precision, ...options })
  return {
    config: base.config,
    precision: base.precision,
    weightPrecision: answerer.precision,
    digests: base.digests,
    lock: machineLock(threads),
  }
}

function reply(message: InferenceReply): void {
  writeJsonLine(process.stdout, message)
}

async function onRequest(request: InferenceRequest): Promise<void> {
  if (request.method === 'cancel') {
    cancellations.get(request.target)?.abort()
    return
  }
  const cancellation = new AbortController()
  cancellations.set(request.id, cancellation)
  try {
    reply({ id: request.id, event: 'result', result: (await handle(request, cancellation.signal)) ?? null })
  } catch (error) {
    const known = error instanceof EngineError ? error : null
    if (!known) console.error(error)
    const message = error instanceof Error ? error.message : String(error)
    const hint = known?.hint ? { hint: known.hint } : {}
    reply({ id: request.id, event: 'error', code: known?.code ?? 'engine-failed', message, ...hint })
  } finally {
    cancellations.delete(request.id)
  }
}

readJsonLines(process.stdin, {
  onMessage: (message) => void onRequest(message as InferenceRequest),
  onMalformed: (line) => console.error(`not a request: ${line}`),
  onEnd: () => process.exit(0),
})
