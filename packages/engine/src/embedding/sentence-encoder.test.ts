import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { EmbeddingProcess } from '../protocol/start-embedding.ts'
import { digestEncoder, openEncoderFolder } from './encoder-folder.ts'
import { EncoderTokenizer } from './encoder-tokenizer.ts'
import { type PicoEncoderOptions, writePicoEncoder } from './pico-encoder.ts'
import { SentenceEncoder } from './sentence-encoder.ts'

const root = mkdtempSync(join(tmpdir(), 'regraft-encoder-'))
afterAll(() => rmSync(root, { recursive: true }))

let made = 0
function encoderFolder(options: PicoEncoderOptions = {}): string {
  const folder = join(root, String(made++))
  writePicoEncoder(folder, options)
  return folder
}
const vectorOf = ({ vectors, dimension }: { vectors: Float32Array; dimension: number }, row: number) =>
  vectors.subarray(row * dimension, (row + 1) * dimension)
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, at) => sum + value * b[at]!, 0)

const TEXTS = ['where is my card', 'card', 'Where is MY card', 'the parcel is late', 'refund my money please']

test('vectors have length 1, the order of the texts, and do not depend on what else is in the batch', async () => {
  const encoder = await SentenceEncoder.open(openEncoderFolder(encoderFolder()), 1)
  const together = await encoder.embed(TEXTS)
  expect(together).toMatchObject({ dimension: 8, truncated: 0 })
  for (const [row, text] of TEXTS.entries()) {
    const alone = vectorOf(await encoder.embed([text]), 0)
    expect(dot(alone, alone)).toBeCloseTo(1, 6)
    expect(dot(alone, vectorOf(together, row))).toBeCloseTo(1, 6)
  }
  expect(dot(vectorOf(together, 0), vectorOf(together, 2))).toBeCloseTo(1, 6)
  expect(dot(vectorOf(together, 0), vectorOf(together, 3))).toBeLessThan(0.99)
})

test('a long text keeps its beginning and its last special token, and is counted', async () => {
  const folder = openEncoderFolder(encoderFolder())
  expect(folder.maximumTokens).toBe(8)
  const tokenizer = new EncoderTokenizer(folder.tokenizer, folder.tokenizerConfig, folder.maximumTokens)
  const { ids } = tokenizer.encode('where is my card')
  expect(ids).toHaveLength(6)
  const long = tokenizer.encode('where is my card the parcel is late')
  expect(long).toEqual({
    ids: [...ids.slice(0, 5), ...tokenizer.encode('the parcel').ids.slice(1)],
    truncated: true,
  })
  const encoder = await SentenceEncoder.open(folder, 1)
  expect((await encoder.embed(['card', 'where is my card the parcel is late'])).truncated).toBe(1)
})

test('mean and first-token pooling give what the graph says', async () => {
  const path = encoderFolder()
  const mean = await SentenceEncoder.open(openEncoderFolder(path), 1)
  const first = await SentenceEncoder.open(openEncoderFolder(path, 'cls'), 1)
  const [a, b] = [vectorOf(await mean.embed(['card']), 0), vectorOf(await first.embed(['card']), 0)]
  expect(dot(a, b)).toBeLessThan(0.999)
  const digests = [undefined, 'cls' as const].map((pooling) =>
    digestEncoder(openEncoderFolder(path, pooling)),
  )
  const [ofMean, ofFirst] = await Promise.all(digests)
  expect(ofMean).not.toBe(ofFirst)
})

test('the process answers as the encoder does, in turn', async () => {
  const path = encoderFolder({ model: 'onnx/model.onnx' })
  const child = await EmbeddingProcess.start({ path, threads: 1 })
  try {
    expect(child.info).toMatchObject({
      pooling: 'mean',
      maximumTokens: 8,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const [all, one, none] = await Promise.all([child.embed(TEXTS), child.embed(['card']), child.embed([])])
    expect(vectorOf(one, 0)).toEqual(vectorOf(all, 1).slice())
    expect(none).toEqual({ dimension: 0, vectors: new Float32Array(0), truncated: 0 })
  } finally {
    await child.close()
  }
  await expect(child.embed(['card'])).rejects.toMatchObject({ code: 'engine-failed' })
})

test.each([
  ['there is no folder', join(root, 'none'), 'not-found'],
  ['no tokenizer', encoderFolder({ files: { 'tokenizer.json': null } }), 'not-found'],
  ['no pooling', encoderFolder({ files: { '1_Pooling/config.json': null } }), 'not-found'],
  [
    'another pooling',
    encoderFolder({ files: { '1_Pooling/config.json': { pooling_mode_max_tokens: true } } }),
    'incompatible',
  ],
  [
    'a dense layer',
    encoderFolder({ files: { 'modules.json': [{ type: 'sentence_transformers.models.Dense' }] } }),
    'incompatible',
  ],
  [
    'no limit',
    encoderFolder({ files: { 'sentence_bert_config.json': null, 'tokenizer_config.json': null } }),
    'not-found',
  ],
])('a folder is refused by name: %s', (_, path, code) => {
  expect(() => openEncoderFolder(path)).toThrow(expect.objectContaining({ code, hint: expect.anything() }))
})

test('a folder of weights without an ONNX file is told how to export it; a broken model is refused', async () => {
  const path = encoderFolder({ model: 'other.onnx' })
  writeFileSync(join(path, 'model.safetensors'), '')
  expect(() => openEncoderFolder(path)).toThrow(
    expect.objectContaining({ code: 'not-found', hint: expect.stringContaining('model.safetensors') }),
  )
  writeFileSync(join(path, 'model.onnx'), 'no protobuf')
  await expect(EmbeddingProcess.start({ path, threads: 1 })).rejects.toMatchObject({ code: 'invalid-file' })
})
