// Logits of tiny random models of every supported family, and of PEFT adapters on two of them, against transformers.
// Folders and logits are made by scripts/parity/families.py (versions in logits.json).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseHuggingFaceConfig } from '../formats/hugging-face-config.ts'
import { type Adapter, type Base, type DecoderConfig, openBase, readAdapter } from '../formats/index.ts'
import { layOut } from './batch.ts'
import { createDecoder } from './decoder.ts'
import { readWeights } from './weights.ts'

interface Logits {
  /** Of all positions of the short sequence. */
  short: number[][]
  /** Of the last position of the long one. */
  long: number[]
}

interface Golden {
  short: number[]
  long: number[]
  families: Record<string, Logits>
  adapters: Record<string, Logits>
}

const TOLERANCE = 1e-3

const root = fileURLToPath(new URL('../../../../bench/golden/families/', import.meta.url))
const golden = JSON.parse(readFileSync(join(root, 'logits.json'), 'utf8')) as Golden

async function withBase<T>(family: string, use: (base: Base) => Promise<T>): Promise<T> {
  const base = openBase(join(root, family))
  try {
    return await use(base)
  } finally {
    base.close()
  }
}

/** Largest difference of any logit; the sequences lie in one packed batch. */
async function largestDifference(base: Base, expected: Logits, config: DecoderConfig, adapter?: Adapter) {
  const weights = readWeights(base)
  const decoder = createDecoder({ config, weights, threads: 1, ...(adapter ? { adapter } : {}) })
  const batch = layOut(
    [golden.short, golden.long].map((ids) => ({ ids, supervisedFrom: 1 })),
    { length: golden.short.length + golden.long.length },
  )
  const hidden = await decoder.stack.forward(batch)
  const count = golden.short.length
  const rows = Int32Array.from([...golden.short.keys(), count + golden.long.length - 1])
  const logits = await decoder.head.logits(hidden, rows)
  await decoder.release()
  const values = [...expected.short.flat(), ...expected.long]
  expect(logits.length).toBe(values.length)
  return values.reduce((most, value, i) => Math.max(most, Math.abs(value - logits[i]!)), 0)
}

test.each(Object.keys(golden.families))('%s gives the logits of transformers', async (family) => {
  const difference = await withBase(family, (base) =>
    largestDifference(base, golden.families[family]!, base.config),
  )
  expect(difference).toBeLessThan(TOLERANCE)
})

test.each(Object.keys(golden.adapters))(
  'an adapter by PEFT on %s gives the logits of PEFT',
  async (family) => {
    const adapter = readAdapter(join(root, family, 'adapter'))
    const expected = golden.adapters[family]!
    const [adapted, plain] = await withBase(family, async (base) => [
      await largestDifference(base, expected, base.config, adapter),
      await largestDifference(base, expected, base.config),
    ])
    expect(adapted).toBeLessThan(TOLERANCE)
    expect(plain).toBeGreaterThan(0.1)
  },
)

const kinds =
  (change: (kind: DecoderConfig['attentionKinds'][number]) => object) => (config: DecoderConfig) => ({
    attentionKinds: config.attentionKinds.map((kind) => ({ ...kind, ...change(kind) })),
  })
const withoutWindow = kinds(() => ({ window: null }))
const withoutFactors = kinds(({ rope }) => ({ rope: rope && { ...rope, factors: null } }))

test.each<[string, string, (config: DecoderConfig) => Partial<DecoderConfig>]>([
  ['rope scaling', 'llama3-scaled', withoutFactors],
  ['rope scaling', 'llama-linear-untied-sharded', withoutFactors],
  ['sliding window', 'mistral-window', withoutWindow],
  ['sliding window', 'qwen2-window', withoutWindow],
  ['attention bias', 'qwen2-window', () => ({ attentionBias: false })],
  ['query and key norm', 'qwen3', () => ({ queryKeyNorm: false })],
  ['layers without positions', 'smollm3', ({ layerKinds }) => ({ layerKinds: layerKinds.map(() => 0) })],
  ['sliding window', 'gemma3', withoutWindow],
  ['local rope', 'gemma3', ({ layerKinds }) => ({ layerKinds: layerKinds.map(() => 0) })],
  ['activation', 'gemma3', () => ({ activation: 'silu' })],
  ['embedding scale', 'gemma3', () => ({ embeddingScale: 1 })],
  ['attention scale', 'gemma3', () => ({ attentionScale: 1 / 4 })],
])('the %s of %s moves the logits', async (_part, family, change) => {
  const difference = await withBase(family, (base) =>
    largestDifference(base, golden.families[family]!, { ...base.config, ...change(base.config) }),
  )
  expect(difference).toBeGreaterThan(0.05)
})

/** What transformers 4 writes for the same models. */
const OLD_SPELLINGS: Record<string, (config: Record<string, unknown>) => void> = {
  'llama3-scaled': (config) => {
    const { rope_theta, rope_type, ...rest } = config.rope_parameters as Record<string, unknown>
    Object.assign(config, { rope_theta, rope_scaling: { rope_type, ...rest } })
    delete config.rope_parameters
  },
  'llama-linear-untied-sharded': (config) => {
    Object.assign(config, { rope_theta: 100, rope_scaling: { type: 'linear', factor: 4 } })
    delete config.rope_parameters
  },
  'qwen2-window': (config) => {
    Object.assign(config, { rope_theta: 10_000, rope_scaling: null })
    delete config.rope_parameters
    delete config.layer_types
  },
  smollm3: (config) => {
    Object.assign(config, { rope_theta: 50, rope_scaling: null })
    delete config.rope_parameters
    delete config.no_rope_layers
    delete config.layer_types
    delete config.tie_word_embeddings
  },
  gemma3: (config) => {
    Object.assign(config, { rope_theta: 200, rope_local_base_freq: 20 })
    config.rope_scaling = { rope_type: 'linear', factor: 2 }
    delete config.rope_parameters
    delete config.layer_types
    delete config.tie_word_embeddings
  },
}

test.each(Object.keys(OLD_SPELLINGS))('%s is read the same in the spelling of transformers 4', (family) => {
  const config = JSON.parse(readFileSync(join(root, family, 'config.json'), 'utf8'))
  const now = parseHuggingFaceConfig(config, undefined, family)
  OLD_SPELLINGS[family]!(config)
  delete config.architectures
  expect(parseHuggingFaceConfig(config, undefined, family)).toEqual(now)
})
