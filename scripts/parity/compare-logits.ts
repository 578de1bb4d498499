// Compares the engine with transformers on a real model, without Python:
//   node scripts/parity/compare-logits.ts MODEL.gguf [GOLDEN.jsonl]
// The golden values of SmolLM2-135M-Instruct come from smollm2_logits.py, those of Gemma 3 270m from gemma3_logits.py;
// fetch-model.ts fetches both models.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import {
  Batcher,
  createDecoder,
  DecodeModel,
  layOut,
  openBase,
  promptTokens,
  readWeights,
} from '@regraft/engine/internals'

interface Head {
  sha256: string
  versions: Record<string, string>
  fingerprintPositions: number[]
}

interface Golden {
  messages: { role: string; content: string }[] | null
  text: string
  ids: number[]
  meanLogProbability: number
  top: { ids: number[]; logits: number[] }
  fingerprint: number[]
  continuation: number[]
}

/** The bar of docs: absolute difference of any logit at f32. */
const TOLERANCE = 1e-3

const [path, goldenPath] = process.argv.slice(2)
if (!path) throw new Error('usage: node scripts/parity/compare-logits.ts MODEL.gguf [GOLDEN.jsonl]')
const golden = goldenPath ?? new URL('../../bench/golden/smollm2-logits.jsonl', import.meta.url)
const [head, ...prompts] = readFileSync(golden, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line)) as [Head, ...Golden[]]
const found = createHash('sha256').update(readFileSync(path)).digest('hex')
if (found !== head.sha256)
  throw new Error(`${path} is not the model of the golden values: its sha256 is ${found}`)

const base = openBase(path)
const decoder = createDecoder({
  config: base.config,
  weights: readWeights(base),
  threads: availableParallelism(),
})
const model = await DecodeModel.open({
  base,
  precision: 'f32',
  threads: availableParallelism(),
  slots: prompts.length,
})
const batcher = new Batcher(model, { maxRows: prompts.length, cacheBytes: 2 ** 31, reusePrefixes: false })
const answers = await Promise.all(
  prompts.map(({ ids }) =>
    batcher.submit({ prompt: ids, adapter: null, maxTokens: 24, stopTokens: base.config.eosTokenIds }),
  ),
)
let worst = 0
let worstMean = 0
let sameIds = 0
let sameAnswers = 0
for (const [i, prompt] of prompts.entries()) {
  const ids = prompt.messages ? promptTokens(base, prompt.messages) : base.tokenizer.encode(prompt.text)
  if (JSON.stringify(ids) === JSON.stringify(prompt.ids)) sameIds++
  const batch = layOut([{ ids: prompt.ids, supervisedFrom: 1 }])
  const hidden = await decoder.stack.forward(batch)
  const scores = await decoder.head.logProbabilities(hidden, batch.rows, batch.targets)
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length
  worstMean = Math.max(worstMean, Math.abs(mean - prompt.meanLogProbability))
  const logits = await decoder.head.logits(hidden, Int32Array.of(prompt.ids.length - 1))
  for (const [at, id] of prompt.top.ids.entries())
    worst = Math.max(worst, Math.abs(logits[id]! - prompt.top.logits[at]!))
  for (const [at, id] of head.fingerprintPositions.entries()) {
    worst = Math.max(worst, Math.abs(logits[id]! - prompt.fingerprint[at]!))
  }
  const expected = prompt.continuation.filter((id) => !base.config.eosTokenIds.includes(id))
  if (JSON.stringify(answers[i]!.tokens) === JSON.stringify(expected)) sameAnswers++
}
await decoder.release()
await model.release()
const versions = Object.entries(head.versions).map(([name, version]) => `${name} ${version}`)
console.log(`${prompts.length} prompts against ${versions.join(', ')}`)
console.log(`token ids equal: ${sameIds}; greedy continuations equal: ${sameAnswers}`)
console.log(
  `largest difference of a logit: ${worst.toExponential(2)}; of a mean log-probability: ${worstMean.toExponential(2)}`,
)
if (worst > TOLERANCE || sameIds < prompts.length) process.exitCode = 1
