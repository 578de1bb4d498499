import { RegraftError } from '../../errors/index.ts'
import { canonicalBytes, digestOf } from '../../store/index.ts'
import { postJson } from '../post-json.ts'
import type { EmbedderContext, EmbedderKind, EmbedderSettings } from './types.ts'

/** Longer texts are cut: endpoints refuse what their model does not read, and one such text would stop the whole run. */
const MOST_CHARACTERS = 8_000

/** An OpenAI-compatible `/v1/embeddings`. Each text is asked for once: the ledger keeps its vector. */
export const endpoint: EmbedderKind = {
  kind: 'endpoint',
  fits: ({ url }) => url !== undefined,
  async source(name, settings) {
    const { url, model } = settings
    return {
      name,
      kind: 'endpoint',
      digest: digestOf('embedder', 1, canonicalBytes({ kind: 'endpoint', url, model, MOST_CHARACTERS })),
      external: true,
      reportFrom: 0.9,
      async open(context) {
        let dimension: number | null = null
        return {
          async embed(texts) {
            const cut = texts.map((text) => text.slice(0, MOST_CHARACTERS).toWellFormed())
            const vectors = await askAll(name, settings, [...new Set(cut)], context)
            for (const vector of vectors.values()) {
              dimension ??= vector.length
              if (vector.length !== dimension) {
                throw wrongAnswer(name, `vectors of ${dimension} and of ${vector.length} numbers`)
              }
            }
            const values = new Float32Array(texts.length * (dimension ?? 1))
            for (const [row, text] of cut.entries()) values.set(vectors.get(text)!, row * dimension!)
            return {
              vectors: { kind: 'dense', dimension: dimension ?? 1, values },
              truncated: texts.filter((text) => text.length > MOST_CHARACTERS).length,
            }
          },
          async close() {},
        }
      },
    }
  },
}

/**
 * The vectors of distinct texts. All of them are looked up in the ledger first; those that it lacks are asked for in
 * batches, one after another, and each batch is kept as it comes.
 */
async function askAll(
  name: string,
  settings: EmbedderSettings,
  texts: readonly string[],
  { ledger, signal }: EmbedderContext,
): Promise<Map<string, Float32Array>> {
  const { url, model } = settings
  const missing: Waiting[] = []
  let undecided = texts.length
  const decided = () => {
    if (--undecided === 0) void askMissing(name, settings, missing, signal)
  }
  const entries = texts.map(async (text) => {
    let asked = false
    const ask = () =>
      new Promise<Uint8Array>((resolve, reject) => {
        asked = true
        missing.push({ text, resolve, reject })
        decided()
      })
    try {
      const bytes = await ledger.call({ kind: 'embedding', url, model, text }, ask)
      return [text, floatsOf(bytes)] as const
    } finally {
      if (!asked) decided()
    }
  })
  // All must have settled before an error is thrown: batches that came are kept.
  const settled = await Promise.allSettled(entries)
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
  return new Map(settled.map((one) => (one as PromiseFulfilledResult<readonly [string, Float32Array]>).value))
}

interface Waiting {
  text: string
  resolve(bytes: Uint8Array): void
  reject(error: unknown): void
}

async function askMissing(
  name: string,
  settings: EmbedderSettings,
  missing: readonly Waiting[],
  signal: AbortSignal,
): Promise<void> {
  const { url, model, apiKey, batch } = settings
  let failure: { error: unknown } | null = null
  for (let start = 0; start < missing.length; start += batch) {
    const part = missing.slice(start, start + batch)
    if (!failure) {
      try {
        const answer = await postJson(
          `${url!.replace(/\/+$/, '')}/embeddings`,
          { model, input: part.map(({ text }) => text), encoding_format: 'float' },
          {
            what: `the endpoint of embedder ${name} (${url})`,
            hint: `check embedders.${name} in regraft.yaml: url, model, apiKey`,
            ...{ apiKey, signal },
          },
        )
        const vectors = readVectors(name, answer, part.length)
        for (const [at, { resolve }] of part.entries()) resolve(bytesOf(vectors[at]!))
        continue
      } catch (error) {
        failure = { error }
      }
    }
    for (const { reject } of part) reject(failure.error)
  }
}

/** The vectors of an answer, scaled to length 1, in the order of the texts. */
function readVectors(name: string, answer: unknown, count: number): Float32Array[] {
  const data = (answer as { data?: unknown } | null)?.data
  if (!Array.isArray(data)) throw wrongAnswer(name, 'no list `data`')
  if (data.length !== count) throw wrongAnswer(name, `${data.length} vectors for ${count} texts`)
  const vectors = new Array<Float32Array | undefined>(count).fill(undefined)
  for (const [place, entry] of data.entries()) {
    const { embedding, index = place } = (entry ?? {}) as { embedding?: unknown; index?: unknown }
    if (!Array.isArray(embedding) || embedding.length === 0 || !embedding.every(Number.isFinite))
      throw wrongAnswer(name, 'an embedding that is no list of numbers')
    vectors[Number(index)] = normalized(embedding as number[])
  }
  const gap = vectors.slice(0, count).indexOf(undefined)
  if (gap >= 0) throw wrongAnswer(name, `no vector with index ${gap}`)
  return vectors as Float32Array[]
}

function normalized(embedding: readonly number[]): Float32Array {
  const norm = Math.sqrt(embedding.reduce((sum, value) => sum + value * value, 0))
  return Float32Array.from(embedding, (value) => (norm > 0 ? value / norm : 0))
}

function wrongAnswer(name: string, problem: string): RegraftError {
  return new RegraftError('incompatible', `the endpoint of embedder ${name} answered with ${problem}`, {
    hint: `check that embedders.${name}.url speaks OpenAI's embeddings and that its model embeds`,
  })
}

/** Little-endian 32-bit floats, as the ledger keeps them. */
function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
}

/** A copy: a Buffer is a part of a larger one, at any offset. */
function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(new Uint8Array(bytes).buffer)
}
