import { createHash } from 'node:crypto'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { renderChat } from '../tokenizer/index.ts'
import { openBase } from './base.ts'
import { changedPart } from './changed-part.ts'
import { type GgufFixtureValue, writeGgufFixture } from './gguf-fixture.ts'
import { ggufMetadata, ggufTensors, ggufTokenizer } from './gguf-model-fixture.ts'
import {
  PICO_CHAT_TEMPLATE,
  PICO_CONFIG,
  type PicoBaseOptions,
  picoTensors,
  picoTokenizerJson,
  writePicoBase,
} from './pico-base.ts'

const folder = mkdtempSync(join(tmpdir(), 'base-'))
afterAll(() => rmSync(folder, { recursive: true }))

let count = 0
const freshPath = () => join(folder, `base-${count++}`)
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')

function pico(options: PicoBaseOptions = {}): string {
  const path = freshPath()
  writePicoBase(path, options)
  return path
}

test('opens a Hugging Face folder with configuration, tensors, tokenizer and chat template', () => {
  const path = pico({ dtype: 'BF16' })
  const base = openBase(path)
  expect(base.format).toBe('huggingface')
  expect(base.config).toEqual(PICO_CONFIG)
  expect(base.precision).toBe('BF16')
  expect(base.specialTokens).toEqual({
    bos: '<|im_start|>',
    eos: '<|im_end|>',
    unk: '<|endoftext|>',
    pad: '<|im_end|>',
  })
  const text = renderChat(base, [{ role: 'user', content: 'where is the card' }], {
    addGenerationPrompt: true,
  })
  expect(text).toBe('<|im_start|>user\nwhere is the card<|im_end|>\n<|im_start|>assistant\n')
  const ids = base.tokenizer.encode(text)
  expect(ids[0]).toBe(1)
  expect(base.tokenizer.decode(ids)).toBe(text)
  expect(base.tensors.shape('model.layers.1.self_attn.k_proj.weight')).toEqual([8, 16])
  base.close()
})

test('a sharded folder holds the same tensors as a single file', () => {
  const [single, sharded] = [openBase(pico()), openBase(pico({ sharded: true }))]
  expect(sharded.tensors.names().sort()).toEqual(single.tensors.names().sort())
  for (const name of single.tensors.names())
    expect(sharded.tensors.read(name)).toEqual(single.tensors.read(name))
  expect(sharded.digests.weights).not.toBe(single.digests.weights)
  expect(sharded.digests.tokenizer).toBe(single.digests.tokenizer)
  single.close()
  sharded.close()
})

test('digests are those of the weight file, the tokenizer and the template, and change with them', () => {
  const path = pico()
  const base = openBase(path)
  const before = { ...base.digests }
  expect(before.weights).toBe(sha256(readFileSync(join(path, 'model.safetensors'))))
  expect(before.chatTemplate).toBe(sha256(PICO_CHAT_TEMPLATE))
  base.close()

  // The same tokenizer in another layout has the same digest.
  const tokenizerPath = join(path, 'tokenizer.json')
  const { model, ...rest } = picoTokenizerJson()
  writeFileSync(tokenizerPath, JSON.stringify({ model, ...rest }))
  writeFileSync(join(path, 'chat_template.jinja'), '{{ messages }}')
  const template = openBase(path)
  expect(template.digests.tokenizer).toBe(before.tokenizer)
  expect(template.digests.chatTemplate).toBe(sha256('{{ messages }}'))
  template.close()

  const merges = (model.merges as string[]).slice(0, -1)
  writeFileSync(tokenizerPath, JSON.stringify({ ...rest, model: { ...model, merges } }))
  const changed = openBase(path)
  expect(changed.digests.tokenizer).not.toBe(before.tokenizer)
  changed.close()
})

test('fills in the defaults of LlamaConfig and reads rope_parameters and several ends', () => {
  const config = {
    head_dim: undefined,
    rope_theta: undefined,
    rope_parameters: { rope_type: 'default', rope_theta: 500_000 },
    rms_norm_eps: undefined,
    max_position_embeddings: undefined,
  }
  const path = pico({ config })
  writeFileSync(join(path, 'generation_config.json'), '{ "eos_token_id": [2, 0] }')
  const base = openBase(path)
  expect(base.config).toEqual({
    ...PICO_CONFIG,
    attentionKinds: [{ window: null, rope: { theta: 500_000, factors: null } }],
    rmsNormEps: 1e-6,
    maxPositionEmbeddings: 2048,
    eosTokenIds: [2, 0],
  })
  base.close()
})

const QWEN2 = { architectures: ['Qwen2ForCausalLM'] }
const MISTRAL = { architectures: ['MistralForCausalLM'] }

test.each([
  ['architecture', { architectures: ['Gemma2ForCausalLM'] }, 'the architecture Gemma2ForCausalLM'],
  ['kind of model', { architectures: undefined, model_type: 'qwen2_moe' }, 'the architecture qwen2_moe'],
  ['pictures', { architectures: ['Gemma3ForConditionalGeneration'] }, 'Gemma3ForConditionalGeneration'],
  ['attention bias', { attention_bias: true }, 'attention_bias set'],
  ['MLP bias', { mlp_bias: true }, 'mlp_bias set'],
  ['rope scaling', { rope_scaling: { rope_type: 'llama3', factor: 32 } }, 'the low_freq_factor undefined'],
  ['old rope scaling', { rope_scaling: { type: 'dynamic', factor: 2 } }, 'rope scaling of type dynamic'],
  ['rope factor', { rope_scaling: { type: 'linear', factor: 0 } }, 'has the factor 0'],
  ['partial rotation', { partial_rotary_factor: 0.5 }, 'partial_rotary_factor = 0.5'],
  ['ropes', { rope_parameters: { full_attention: {} } }, 'rope parameters of its own for full_attention'],
  ['softcapping', { final_logit_softcapping: 30 }, 'final_logit_softcapping = 30'],
  ['experts', { num_local_experts: 8 }, 'num_local_experts = 8'],
  ['layers', { num_hidden_layers: 1e9 }, 'numHiddenLayers is 1000000000'],
  [
    'kinds of layers',
    { ...QWEN2, layer_types: ['chunked_attention', 'x'] },
    'layers of type chunked_attention',
  ],
  ['number of kinds', { ...QWEN2, layer_types: ['full_attention'] }, 'has 1 layer_types for 2 layers'],
  ['window', { ...MISTRAL, sliding_window: 0 }, 'sliding_window of'],
  ['biases', QWEN2, 'has no tensor model.layers.0.self_attn.q_proj.bias'],
  ['new rope scaling', { rope_parameters: { rope_type: 'yarn' } }, 'rope scaling of type yarn'],
  ['activation', { hidden_act: 'gelu' }, 'the activation gelu'],
  ['quantisation', { quantization_config: { quant_method: 'gptq' } }, 'weights quantised by gptq'],
  ['size', { hidden_size: -1 }, 'hiddenSize is -1'],
  ['missing size', { intermediate_size: undefined }, 'intermediateSize is undefined'],
  ['heads', { num_key_value_heads: 3 }, '3 key-value heads do not divide 4 heads'],
])('refuses a folder because of its %s', (_case, config, message) => {
  expect(() => openBase(pico({ config }))).toThrow(message)
})

test('lists the architectures that are supported', () => {
  const refusal = () => openBase(pico({ config: { architectures: ['PhiForCausalLM'] } }))
  expect(refusal).toThrow(
    expect.objectContaining({
      hint:
        'Supported: LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM, SmolLM3ForCausalLM, ' +
        'Gemma3ForCausalLM',
    }),
  )
})

test('a Mistral without a window is a Llama', () => {
  const base = openBase(pico({ config: { ...MISTRAL, sliding_window: null } }))
  expect(base.config).toEqual({ ...PICO_CONFIG, architecture: 'mistral' })
  base.close()
})

test('a Gemma folder may have a picture token beyond its vocabulary, and no other token', () => {
  const path = freshPath()
  cpSync(fileURLToPath(new URL('../../../../bench/golden/families/gemma3', import.meta.url)), path, {
    recursive: true,
  })
  const tokenizerPath = join(path, 'tokenizer.json')
  const json = JSON.parse(readFileSync(tokenizerPath, 'utf8'))
  const write = (content: string) => {
    const token = { ...json.added_tokens[0], id: 64, content }
    writeFileSync(tokenizerPath, JSON.stringify({ ...json, added_tokens: [...json.added_tokens, token] }))
  }
  write('<image_soft_token>')
  const base = openBase(path)
  expect(base.tokenizer.vocabSize).toBe(64)
  base.close()
  write('<other>')
  expect(() => openBase(path)).toThrow('has 65 tokens, its weights know 64')
})

test('a tensor of a layer that the configuration has no place for is refused', () => {
  const name = 'model.layers.0.self_attn.q_proj.bias'
  const bias = { name, shape: [16], dtype: 'F32' as const, data: new Float32Array(16) }
  expect(() => openBase(pico({ extra: [bias] }))).toThrow(`has the tensor ${name}, which is no part`)
  const frequencies = { ...bias, name: 'model.layers.0.self_attn.rotary_emb.inv_freq' }
  openBase(pico({ extra: [frequencies] })).close()
})

test('names the tensor that is missing, has another shape or a type that cannot be read', () => {
  const name = 'model.layers.1.mlp.down_proj.weight'
  const wrong = { name, shape: [24, 16], dtype: 'F32' as const, data: new Float32Array(384) }
  expect(() => openBase(pico({ tensors: { [name]: null } }))).toThrow(`has no tensor ${name}`)
  expect(() => openBase(pico({ tensors: { [name]: wrong } }))).toThrow(
    /down_proj\.weight of .* has shape \[24, 16\], its configuration says \[16, 24\]/,
  )
  expect(() => openBase(pico({ config: { tie_word_embeddings: false } }))).toThrow(
    'has no tensor lm_head.weight',
  )
  expect(() => openBase(pico({ config: { vocab_size: 271 } }))).toThrow('embed_tokens.weight')
})

test('names the file that is missing or broken', () => {
  expect(() => openBase(join(folder, 'nowhere'))).toThrow('There is no base at')
  for (const name of ['config.json', 'tokenizer.json']) {
    const path = pico()
    writeFileSync(join(path, name), '{"a":')
    expect(() => openBase(path)).toThrow(`${name} is no valid JSON`)
    unlinkSync(join(path, name))
    expect(() => openBase(path)).toThrow(`has no ${name}`)
  }
  const unweighted = pico()
  unlinkSync(join(unweighted, 'model.safetensors'))
  expect(() => openBase(unweighted)).toThrow('model.safetensors is missing')
  const outside = { weight_map: { 'model.norm.weight': '../other.safetensors' } }
  writeFileSync(join(unweighted, 'model.safetensors.index.json'), JSON.stringify(outside))
  expect(() => openBase(unweighted)).toThrow('maps no tensors to safetensors files')
  expect(() => openBase(join(unweighted, 'config.json'))).toThrow('neither a folder nor a .gguf file')
})

function writePicoGguf(changes: Record<string, GgufFixtureValue> = {}): string {
  const { model, added_tokens } = picoTokenizerJson()
  const tokens = Object.entries(model.vocab).sort(([, a], [, b]) => a - b)
  const special = new Set(added_tokens.map(({ id }) => id))
  const names = tokens.map(([token]) => token)
  const metadata: Record<string, GgufFixtureValue> = {
    ...ggufMetadata({ ...PICO_CONFIG, rmsNormEps: 2 ** -17 }),
    ...ggufTokenizer(names, model.merges as string[], (id) => special.has(id)),
    'tokenizer.ggml.eot_token_id': { type: 'uint32', value: 0 },
    'tokenizer.chat_template': { type: 'string', value: PICO_CHAT_TEMPLATE },
    ...changes,
  }
  const path = `${freshPath()}.gguf`
  writeGgufFixture(path, metadata, ggufTensors(PICO_CONFIG, picoTensors(PICO_CONFIG)))
  return path
}

test('the same model as GGUF file and as folder has the same tensors, token ids and template', () => {
  const path = writePicoGguf()
  const [gguf, hf] = [openBase(path), openBase(pico())]
  expect(gguf.format).toBe('gguf')
  expect(gguf.config).toEqual({ ...PICO_CONFIG, rmsNormEps: 2 ** -17, eosTokenIds: [2, 0] })
  expect(gguf.precision).toBe('F32')
  for (const name of hf.tensors.names()) expect(gguf.tensors.read(name), name).toEqual(hf.tensors.read(name))
  const text = '<|im_start|>user\nthat 12 cards<|im_end|>'
  expect(gguf.tokenizer.encode(text)).toEqual(hf.tokenizer.encode(text))
  expect(gguf.chatTemplate).toBe(hf.chatTemplate)
  expect(gguf.specialTokens).toEqual({ bos: '<|im_start|>', eos: '<|im_end|>', unk: null, pad: null })
  expect(gguf.digests.weights).toBe(sha256(readFileSync(path)))
  gguf.close()
  hf.close()
})

test('what changed inside a GGUF file is named, though its weights are digested with all the rest', () => {
  const path = writePicoGguf()
  const tokens = Object.entries(picoTokenizerJson().model.vocab).sort(([, a], [, b]) => a - b)
  const names = tokens.map(([token]) => token)
  const swapped = [...names]
  ;[swapped[20], swapped[21]] = [names[21]!, names[20]!]
  const otherWeights = `${freshPath()}.gguf`
  const bytes = readFileSync(path)
  bytes[bytes.length - 40]! ^= 1
  writeFileSync(otherWeights, bytes)
  const digestsOf = (file: string) => {
    const base = openBase(file)
    base.close()
    return { ...base.digests }
  }
  const recorded = digestsOf(path)
  const changed = (file: string) => changedPart(recorded, digestsOf(file))
  const template = { type: 'string', value: '{{ messages }}' } as const
  expect([
    changed(writePicoGguf()),
    changed(writePicoGguf({ 'tokenizer.ggml.tokens': { type: 'strings', value: swapped } })),
    changed(writePicoGguf({ 'tokenizer.chat_template': template })),
    changed(otherWeights),
  ]).toEqual([null, 'tokenizer', 'chatTemplate', 'weights'])
})

test('a chat template beside a GGUF file stands in for a missing one, not for its own', () => {
  const beside = freshPath()
  mkdirSync(beside)
  const [bare, own] = [join(beside, 'bare.gguf'), join(beside, 'own.gguf')]
  renameSync(writePicoGguf({ 'tokenizer.chat_template': { type: 'uint32', value: 0 } }), bare)
  renameSync(writePicoGguf(), own)
  const templateOf = (path: string) => {
    const base = openBase(path)
    base.close()
    return { template: base.chatTemplate, digest: base.digests.chatTemplate }
  }
  expect(templateOf(bare)).toEqual({ template: null, digest: '' })
  writeFileSync(join(beside, 'chat_template.jinja'), 'beside')
  expect(templateOf(bare)).toEqual({ template: 'beside', digest: sha256('beside') })
  expect(templateOf(own).template).toBe(PICO_CHAT_TEMPLATE)
})

test.each<[string, GgufFixtureValue]>([
  ['llama.rope.scaling.type', { type: 'string', value: 'yarn' }],
  ['llama.expert_count', { type: 'uint32', value: 8 }],
  ['llama.rope.dimension_count', { type: 'uint32', value: 2 }],
])('refuses a GGUF file because of its %s', (key, value) => {
  expect(() => openBase(writePicoGguf({ [key]: value }))).toThrow(`has ${key} = ${value.value}`)
})
