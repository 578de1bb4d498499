// Embeds texts that come in by standard input, one request after another; ends when its input does. The runtime blocks
// the event loop while it computes, so this never runs in the process that serves HTTP.
import { digestEncoder, openEncoderFolder } from '../embedding/encoder-folder.ts'
import { SentenceEncoder } from '../embedding/sentence-encoder.ts'
import { EngineError } from '../errors.ts'
import type {
  EmbeddingReply,
  EmbeddingRequest,
  EncodedEmbeddings,
  EncoderInfo,
} from './embedding-messages.ts'
import { readJsonLines, writeJsonLine } from './lines.ts'

let encoder: SentenceEncoder | null = null

async function handle(request: EmbeddingRequest): Promise<EncoderInfo | EncodedEmbeddings> {
  if (request.method === 'open') {
    const folder = openEncoderFolder(request.path, request.pooling)
    const digest = await digestEncoder(folder)
    encoder = await SentenceEncoder.open(folder, request.threads)
    return { digest, pooling: folder.pooling, maximumTokens: folder.maximumTokens }
  }
  if (!encoder) throw new EngineError('invalid-input', 'No encoder is open')
  const { dimension, vectors, truncated } = await encoder.embed(request.texts)
  return { dimension, vectors: Buffer.from(vectors.buffer).toString('base64'), truncated }
}

async function answer(request: EmbeddingRequest): Promise<void> {
  const reply = (message: EmbeddingReply) => writeJsonLine(process.stdout, message)
  try {
    reply({ id: request.id, event: 'result', result: await handle(request) })
  } catch (error) {
    const known = error instanceof EngineError ? error : null
    if (!known) console.error(error)
    const message = error instanceof Error ? error.message : String(error)
    const hint = known?.hint ? { hint: known.hint } : {}
    reply({ id: request.id, event: 'error', code: known?.code ?? 'engine-failed', message, ...hint })
  }
}

let turn: Promise<void> = Promise.resolve()
readJsonLines(process.stdin, {
  onMessage: (message) => {
    turn = turn.then(() => answer(message as EmbeddingRequest))
  },
  onMalformed: (line) => console.error(`not a request: ${line}`),
  onEnd: () => process.exit(0),
})
