// One training step for each line on standard input, as bench/train-step.ts asks for them:
//   node bench/train-step-worker.ts MODEL.gguf RANK BATCH LENGTH THREADS layered|whole f32|f16|int8
// Prints READY, then `MS <milliseconds> <loss>` per step and `PEAK <bytes>` at the end: the largest resident set since
// READY.
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import {
  adamW,
  adapterLearner,
  clipGradients,
  createDecoder,
  type Execution,
  initialAdamWState,
  initialAdapter,
  layOut,
  openBase,
  readWeights,
} from '@regraft/engine/internals'
import { Random } from '@regraft/methods'

const [path = '', rank, batch, length, threads, execution, precision] = process.argv.slice(2)
const base = openBase(path)
const random = new Random(1)
const lora = {
  rank: Number(rank),
  alpha: 2 * Number(rank),
  useRslora: false,
  targetModules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
  rankPattern: {},
  alphaPattern: {},
  baseModelNameOrPath: '',
}
const decoder = createDecoder({
  config: base.config,
  weights: readWeights(base, precision as 'f32'),
  adapter: initialAdapter(base.config, lora, () => random.uniform()),
  trainable: 'adapter',
  threads: Number(threads),
  execution: execution as Execution,
})
const learner = adapterLearner(decoder)
const optimizer = initialAdamWState(learner.parameters)
const sequences = Array.from({ length: Number(batch) }, () => ({
  ids: Array.from({ length: Number(length) }, () => random.integer(base.config.vocabSize)),
  supervisedFrom: 1,
}))
const rows = layOut(sequences, { length: Number(length) })
const rowWeights = new Float32Array(rows.rows.length).fill(-1 / rows.rows.length)
const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 }

// Loading leaves garbage behind, whose memory is given back a little later.
for (let i = 0; i < 3; i++) {
  globalThis.gc?.()
  await new Promise((resolve) => setTimeout(resolve, 200))
}
writeFileSync('/proc/self/clear_refs', '5')
console.log(`READY ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`)
for await (const _ of createInterface({ input: process.stdin })) {
  const started = performance.now()
  learner.clearGradients()
  const scores = await learner.accumulate(rows, rowWeights)
  clipGradients(learner.parameters, 1)
  adamW(learner.parameters, optimizer, 1e-4, options)
  const loss = -scores.reduce((sum, score) => sum + score, 0) / scores.length
  console.log(`MS ${(performance.now() - started).toFixed(1)} ${loss.toFixed(6)}`)
}
const peak = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))
console.log(`PEAK ${Number(peak![1]) * 1024}`)
process.exit(0)
