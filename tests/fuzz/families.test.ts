// Models of every supported family, damaged anywhere or told to be anything, are read as what they say or refused with an EngineError.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EngineError, openBase } from '@regraft/engine'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { type GgufFixtureValue, writeGgufFixture } from '../../packages/engine/src/formats/gguf-fixture.ts'
import {
  ggufMetadata,
  ggufTensors,
  ggufTokenizer,
} from '../../packages/engine/src/formats/gguf-model-fixture.ts'
import { parseHuggingFaceConfig } from '../../packages/engine/src/formats/hugging-face-config.ts'
import { picoTensors } from '../../packages/engine/src/formats/pico-base.ts'
import { openSafetensors } from '../../packages/engine/src/formats/safetensors.ts'
import type { DecoderConfig } from '../../packages/engine/src/formats/types.ts'
import { attempt, readAll } from './attempt.ts'
import { examples, mutated } from './mutations.ts'

const golden = fileURLToPath(new URL('../../bench/golden/families/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'regraft-fuzz-families-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const FAMILIES = [
  'llama3-scaled',
  'llama-linear-untied-sharded',
  'mistral-window',
  'qwen2-window',
  'qwen3',
  'smollm3',
  'gemma3',
]

const readConfig = (family: string) =>
  JSON.parse(readFileSync(join(golden, family, 'config.json'), 'utf8')) as Record<string, unknown>

/** The family in so few bytes that headers are a good part of the file. */
function smallConfig(family: string): DecoderConfig {
  const config = parseHuggingFaceConfig(readConfig(family), undefined, family)
  const attentionKinds = config.attentionKinds.map(({ window, rope }) => {
    const factors = rope?.factors ? rope.factors.slice(0, 2) : null
    return { window: config.architecture === 'qwen2' ? null : window, rope: rope && { ...rope, factors } }
  })
  const sizes = { hiddenSize: 8, intermediateSize: 8, numAttentionHeads: 2, numKeyValueHeads: 1, headDim: 4 }
  return {
    ...config,
    ...sizes,
    attentionKinds,
    vocabSize: 16,
    numHiddenLayers: 3,
    layerKinds: config.layerKinds.slice(0, 3),
  }
}

function writeGguf(
  path: string,
  config: DecoderConfig,
  changes: Record<string, GgufFixtureValue> = {},
): void {
  const tokens = Array.from({ length: 16 }, (_, id) => String.fromCharCode(97 + id))
  const tokenizer = ggufTokenizer([...tokens.slice(0, 15), 'ab'], ['a b'], (id) => id < 2)
  const metadata = { ...ggufMetadata(config), ...tokenizer, ...changes }
  writeGgufFixture(path, metadata, ggufTensors(config, picoTensors(config)))
}

function readWhole(path: string, fileSize: number): void {
  const base = openBase(path)
  try {
    expect(base.config.numHiddenLayers).toBeLessThanOrEqual(fileSize)
    base.tokenizer.decode(base.tokenizer.encode('abc\u0085 d'))
  } finally {
    base.close()
  }
  readAll(openBase(path).tensors, fileSize)
}

test.each(FAMILIES)('damaged GGUF files of %s', (family) => {
  const path = join(folder, `${family}.gguf`)
  writeGguf(path, smallConfig(family))
  const valid = readFileSync(path)
  expect(attempt(() => readWhole(path, valid.length))).toBe(true)
  let read = 0
  const property = fc.property(mutated(valid, 2), (bytes) => {
    writeFileSync(path, bytes)
    if (attempt(() => readWhole(path, bytes.length))) read++
  })
  fc.assert(property, examples(700))
  expect(read).toBeGreaterThan(20)
})

const anyValue: fc.Arbitrary<GgufFixtureValue> = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 7, 62, 2 ** 31).map((value) => ({ type: 'uint32', value }) as const),
  fc.constantFrom(0, 1, 3, 2 ** 52, 2 ** 60).map((value) => ({ type: 'uint64', value }) as const),
  fc.constantFrom(-1, 0, 1, 16).map((value) => ({ type: 'int32', value }) as const),
  fc.constantFrom(Number.NaN, Infinity, -0, 1e-30, 0.5).map((value) => ({ type: 'float32', value }) as const),
  fc.boolean().map((value) => ({ type: 'bool', value }) as const),
  fc.constantFrom('', 'none', 'linear', 'gemma3', '4').map((value) => ({ type: 'string', value }) as const),
  fc.array(fc.string(), { maxLength: 20 }).map((value) => ({ type: 'strings', value }) as const),
  fc
    .array(fc.integer({ min: -2, max: 40 }), { maxLength: 20 })
    .map((value) => ({ type: 'int32s', value }) as const),
)

test.each(FAMILIES)('GGUF files of %s that say anything at all', (family) => {
  const path = join(folder, `any-${family}.gguf`)
  const config = smallConfig(family)
  const known = Object.keys({ ...ggufMetadata(config), ...ggufTokenizer([], [], () => false) })
  const architecture = known.find((key) => key.endsWith('.block_count'))!.split('.')[0]
  const others = [
    'attention.sliding_window',
    'attention.sliding_window_pattern',
    'rope.freq_base_swa',
    'rope.scaling.type',
    'rope.scaling.factor',
    'rope.scale_linear',
    'expert_count',
  ]
  const keys = [
    ...known,
    ...others.map((key) => `${architecture}.${key}`),
    'tokenizer.ggml.eot_token_id',
    'tokenizer.chat_template',
    'general.alignment',
    'split.count',
  ]
  const property = fc.property(
    fc.dictionary(fc.constantFrom(...keys), anyValue, { minKeys: 1, maxKeys: 3 }),
    (changes) => {
      writeGguf(path, config, changes)
      attempt(() => readWhole(path, readFileSync(path).length))
    },
  )
  fc.assert(property, examples(400))
})

const anyJson = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    -1,
    0,
    1,
    3,
    0.5,
    1e308,
    2 ** 53,
    2 ** 60,
    '',
    '4',
    'yarn',
    'linear',
    'llama3',
  ),
  fc.constantFrom([], {}, [1, 0], ['full_attention', 'sliding_attention', 3], {
    rope_type: 'linear',
    factor: 2,
  }),
  fc.constantFrom(
    { full_attention: 3 },
    { full_attention: { rope_type: 'llama3', factor: -1 } },
    { rope_theta: '1' },
  ),
)

test.each(FAMILIES)('a config.json of %s that says anything at all', (family) => {
  const config = readConfig(family)
  const keys = [
    ...Object.keys(config),
    'rope_scaling',
    'rope_theta',
    'layer_types',
    'no_rope_layers',
    'sliding_window_pattern',
    'num_experts',
    'quantization_config',
  ]
  const property = fc.property(
    fc.dictionary(fc.constantFrom(...keys), anyJson, { minKeys: 1, maxKeys: 3 }),
    anyJson,
    (changes, generation) => {
      attempt(() => {
        const { numHiddenLayers, layerKinds, attentionKinds, headDim } = parseHuggingFaceConfig(
          { ...config, ...changes },
          generation,
          family,
        )
        expect(layerKinds.length).toBe(numHiddenLayers)
        expect(layerKinds.every((kind) => kind >= 0 && kind < attentionKinds.length)).toBe(true)
        for (const { rope } of attentionKinds) expect(rope?.factors?.length ?? headDim / 2).toBe(headDim / 2)
      })
    },
  )
  fc.assert(property, examples(2_000))
})

test.each(['gemma3', 'qwen2-window', 'mistral-window'])('damaged safetensors files of %s', (family) => {
  const path = join(folder, `${family}.safetensors`)
  const valid = readFileSync(join(golden, family, 'model.safetensors'))
  const header = 8 + Number(valid.readBigUInt64LE())
  // Damage in the header; the tensors follow it untouched.
  const property = fc.property(mutated(valid.subarray(0, header)), (bytes) => {
    writeFileSync(path, Buffer.concat([bytes, valid.subarray(header)]))
    attempt(() => readAll(openSafetensors(path), bytes.length + valid.length - header))
  })
  fc.assert(property, examples(400))
})

/** Where a number of 64 bits lies in a file, as its distance from the start of some text. */
const after = (bytes: Buffer, text: string, distance = 0) => bytes.indexOf(text) + text.length + distance

const CLAIMS: [string, (bytes: Buffer) => number][] = [
  ['tensors', () => 8],
  ['metadata entries', () => 16],
  ['characters of a key', () => 24],
  ['tokens', (bytes) => after(bytes, 'tokenizer.ggml.tokens', 8)],
  ['characters of a token', (bytes) => after(bytes, 'tokenizer.ggml.tokens', 16)],
  ['token types', (bytes) => after(bytes, 'tokenizer.ggml.token_type', 8)],
  ['values of a tensor', (bytes) => after(bytes, 'token_embd.weight', 4)],
  ['rows of a tensor', (bytes) => after(bytes, 'token_embd.weight', 12)],
  ['bytes before a tensor', (bytes) => after(bytes, 'token_embd.weight', 24)],
]

test.each(CLAIMS)(
  'a GGUF file that claims 2^60 or 2^40 %s is refused before any of them has memory',
  (_what, find) => {
    const path = join(folder, 'claims.gguf')
    writeGguf(path, smallConfig('gemma3'))
    const valid = readFileSync(path)
    for (const claim of [2n ** 60n, 2n ** 40n]) {
      const bytes = Buffer.from(valid)
      bytes.writeBigUInt64LE(claim, find(bytes))
      writeFileSync(path, bytes)
      expectRefusal(() => openBase(path))
    }
  },
)

test('a safetensors file that claims 2^60 or 2^40 values is refused before any of them has memory', () => {
  const path = join(folder, 'claims.safetensors')
  for (const claim of [2 ** 60, 2 ** 40]) {
    for (const entry of [
      { dtype: 'F32', shape: [claim], data_offsets: [0, 4 * claim] },
      { dtype: 'F32', shape: [claim, 0], data_offsets: [0, claim] },
      { dtype: 'F32', shape: [1], data_offsets: [claim, claim + 4] },
    ]) {
      const header = Buffer.from(JSON.stringify({ a: entry }))
      const length = Buffer.alloc(8)
      length.writeBigUInt64LE(BigInt(header.length))
      writeFileSync(path, Buffer.concat([length, header, Buffer.alloc(64)]))
      expectRefusal(() => openSafetensors(path))
      length.writeBigUInt64LE(BigInt(claim))
      writeFileSync(path, Buffer.concat([length, header]))
      expectRefusal(() => openSafetensors(path))
    }
  }
})

function expectRefusal(open: () => unknown): void {
  const used = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
  const before = used()
  expect(open).toThrow(EngineError)
  expect(used() - before).toBeLessThan(50e6)
}
