import { availableParallelism } from 'node:os'
import { EmbeddingProcess, EngineError, identifyEncoder } from '@regraft/engine'
import { RegraftError } from '../../errors/index.ts'
import { canonicalBytes, digestOf } from '../../store/index.ts'
import type { EmbedderKind } from './types.ts'

/** A sentence encoder in ONNX, run by the engine in a child process. */
export const folder: EmbedderKind = {
  kind: 'folder',
  fits: ({ path }) => path !== undefined,
  async source(name, { path, pooling }) {
    const encoder = { path: path!, ...(pooling ? { pooling } : {}) }
    const identified = await explained(name, () => identifyEncoder(encoder.path, pooling))
    return {
      name,
      kind: 'folder',
      digest: digestOf('embedder', 1, canonicalBytes({ kind: 'onnx', encoder: identified })),
      external: false,
      reportFrom: 0.9,
      async open({ signal }) {
        signal.throwIfAborted()
        const child = await explained(name, () =>
          EmbeddingProcess.start({ ...encoder, threads: availableParallelism() }),
        )
        const stop = () => void child.close()
        signal.addEventListener('abort', stop, { once: true })
        if (child.info.digest !== identified) {
          await child.close()
          throw new RegraftError(
            'digest-mismatch',
            `the files of embedder ${name} changed while it was opened`,
            {
              hint: 'run the command again',
            },
          )
        }
        return {
          async embed(texts) {
            const { dimension, vectors, truncated } = await explained(name, () => child.embed(texts))
            return { vectors: { kind: 'dense', dimension, values: vectors }, truncated }
          },
          async close() {
            signal.removeEventListener('abort', stop)
            await child.close()
          },
        }
      },
    }
  },
}

/** Says which embedder it was. */
async function explained<Result>(name: string, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new RegraftError(error.code, `embedder ${name}: ${error.message}`, {
      hint: error.hint ?? `check embedders.${name} in regraft.yaml`,
      cause: error,
    })
  }
}
