// Model files that are damaged anywhere are either read as what they say or refused with an EngineError.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compareWithBase, inspectAdapter, openBase, readAdapter } from '@regraft/engine'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { openGguf } from '../../packages/engine/src/formats/gguf.ts'
import { type GgufFixtureValue, writeGgufFixture } from '../../packages/engine/src/formats/gguf-fixture.ts'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import { openSafetensors, writeSafetensors } from '../../packages/engine/src/formats/safetensors.ts'
import { attempt, readAll } from './attempt.ts'
import { examples, mutated } from './mutations.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-fuzz-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The F32 tensors of a safetensors file, read by its description alone. */
function readPlainly(bytes: Buffer): Map<string, Float32Array> {
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >
  const tensors = new Map<string, Float32Array>()
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__' || entry.dtype !== 'F32') continue
    const [start, end] = entry.data_offsets
    tensors.set(
      name,
      new Float32Array(Uint8Array.from(bytes.subarray(8 + length + start, 8 + length + end)).buffer),
    )
  }
  return tensors
}

test('damaged safetensors files', () => {
  const path = join(folder, 'a.safetensors')
  const data = Float32Array.of(1, -2.5, 3e-5, 7)
  writeSafetensors(path, [
    { name: 'model.a', shape: [2, 2], dtype: 'F32', data },
    { name: 'model.b', shape: [4], dtype: 'F16', data },
    { name: 'model.c', shape: [2, 2, 1], dtype: 'BF16', data },
    { name: 'model.d', shape: [2], dtype: 'F32', data: data.subarray(2) },
  ])
  let read = 0
  const property = fc.property(mutated(readFileSync(path)), (bytes) => {
    writeFileSync(path, bytes)
    attempt(() => {
      const source = openSafetensors(path)
      for (const [name, values] of readPlainly(bytes)) {
        expect(Buffer.from(source.read(name).buffer)).toEqual(Buffer.from(values.buffer))
      }
      readAll(source, bytes.length)
      read++
    })
  })
  fc.assert(property, examples(20_000))
  // Some damage lies in the values only: such files are read.
  expect(read).toBeGreaterThan(10)
})

/** ggml's number, values and bytes of a block: F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K. */
const EVERY_TYPE: [number, number, number][] = [
  [1, 1, 2],
  [30, 1, 2],
  [2, 32, 18],
  [3, 32, 20],
  [6, 32, 22],
  [7, 32, 24],
  [8, 32, 34],
  [12, 256, 144],
  [13, 256, 176],
  [14, 256, 210],
]

test('damaged GGUF files', () => {
  const path = join(folder, 'a.gguf')
  const row = Uint8Array.from({ length: 34 * 2 }, (_, i) => (i % 34 < 2 ? [0, 44][i % 34]! : i))
  const metadata: Record<string, GgufFixtureValue> = {
    'general.architecture': { type: 'string', value: 'llama' },
    'llama.attention.head_count': { type: 'uint32', value: 2 },
    'llama.attention.head_count_kv': { type: 'uint32', value: 1 },
    'llama.rope.freq_base': { type: 'float32', value: 10_000 },
    'tokenizer.ggml.tokens': { type: 'strings', value: ['a', 'b', '<|end|>'] },
    'tokenizer.ggml.scores': { type: 'float32s', value: [0, -1, -2] },
  }
  writeGgufFixture(path, metadata, [
    {
      name: 'output_norm.weight',
      dimensions: [4],
      type: 0,
      bytes: new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer),
    },
    { name: 'blk.0.attn_q.weight', dimensions: [2, 8], type: 0, bytes: new Uint8Array(64) },
    { name: 'blk.0.ffn_up.weight', dimensions: [32, 2], type: 8, bytes: row },
    { name: 'blk.0.ffn_down.weight', dimensions: [32, 2], type: 2, bytes: row.subarray(0, 36) },
    ...EVERY_TYPE.map(([type, values, bytes], layer) => ({
      name: `blk.${layer + 1}.attn_output.weight`,
      dimensions: [values, 2],
      type,
      bytes: Uint8Array.from({ length: 2 * bytes }, (_, i) => (i * 37) & 0x7f),
    })),
  ])
  let read = 0
  const property = fc.property(mutated(readFileSync(path)), (bytes) => {
    writeFileSync(path, bytes)
    attempt(() => {
      readAll(openGguf(path), bytes.length)
      read++
    })
  })
  fc.assert(property, examples(20_000))
  expect(read).toBeGreaterThan(10)
})

test.each([
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'model.safetensors',
])('a base with a damaged %s', (name) => {
  const base = join(folder, `base-${name}`)
  writePicoBase(base)
  const path = join(base, name)
  const property = fc.property(mutated(readFileSync(path)), (bytes) => {
    writeFileSync(path, bytes)
    attempt(() => {
      const opened = openBase(base)
      try {
        const text = 'where is the card'
        const ids = opened.tokenizer.encode(text)
        for (const id of ids) expect(Number.isInteger(id) && id >= 0).toBe(true)
        opened.tokenizer.decode(ids)
      } finally {
        opened.close()
      }
    })
  })
  fc.assert(property, examples(1_500))
})

test('an adapter with a damaged configuration', () => {
  const path = join(folder, 'adapter_config.json')
  const config = {
    peft_type: 'LORA',
    r: 2,
    lora_alpha: 4,
    target_modules: ['q_proj'],
    bias: 'none',
    use_rslora: false,
  }
  const name = 'base_model.model.model.layers.0.self_attn.q_proj'
  writeSafetensors(join(folder, 'adapter_model.safetensors'), [
    { name: `${name}.lora_A.weight`, shape: [2, 4], dtype: 'F32', data: new Float32Array(8).fill(1) },
    { name: `${name}.lora_B.weight`, shape: [4, 2], dtype: 'F32', data: new Float32Array(8).fill(1) },
  ])
  const property = fc.property(mutated(Buffer.from(JSON.stringify(config))), (bytes) => {
    writeFileSync(path, bytes)
    attempt(() => {
      for (const { scale, rank } of readAdapter(folder).modules.values()) {
        expect(Number.isFinite(scale) && rank === 2).toBe(true)
      }
    })
  })
  fc.assert(property, examples(1_500))
})

test('the folder of a damaged adapter is inspected and compared, whatever is broken in it', () => {
  const basePath = join(folder, 'compared-base')
  writePicoBase(basePath)
  const base = openBase(basePath)
  const pristine = new Map<string, Buffer>()
  const adapter = join(folder, 'compared')
  cpSync(join(import.meta.dirname, '../../bench/golden/pico-adapters/plain'), adapter, { recursive: true })
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    cpSync(join(basePath, name), join(adapter, name))
  }
  for (const name of [
    'adapter_config.json',
    'adapter_model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ]) {
    pristine.set(name, readFileSync(join(adapter, name)))
  }
  let compared = 0
  for (const [name, bytes] of pristine) {
    const property = fc.property(mutated(bytes), (broken) => {
      writeFileSync(join(adapter, name), broken)
      attempt(() => {
        const { weights } = inspectAdapter(adapter)
        const { modules } = compareWithBase(adapter, weights?.modules ?? [], base)
        expect(modules.fitting + modules.unknown.length + modules.misfits.length).toBe(
          weights?.modules.length ?? 0,
        )
        compared++
      })
    })
    fc.assert(property, examples(150))
    writeFileSync(join(adapter, name), bytes)
  }
  expect(compared).toBeGreaterThan(100)
  base.close()
})
