// The tiny models of scripts/parity/families.py as GGUF files: the same configuration and the same tensors.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { openBase } from './base.ts'
import { type GgufFixtureValue, writeGgufFixture } from './gguf-fixture.ts'
import {
  allTensors,
  ggufArchitecture,
  ggufMetadata,
  ggufTensors,
  ggufTokenizer,
} from './gguf-model-fixture.ts'
import type { Base, DecoderConfig } from './types.ts'

const root = fileURLToPath(new URL('../../../../bench/golden/families/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'gguf-families-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The model of a folder with its configuration changed, as a GGUF file. */
function writeAsGguf(
  family: string,
  change: (config: DecoderConfig) => Partial<DecoderConfig> = () => ({}),
  extra: Record<string, GgufFixtureValue> = {},
): { path: string; config: DecoderConfig; base: Base } {
  const base = openBase(join(root, family))
  const config = { ...base.config, ...change(base.config) }
  const { model, added_tokens } = JSON.parse(readFileSync(join(root, family, 'tokenizer.json'), 'utf8'))
  const tokens = Object.keys(model.vocab).sort((a, b) => model.vocab[a] - model.vocab[b])
  const special = new Set(added_tokens.map(({ id }: { id: number }) => id))
  const path = join(folder, `${family}.gguf`)
  const tokenizer = ggufTokenizer(tokens, ['a b'], (id) => special.has(id))
  const metadata = { ...ggufMetadata(config), ...tokenizer, ...extra }
  writeGgufFixture(path, metadata, ggufTensors(config, allTensors(base.tensors)))
  return { path, config, base }
}

/** What its GGUF file cannot say of a model. */
const UNSAID: Record<string, (config: DecoderConfig) => Partial<DecoderConfig>> = {
  // No window for qwen2, and a Gemma whose queries are scaled by a head's width.
  'qwen2-window': ({ attentionKinds, layerKinds }) => ({
    attentionKinds: [{ ...attentionKinds[0]!, window: null }],
    layerKinds: layerKinds.map(() => 0),
  }),
  gemma3: ({ headDim }) => ({ attentionScale: 1 / Math.sqrt(headDim) }),
}

test.each([
  'llama3-scaled',
  'llama-linear-untied-sharded',
  'mistral-window',
  'qwen2-window',
  'qwen3',
  'smollm3',
  'gemma3',
])('%s is the same model as GGUF file and as folder', (family) => {
  const { path, config, base } = writeAsGguf(family, UNSAID[family])
  const gguf = openBase(path)
  const rounded = config.attentionKinds.map(({ window, rope }) => ({
    window,
    rope: rope && { ...rope, factors: rope.factors?.map(Math.fround) ?? null },
  }))
  expect(gguf.config).toEqual({
    ...config,
    architecture: ggufArchitecture(config),
    attentionKinds: rounded,
    rmsNormEps: Math.fround(config.rmsNormEps),
  })
  expect(gguf.tensors.names().sort()).toEqual(base.tensors.names().sort())
  for (const name of base.tensors.names()) {
    expect(gguf.tensors.shape(name), name).toEqual(base.tensors.shape(name))
    expect(gguf.tensors.read(name), name).toEqual(base.tensors.read(name))
  }
  gguf.close()
  base.close()
})

const uint32 = (value: number): GgufFixtureValue => ({ type: 'uint32', value })

test('a Gemma without a pattern slides in five of six layers, and not at all without a window', () => {
  const opened = (extra: Record<string, GgufFixtureValue>, dropped: string) => {
    const { base } = writeAsGguf('gemma3')
    const metadata = { ...ggufMetadata(base.config), ...extra }
    delete metadata[`gemma3.${dropped}`]
    const path = join(folder, 'gemma.gguf')
    const tokens = Array.from({ length: 64 }, (_, id) => `t${id}`)
    writeGgufFixture(
      path,
      { ...metadata, ...ggufTokenizer(tokens, ['t0 t1'], () => false) },
      ggufTensors(base.config, allTensors(base.tensors)),
    )
    base.close()
    const gguf = openBase(path)
    gguf.close()
    return gguf.config.layerKinds.map((kind) => gguf.config.attentionKinds[kind]!.window)
  }
  expect(opened({}, 'attention.sliding_window_pattern')).toEqual([5, 5, 5, 5])
  expect(opened({}, 'attention.sliding_window')).toEqual([null, null, null, null])
  expect(
    opened({ 'gemma3.attention.sliding_window_pattern': { type: 'int32s', value: [0, 1, 0, 1] } }, ''),
  ).toEqual([null, 5, null, 5])
})

test('the end of a turn ends what a Gemma writes', () => {
  const tokens = Array.from({ length: 64 }, (_, id) => (id === 9 ? '<end_of_turn>' : `t${id}`))
  const { path, base } = writeAsGguf('gemma3', UNSAID.gemma3, {
    'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
    'tokenizer.ggml.merges': { type: 'strings', value: ['t0 t1'] },
  })
  base.close()
  const gguf = openBase(path)
  expect(gguf.config.eosTokenIds).toEqual([2, 9])
  gguf.close()
})

test.each<[string, string, GgufFixtureValue, string]>([
  ['qwen2-window', 'qwen2.attention.sliding_window', uint32(64), 'attention.sliding_window = 64'],
  ['gemma3', 'gemma3.attention.sliding_window_pattern', uint32(0), 'sliding_window_pattern = 0'],
  ['gemma3', 'gemma3.final_logit_softcapping', { type: 'float32', value: 30 }, 'softcapping = 30'],
  ['qwen3', 'qwen3.embedding_length', { type: 'string', value: 'wide' }, 'qwen3.embedding_length = wide'],
  ['qwen3', 'qwen3.block_count', uint32(2 ** 31), 'numHiddenLayers is 2147483648'],
  ['qwen3', 'qwen3.rope.scaling.type', { type: 'string', value: 'yarn' }, 'rope.scaling.type = yarn'],
  ['smollm3', 'smollm3.rope.scaling.attn_factor', { type: 'float32', value: 2 }, 'attn_factor = 2'],
])('refuses a GGUF file of %s because of its %s', (family, key, value, message) => {
  const { path, base } = writeAsGguf(family, UNSAID[family], { [key]: value })
  base.close()
  expect(() => openBase(path)).toThrow(message)
})
