// Decoding speed against llama.cpp (through node-llama-cpp) on the same GGUF and the same threads, and eight adapters
// against one. Variants take turns in every round; the first token, which reads the prompt, is not counted.
//
//   npm install --prefix .cache/llama-bench --ignore-scripts node-llama-cpp
//   node bench/decode.ts MODEL.gguf [--rounds 5] [--tokens 64] [--threads 2] [--only base,adapters]
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  Batcher,
  DecodeModel,
  initialAdapter,
  type LoadedAdapter,
  largestRanks,
  loadedAdapter,
  openBase,
  storedPrecision,
} from '@regraft/engine/internals'
import { Random } from '@regraft/methods'
import { describeMachine } from './measure.ts'

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    tokens: { type: 'string', default: '64' },
    threads: { type: 'string', default: '2' },
    only: { type: 'string', default: 'base,adapters' },
  },
  allowPositionals: true,
})
const path = positionals[0] && resolve(positionals[0])
if (!path) throw new Error('usage: node bench/decode.ts MODEL.gguf [--rounds 5] [--tokens 64] [--threads 2]')
const rounds = Number(values.rounds)
const tokens = Number(values.tokens)
const threads = Number(values.threads)
const PROMPT = 'Once upon a time there was a small house on a hill, and in the house lived an old woman who'
const BATCH = 8
const ALL_LINEARS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']

const base = openBase(path)
const prompt = base.tokenizer.encode(PROMPT)
const precision = storedPrecision(base)
console.log(describeMachine())
console.log(
  `${precision}, ${threads} threads, prompt of ${prompt.length} tokens, ${tokens} tokens, ${rounds} rounds`,
)

/** Tokens per second of a row's second token on. */
function rate(first: number, last: number, rows: number): number {
  return (rows * (tokens - 1)) / ((last - first) / 1000)
}

async function ours(batcher: Batcher, adapters: readonly (LoadedAdapter | null)[]): Promise<number> {
  const firsts: number[] = []
  await Promise.all(
    adapters.map((adapter) => {
      let count = 0
      const onToken = () => {
        if (++count === 1) firsts.push(performance.now())
        return false
      }
      return batcher.submit({ prompt, adapter, maxTokens: tokens, stopTokens: [], onToken })
    }),
  )
  return rate(Math.max(...firsts), performance.now(), adapters.length)
}

async function openOurs(adapters: readonly LoadedAdapter[]) {
  const ranks = adapters.length > 0 ? largestRanks(adapters) : null
  const model = await DecodeModel.open({ base, precision, threads, slots: BATCH, ranks })
  return new Batcher(model, { maxRows: BATCH, cacheBytes: 2 ** 31, reusePrefixes: false })
}

interface LlamaSequence {
  evaluate(tokens: number[], options: object): AsyncIterable<number>
  clearHistory(): Promise<void>
}

/** A function that runs llama.cpp with so many rows at once. */
async function openLlama(): Promise<(rows: number) => Promise<number>> {
  const module = resolve('.cache/llama-bench/node_modules/node-llama-cpp/dist/index.js')
  const { getLlama } = await import(module)
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: 'error' })
  const model = await llama.loadModel({ modelPath: path })
  // One context at a time: the threads of an idle one would spin beside those of the other.
  let open: { rows: number; sequences: LlamaSequence[]; dispose(): Promise<void> } | null = null
  return async (rows) => {
    if (open?.rows !== rows) {
      await open?.dispose()
      const context = await model.createContext({
        sequences: rows,
        contextSize: 512,
        batchSize: 512,
        threads,
      })
      const sequences = Array.from({ length: rows }, () => context.getSequence())
      open = { rows, sequences, dispose: () => context.dispose() }
    }
    const firsts: number[] = []
    await Promise.all(
      open.sequences.map(async (sequence) => {
        await sequence.clearHistory()
        let count = 0
        for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
          if (++count === 1) firsts.push(performance.now())
          if (count === tokens) break
        }
      }),
    )
    return rate(Math.max(...firsts), performance.now(), rows)
  }
}

/** Lets the variants take turns; prints the median and range of each and of its ratio to the first. */
async function compare(variants: Record<string, () => Promise<number>>): Promise<void> {
  const rates = new Map(Object.keys(variants).map((name): [string, number[]] => [name, []]))
  for (let round = -1; round < rounds; round++) {
    const order = Object.entries(variants)
    if (round % 2 !== 0) order.reverse()
    for (const [name, run] of order) {
      const result = await run()
      if (round >= 0) rates.get(name)!.push(result)
    }
  }
  const [reference] = [...rates.values()]
  for (const [name, list] of rates) {
    const ratios = list.map((value, i) => value / reference![i]!)
    console.log(`${name.padEnd(34)} ${summary(list, 1)} tok/s   ratio ${summary(ratios, 2)}`)
  }
}

function summary(list: readonly number[], digits: number): string {
  const sorted = list.toSorted((a, b) => a - b)
  const median = sorted[sorted.length >> 1]!
  return `${median.toFixed(digits)} (${sorted[0]!.toFixed(digits)} to ${sorted.at(-1)!.toFixed(digits)}, n ${list.length})`
}

if (values.only.includes('base')) {
  const batcher = await openOurs([])
  const llama = await openLlama()
  for (const rows of [1, BATCH]) {
    await compare({
      [`llama.cpp, batch ${rows}`]: () => llama(rows),
      [`Regraft, batch ${rows}`]: () => ours(batcher, new Array(rows).fill(null)),
    })
  }
}
if (values.only.includes('adapters')) {
  const random = new Random(1)
  const adapters = Array.from({ length: BATCH }, (_, i) => {
    const lora = {
      rank: 8,
      alpha: 16,
      useRslora: false,
      targetModules: ALL_LINEARS,
      rankPattern: {},
      alphaPattern: {},
      baseModelNameOrPath: '',
    }
    const adapter = initialAdapter(base.config, lora, () => random.uniform())
    for (const { b } of adapter.modules.values()) b.set(b.map(() => random.normal() * 0.01))
    return loadedAdapter(base.config, `${i}`, adapter)
  })
  const batcher = await openOurs(adapters)
  await compare({
    'eight rows, one adapter': () => ours(batcher, new Array(BATCH).fill(adapters[0]!)),
    'eight rows, eight adapters': () => ours(batcher, adapters),
    'eight rows, no adapter': () => ours(batcher, new Array(BATCH).fill(null)),
  })
}
console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB (llama.cpp's included)`)
process.exit(0)
