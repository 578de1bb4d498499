// Compares the engine's sentence encoder with transformers on all-MiniLM-L6-v2, without Python:
//   node scripts/parity/compare-embeddings.ts FOLDER
// FOLDER is what fetch-model.ts minilm makes; the golden values come from minilm_golden.py.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { EncoderTokenizer, openEncoderFolder, SentenceEncoder } from '@regraft/engine/internals'

interface Golden {
  weights: string
  maximumTokens: number
  versions: Record<string, string>
  texts: { text: string; ids: number[]; vector: string }[]
}

/** 1 - cosine that is still rounding of 32-bit floats. */
const TOLERANCE = 1e-6

const path = process.argv[2]
if (!path) throw new Error('usage: node scripts/parity/compare-embeddings.ts FOLDER')
const golden = JSON.parse(
  readFileSync(new URL('../../bench/golden/minilm-embeddings.json', import.meta.url), 'utf8'),
) as Golden
const folder = openEncoderFolder(path)
const tokenizer = new EncoderTokenizer(folder.tokenizer, folder.tokenizerConfig, folder.maximumTokens)
const otherIds = golden.texts.filter(({ text, ids }) => tokenizer.encode(text).ids.join() !== ids.join())
for (const { text } of otherIds) console.log(`other token ids: ${JSON.stringify(text.slice(0, 60))}`)

const encoder = await SentenceEncoder.open(folder, availableParallelism())
const { dimension, vectors, truncated } = await encoder.embed(golden.texts.map(({ text }) => text))
const distances = golden.texts.map(({ vector }, row) => {
  const bytes = Buffer.from(vector, 'base64')
  const wanted = new Float32Array(new Uint8Array(bytes).buffer)
  const found = vectors.subarray(row * dimension, (row + 1) * dimension)
  if (wanted.length !== dimension) throw new Error(`vectors of ${dimension} numbers, not ${wanted.length}`)
  let cosine = 0
  let largest = 0
  for (let at = 0; at < dimension; at++) {
    cosine += wanted[at]! * found[at]!
    largest = Math.max(largest, Math.abs(wanted[at]! - found[at]!))
  }
  return { distance: 1 - cosine, largest }
})
const worst = Math.max(...distances.map(({ distance }) => distance))
const largest = Math.max(...distances.map((one) => one.largest))
console.log(
  `${golden.texts.length} texts against transformers ${golden.versions.transformers}: ` +
    `${golden.texts.length - otherIds.length} with the same token ids, ${truncated} cut at ${folder.maximumTokens} tokens; ` +
    `1 - cosine at most ${worst.toExponential(1)}, any number at most ${largest.toExponential(1)} apart`,
)
if (otherIds.length > 0 || !(worst <= TOLERANCE)) process.exit(1)
