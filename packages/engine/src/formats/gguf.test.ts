import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openGguf } from './gguf.ts'
import { type GgufFixtureTensor, type GgufFixtureValue, writeGgufFixture } from './gguf-fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'gguf-'))
afterAll(() => rmSync(folder, { recursive: true }))

let count = 0
const freshPath = () => join(folder, `${count++}.gguf`)

const LLAMA: Record<string, GgufFixtureValue> = {
  'general.architecture': { type: 'string', value: 'llama' },
  'llama.attention.head_count': { type: 'uint32', value: 2 },
  'llama.attention.head_count_kv': { type: 'uint32', value: 1 },
}

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)
const norm: GgufFixtureTensor = {
  name: 'output_norm.weight',
  dimensions: [4],
  type: 0,
  bytes: floats(1, 2, 3, 4),
}

function write(tensors: GgufFixtureTensor[], metadata = LLAMA, version = 3): string {
  const path = freshPath()
  writeGgufFixture(path, metadata, tensors, version)
  return path
}

/** Stored bytes and values of sin(0.7 i) · linspace(0.1, 3, 64), i = 0 … 63, as two rows, from gguf 0.19.0 for Python. */
const GOLDENS: [string, number, string, string][] = [
  [
    'F16',
    1,
    'AAAFLg4ylDIXLmmvP7Wjtru0bSDkNcs4djgiM120kLmNul24/ic4OQs8ODtlNRW3R7zivEa6VSyUO7M99TwDNwG5zL15vgy8jy8CPVs/Rj41OJG6V78GwOm81jFDPoNAjj/NOB28dMDOwLu9KzSPP1hBZ0BIOf68P8GTwYC+ozU=',
    'AAAAAACgwD0AwEE+AIBSPgDgwj0AIO29AOCnvgBg1L4AYJe+AKANPACAvD4AYBk/AMAOPwBAZD4AoIu+AAAyvwCgUb8AoAu/AMD/PAAAJz8AYIE/AABnPwCgrD4AoOK+AOCIvwBAnL8AwEi/AKCKPQCAcj8AYLY/AKCePwBg4D4AICC/AIC5vwAgz78AgIG/AODxPQBAoD8AYOs/AMDIPwCgBj8AIFK/AODqvwDAAMAAIJ2/AMA6PgBgyD8AYBBAAMDxPwCgGT8AoIO/AIAOwADAGcAAYLe/AGCFPgDg8T8AACtAAOAMQAAAKT8AwJ+/AOAnwABgMsAAANC/AGC0Pg==',
  ],
  [
    'BF16',
    30,
    'AADBPUI+Uj7DPe29qL7Uvpe+Djy8Phk/Dz9kPoy+Mr9Svwy/AD0nP4E/Zz+tPuO+ib+cv0m/iz1yP7Y/nz/gPiC/ur/Pv4K/8j2gP+s/yT8HP1K/678BwJ2/Oz7IPxBA8j8aP4S/DsAawLe/hT7yPytADUApP6C/KMAywNC/tD4=',
    'AAAAAAAAwT0AAEI+AABSPgAAwz0AAO29AACovgAA1L4AAJe+AAAOPAAAvD4AABk/AAAPPwAAZD4AAIy+AAAyvwAAUr8AAAy/AAAAPQAAJz8AAIE/AABnPwAArT4AAOO+AACJvwAAnL8AAEm/AACLPQAAcj8AALY/AACfPwAA4D4AACC/AAC6vwAAz78AAIK/AADyPQAAoD8AAOs/AADJPwAABz8AAFK/AADrvwAAAcAAAJ2/AAA7PgAAyD8AABBAAADyPwAAGj8AAIS/AAAOwAAAGsAAALe/AACFPgAA8j8AACtAAAANQAAAKT8AAKC/AAAowAAAMsAAANC/AAC0Pg==',
  ],
  [
    'Q8_0',
    8,
    'viEACBESCPbj2+YBITUyFOjCt88DOlpQHtmhk7oGVH9uJ58l5L620gU5VEcY26ykyAhHZ1Yb0ZuTvwxWemQex4mBthA=',
    'AAAAAADAtz0APEM+ALhOPgDAtz0AsOW9AIamvgB21L4ATJW+AMA3PAB+vT4AKxg/AI4PPwCwZT4A0Im+AAIyvwCXUb8Arwy/ANAJPQCGJj8AM4E/ALBlPwBErD4A8t++gGCIv4B5nL8A+ki/ANCJPQAscT+AULY/AOmdPwDy3z4AZB2/AH+5vwD7z78ASYG/ANjgPYAzoD8AFuw/gIzHPwDoBj8A+0+/ABbsvwBJAcAAZJ2/AOAzPoCMxz9AvhBAALXxPwDFFz+AGIS/wO4NwMAsGcCAr7a/AOiGPgC18T+AcStAAIcMQACiKD+AM6C/QDonwEB4MsAA+8+/AOCzPg==',
  ],
  [
    'Q4_0',
    2,
    's7HYt4dHJzlqqur4xoU1BxpskzXWpFMlGEyd3Prmo0IECTye',
    'AAAAgABgNj4AYDY+AGA2PgBgNj4AYDa+AGC2vgBgtr4AYLa+AAAAgABgtj4AyAg/AMgIPwBgNj4AYLa+AGA2vwD4Y78AyAi/AAAAgABgNj8AyIg/APhjPwBgtj4AYLa+AMiIvwCUn78AYDa/AAAAgAD4Yz8AYLY/AJSfPwBgtj4AYDK/AGCyvwD43r8AyIW/AAAAAABgsj8A+N4/AGCyPwBgMj8AYDK/APjevwDIBcAAYLK/AGCyPgBgsj8AyAVAAPjePwBgMj8AyIW/AMgFwAAUHMAAYLK/AGCyPgD43j8AFBxAAMgFQABgMj8AYLK/AGAywABgMsAA+N6/AGCyPg==',
  ],
  [
    'Q4_1',
    3,
    'pDHivCdHeLjXxpVFFQcpesr45ZPTNZPB1pRTJRhLjdz55ZNCBAg8ng==',
    'AABYPAAAWDwAAEI+AABCPgAAWDwAACe+AMCtvgDArb4AwK2+AABYPABAuz4AwAo/AMAKPwAAQj4AwK2+ACAxvwBAXr8AAAS/AABYPADgNz8AEIk/AABlPwBAuz4AAAS/ALCFvwBAnL8AQF6/AABYPAAAZT8AMLY/AKCfPwBAuz4AYBq/AGCqvwD42L8AkHe/AAAAPgDImz8A+Pg/AGDKPwBg+j4AkHe/APjYvwDIA8AAYKq/AAAAPgBgyj8AyBNAAPj4PwBg+j4AkHe/AMgDwAAUG8AAYKq/AAAAPgD4+D8AFCtAAMgTQABg+j4AYKq/AGAywABgMsAA+Ni/AGD6Pg==',
  ],
]

test.each(GOLDENS)('reads %s as the gguf package does', (name, type, stored, expected) => {
  const bytes = Buffer.from(stored, 'base64')
  const source = openGguf(write([{ name: 'blk.0.ffn_up.weight', dimensions: [32, 2], type, bytes }]))
  const tensor = 'model.layers.0.mlp.up_proj.weight'
  expect(source.names()).toEqual([tensor])
  expect(source.dtype(tensor)).toBe(name)
  expect(source.shape(tensor)).toEqual([2, 32])
  const values = source.read(tensor)
  expect(Buffer.from(values.buffer).toString('base64')).toBe(expected)
  source.close()
})

interface Blocks {
  shape: [number, number]
  blocks: { name: string; type: number; stored: string; values: string }[]
}

/** Made by scripts/parity/gguf_golden.py with gguf 0.19.0. */
const BLOCKS = JSON.parse(
  readFileSync(new URL('../../../../bench/golden/gguf-blocks.json', import.meta.url), 'utf8'),
) as Blocks

test.each(BLOCKS.blocks)('reads $name as the gguf package does', ({ name, type, stored, values }) => {
  const [rows, columns] = BLOCKS.shape
  const bytes = Buffer.from(stored, 'base64')
  const source = openGguf(write([{ name: 'blk.0.ffn_up.weight', dimensions: [columns, rows], type, bytes }]))
  const tensor = 'model.layers.0.mlp.up_proj.weight'
  expect(source.dtype(tensor)).toBe(name)
  expect(Buffer.from(source.read(tensor).buffer).toString('base64')).toBe(values)
  source.close()
})

test("undoes the converter's order of q_proj and k_proj rows", () => {
  // Rows 0 … 7 after convert_hf_to_gguf.py's permute with 2 heads of 4, and rows 0 … 3 with 1 head (numpy 2.4.6).
  const queries = [0, 2, 1, 3, 4, 6, 5, 7].flatMap((row) => [row, row + 0.5])
  const keys = [0, 2, 1, 3].flatMap((row) => [row, row + 0.5])
  const source = openGguf(
    write([
      { name: 'blk.3.attn_q.weight', dimensions: [2, 8], type: 0, bytes: floats(...queries) },
      { name: 'blk.3.attn_k.weight', dimensions: [2, 4], type: 0, bytes: floats(...keys) },
      { name: 'blk.3.attn_v.weight', dimensions: [2, 4], type: 0, bytes: floats(...keys) },
    ]),
  )
  const inOrder = (rows: number) => Float32Array.from({ length: 2 * rows }, (_, i) => i / 2)
  expect(source.read('model.layers.3.self_attn.q_proj.weight')).toEqual(inOrder(8))
  expect(source.read('model.layers.3.self_attn.k_proj.weight')).toEqual(inOrder(4))
  expect(source.read('model.layers.3.self_attn.v_proj.weight')).toEqual(Float32Array.from(keys))
  source.close()
})

test('gives every tensor of a Llama its Hugging Face name', () => {
  const parts = [
    'attn_norm',
    'attn_q',
    'attn_k',
    'attn_v',
    'attn_output',
    'ffn_norm',
    'ffn_gate',
    'ffn_up',
    'ffn_down',
  ]
  const names = ['token_embd', 'output_norm', 'output', ...parts.map((part) => `blk.12.${part}`)]
  const source = openGguf(write(names.map((name) => ({ ...norm, name: `${name}.weight` }))))
  expect(source.names()).toEqual([
    'model.embed_tokens.weight',
    'model.norm.weight',
    'lm_head.weight',
    'model.layers.12.input_layernorm.weight',
    'model.layers.12.self_attn.q_proj.weight',
    'model.layers.12.self_attn.k_proj.weight',
    'model.layers.12.self_attn.v_proj.weight',
    'model.layers.12.self_attn.o_proj.weight',
    'model.layers.12.post_attention_layernorm.weight',
    'model.layers.12.mlp.gate_proj.weight',
    'model.layers.12.mlp.up_proj.weight',
    'model.layers.12.mlp.down_proj.weight',
  ])
  source.close()
})

test('reads metadata of every kind', () => {
  const source = openGguf(
    write(
      [norm],
      {
        ...LLAMA,
        text: { type: 'string', value: 'naïve 😀' },
        flag: { type: 'bool', value: true },
        negative: { type: 'int32', value: -7 },
        large: { type: 'uint64', value: 2 ** 40 },
        real: { type: 'float32', value: 0.5 },
        words: { type: 'strings', value: ['a', '', 'Ġb'] },
        scores: { type: 'float32s', value: [-1.5, 0] },
      },
      2,
    ),
  )
  const { 'general.architecture': _, ...values } = Object.fromEntries(source.metadata)
  expect(values).toEqual({
    'llama.attention.head_count': 2,
    'llama.attention.head_count_kv': 1,
    text: 'naïve 😀',
    flag: true,
    negative: -7,
    large: 2 ** 40,
    real: 0.5,
    words: ['a', '', 'Ġb'],
    scores: [-1.5, 0],
  })
  source.close()
})

test('a file truncated anywhere is refused', () => {
  const metadata: typeof LLAMA = { ...LLAMA, words: { type: 'strings', value: ['a', 'bc'] } }
  const path = write(
    [{ name: 'output.weight', dimensions: [8], type: 0, bytes: floats(1, 2, 3, 4, 5, 6, 7, 8) }],
    metadata,
  )
  const bytes = readFileSync(path)
  for (let length = 0; length < bytes.length; length++) {
    writeFileSync(path, bytes.subarray(0, length))
    expect(() => openGguf(path), `${length} bytes`).toThrow('is not a valid GGUF file')
  }
})

test.each<[string, GgufFixtureTensor[], string]>([
  ['a tensor beyond the end', [{ ...norm, offset: 64 }], 'output_norm.weight ends at byte'],
  ['tensors that overlap', [norm, { ...norm, name: 'output.weight', offset: 0 }], 'overlaps the one before'],
  ['a tensor off its alignment', [{ ...norm, offset: 4 }], 'output_norm.weight is not aligned'],
  ['two tensors of one name', [norm, norm], 'tensor output_norm.weight twice'],
  ['a quantised row of odd length', [{ ...norm, type: 8 }], 'rows of 4 values in Q8_0'],
])('refuses a file with %s', (_case, tensors, message) => {
  expect(() => openGguf(write(tensors))).toThrow(message)
})

test('refuses counts that the file cannot hold', () => {
  const path = write([norm])
  const bytes = readFileSync(path)
  for (const offset of [8, 16, 24]) {
    const corrupt = Buffer.from(bytes)
    corrupt.writeBigUInt64LE(2n ** 50n, offset)
    writeFileSync(path, corrupt)
    expect(() => openGguf(path)).toThrow('is not a valid GGUF file')
  }
})

test('names what it does not support', () => {
  const changed = (key: string, value: GgufFixtureValue) => write([norm], { ...LLAMA, [key]: value })
  expect(() => openGguf(write([{ ...norm, type: 11 }]))).toThrow('Tensor output_norm.weight')
  expect(() => openGguf(write([{ ...norm, type: 11 }]))).toThrow('has the type Q3_K')
  expect(() => openGguf(write([{ ...norm, name: 'blk.0.ffn_gate_exps.weight' }]))).toThrow(
    'Tensor blk.0.ffn_gate_exps.weight',
  )
  expect(() => openGguf(write([{ ...norm, name: 'blk.0.attn_q.bias' }]))).toThrow('blk.0.attn_q.bias')
  expect(() => openGguf(changed('general.architecture', { type: 'string', value: 'gemma2' }))).toThrow(
    'the architecture gemma2',
  )
  expect(() => openGguf(changed('split.count', { type: 'uint32', value: 3 }))).toThrow('one of 3 parts')
  expect(() => openGguf(changed('llama.attention.head_count', { type: 'int32s', value: [2, 2] }))).toThrow(
    'no single head count',
  )
  expect(() => openGguf(write([norm], LLAMA, 1))).toThrow('GGUF version 1')
  expect(() => openGguf(write([norm], LLAMA, 3 << 24))).toThrow('version 3, big-endian')
})
