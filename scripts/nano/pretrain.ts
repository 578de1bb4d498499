// Pre-trains regraft-nano from nothing with the embedded engine:
//   node scripts/nano/corpus.ts .cache/nano                  (the text, about 10 M tokens)
//   node scripts/nano/pretrain.ts .cache/nano OUTPUT-FOLDER  (about half an hour on two cores; resumes when killed)
// Corpus lines are {"text"} or {"messages"}; all of it is learned, prompts and answers alike.
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  adamW,
  clipGradients,
  createDecoder,
  fromTokenizerJson,
  initialAdamWState,
  initialWeights,
  layOut,
  learningRate,
  namedTensors,
  readCheckpoint,
  trainBpe,
  weightsLearner,
  writeCheckpoint,
  writeSafetensors,
} from '@regraft/engine/internals'
import { Random } from '@regraft/methods'
import { configFiles, END_OF_TEXT, NANO, SPECIAL_TOKENS } from './model.ts'

const WINDOW = 256
const WINDOWS_PER_UPDATE = 8
const VALIDATION_WINDOWS = 64
const PEAK_RATE = 3e-3
const SEED = 20260101
const OPTIMIZER = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 }
const CHECKPOINT_EVERY = 200

interface Document {
  text?: string
  messages?: { role: string; content: string }[]
}

async function* documents(folder: string): AsyncIterable<string> {
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()) {
    for await (const line of createInterface({ input: createReadStream(join(folder, file)) })) {
      const { text, messages } = JSON.parse(line) as Document
      yield text ??
        messages!.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('')
    }
  }
}

async function tokenizerOf(folder: string) {
  const path = join(folder, 'tokenizer.json')
  if (!existsSync(path)) {
    const texts: string[] = []
    for await (const text of documents(folder)) texts.push(text)
    writeFileSync(
      path,
      JSON.stringify(trainBpe(texts, { vocabSize: NANO.vocabSize, specialTokens: SPECIAL_TOKENS })),
    )
    console.log(`tokenizer: learned from ${texts.length} documents`)
  }
  return fromTokenizerJson(JSON.parse(readFileSync(path, 'utf8')))
}

/** One stream of token ids, each document closed by the end-of-text token, cut into windows. */
async function windowsOf(folder: string): Promise<Uint16Array[]> {
  const path = join(folder, 'tokens.bin')
  if (!existsSync(path)) {
    const tokenizer = await tokenizerOf(folder)
    const chunks: Buffer[] = []
    for await (const text of documents(folder)) {
      const ids = Uint16Array.from([...tokenizer.encode(text), END_OF_TEXT])
      chunks.push(Buffer.from(ids.buffer))
    }
    writeFileSync(path, Buffer.concat(chunks))
  }
  const bytes = readFileSync(path)
  const ids = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2)
  const count = Math.floor(ids.length / WINDOW)
  console.log(`tokens: ${ids.length} in ${count} windows of ${WINDOW}`)
  const windows = Array.from({ length: count }, (_, i) => ids.subarray(i * WINDOW, (i + 1) * WINDOW))
  return new Random(SEED, 'windows').shuffle(windows)
}

/** The documents, or parts of them, in one window; together they fill it. */
function piecesOf(window: Uint16Array) {
  const pieces: { ids: number[]; supervisedFrom: number }[] = []
  let start = 0
  for (let i = 0; i < window.length; i++) {
    if (window[i] !== END_OF_TEXT && i + 1 < window.length) continue
    pieces.push({ ids: [...window.subarray(start, i + 1)], supervisedFrom: 1 })
    start = i + 1
  }
  return pieces
}

function batchOf(windows: Uint16Array[]) {
  return layOut(windows.flatMap(piecesOf), { length: WINDOW })
}

const [corpus, output] = process.argv.slice(2)
if (!corpus || !output) throw new Error('usage: node scripts/nano/pretrain.ts CORPUS-FOLDER OUTPUT-FOLDER')

const all = await windowsOf(corpus)
const validation = all.slice(0, VALIDATION_WINDOWS)
const training = all.slice(VALIDATION_WINDOWS)
const random = new Random(SEED, 'weights')
const weights = initialWeights(NANO, () => random.normal())
const decoder = createDecoder({
  config: NANO,
  weights,
  trainable: 'weights',
  threads: availableParallelism(),
})
const learner = weightsLearner(decoder)
const optimizer = initialAdamWState(learner.parameters)
const updates = Math.floor(training.length / WINDOWS_PER_UPDATE)
const schedule = {
  name: 'cosine',
  peak: PEAK_RATE,
  warmupUpdates: 200,
  totalUpdates: updates,
  floor: 0.05,
} as const
const checkpoint = join(corpus, 'checkpoint.safetensors')
const identity = `regraft-nano ${SEED} ${training.length}`
readCheckpoint(checkpoint, learner.parameters, optimizer, identity)

async function validationLoss(): Promise<number> {
  let total = 0
  let count = 0
  for (let start = 0; start < validation.length; start += WINDOWS_PER_UPDATE) {
    const batch = batchOf(validation.slice(start, start + WINDOWS_PER_UPDATE))
    const hidden = await decoder.stack.forward(batch)
    for (const score of await decoder.head.logProbabilities(hidden, batch.rows, batch.targets)) total -= score
    count += batch.rows.length
  }
  return total / count
}

const started = performance.now()
const first = optimizer.updates
for (let update = first; update < updates; update++) {
  const batch = batchOf(training.slice(update * WINDOWS_PER_UPDATE, (update + 1) * WINDOWS_PER_UPDATE))
  learner.clearGradients()
  const scores = await learner.accumulate(
    batch,
    new Float32Array(batch.rows.length).fill(-1 / batch.rows.length),
  )
  const norm = clipGradients(learner.parameters, 1)
  adamW(learner.parameters, optimizer, learningRate(schedule, update), OPTIMIZER)
  const done = update + 1
  if (done % 50 === 0) {
    const loss = -scores.reduce((sum, score) => sum + score, 0) / scores.length
    const seconds = (performance.now() - started) / 1000
    const speed = ((done - first) * WINDOWS_PER_UPDATE * WINDOW) / seconds
    const left = ((updates - done) * WINDOWS_PER_UPDATE * WINDOW) / speed / 60
    console.log(
      `update ${done}/${updates} loss ${loss.toFixed(3)} norm ${norm.toFixed(2)} ${speed.toFixed(0)} tokens/s, ${left.toFixed(0)} min left`,
    )
  }
  if (done % CHECKPOINT_EVERY === 0 || done === updates) {
    writeCheckpoint(checkpoint, learner.parameters, optimizer, { identity, updates: done, history: null })
    if (done % (5 * CHECKPOINT_EVERY) === 0 || done === updates) {
      console.log(`validation loss ${(await validationLoss()).toFixed(4)} after ${done} updates`)
    }
  }
}
await decoder.release()

mkdirSync(output, { recursive: true })
const tensors = namedTensors(NANO, weights).map((tensor) => ({ ...tensor, dtype: 'F16' as const }))
writeSafetensors(join(output, 'model.safetensors'), tensors, { format: 'pt' })
for (const [name, value] of Object.entries(configFiles())) {
  writeFileSync(join(output, name), `${JSON.stringify(value, null, 2)}\n`)
}
writeFileSync(join(output, 'tokenizer.json'), readFileSync(join(corpus, 'tokenizer.json')))
console.log(`written to ${output}`)
