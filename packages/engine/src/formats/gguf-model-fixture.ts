/** A model as the GGUF file that llama.cpp's converter would make of it, in F32; names are those of the gguf package. */
import { readFileSync } from 'node:fs'
import type { GgufFixtureTensor, GgufFixtureValue } from './gguf-fixture.ts'
import { type GgufArchitecture, interleavesHeads } from './gguf-names.ts'
import type { DecoderConfig, TensorSource } from './types.ts'

/** Made by scripts/parity/gguf_golden.py with gguf 0.19.0: names of layer 3 and outside the layers. */
const NAMES = JSON.parse(
  readFileSync(new URL('../../../../bench/golden/gguf-names.json', import.meta.url), 'utf8'),
) as Record<GgufArchitecture, Record<string, string>>

interface NamedTensor {
  name: string
  shape: number[]
  data: Float32Array
}

export function allTensors(source: TensorSource): NamedTensor[] {
  return source.names().map((name) => ({ name, shape: source.shape(name), data: source.read(name) }))
}

/** Mistral is a llama to llama.cpp. */
export function ggufArchitecture({ architecture }: DecoderConfig): GgufArchitecture {
  return architecture === 'mistral' ? 'llama' : architecture
}

function ggufName(architecture: GgufArchitecture, name: string): string {
  const layer = /^model\.layers\.(\d+)\./.exec(name)?.[1]
  const weight = name.replace(/layers\.\d+/, 'layers.3').replace(/bias$/, 'weight')
  const stored = NAMES[architecture][weight]!.replace('blk.3', `blk.${layer}`)
  return name.endsWith('bias') ? stored.replace(/weight$/, 'bias') : stored
}

/** convert_hf_to_gguf.py's permute, for rows given one by one. */
function permuteRows(data: Float32Array, width: number, heads: number): Float32Array {
  const half = data.length / width / heads / 2
  const permuted = new Float32Array(data.length)
  let row = 0
  for (let head = 0; head < heads; head++) {
    for (let i = 0; i < half; i++) {
      for (let s = 0; s < 2; s++) {
        const source = (head * 2 * half + s * half + i) * width
        permuted.set(data.subarray(source, source + width), row++ * width)
      }
    }
  }
  return permuted
}

/** Tensors in the given order, and Llama 3's divisors of the rotary frequencies where there are any. */
export function ggufTensors(config: DecoderConfig, tensors: readonly NamedTensor[]): GgufFixtureTensor[] {
  const architecture = ggufArchitecture(config)
  const stored = tensors.map(({ name, shape, data }): GgufFixtureTensor => {
    const heads = name.endsWith('.q_proj.weight')
      ? config.numAttentionHeads
      : name.endsWith('.k_proj.weight')
        ? config.numKeyValueHeads
        : 0
    const values = heads > 0 && interleavesHeads(architecture) ? permuteRows(data, shape[1]!, heads) : data
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    return { name: ggufName(architecture, name), dimensions: [...shape].reverse(), type: 0, bytes }
  })
  const factors = config.attentionKinds[0]!.rope?.factors
  if (!factors || new Set(factors).size === 1) return stored
  const bytes = new Uint8Array(Float32Array.from(factors).buffer)
  return [...stored, { name: 'rope_freqs.weight', dimensions: [factors.length], type: 0, bytes }]
}

/** Metadata of the architecture; that of the tokenizer is not among it. */
export function ggufMetadata(config: DecoderConfig): Record<string, GgufFixtureValue> {
  const architecture = ggufArchitecture(config)
  const uint32 = (value: number): GgufFixtureValue => ({ type: 'uint32', value })
  const float32 = (value: number): GgufFixtureValue => ({ type: 'float32', value })
  const text = (value: string): GgufFixtureValue => ({ type: 'string', value })
  const slides = config.layerKinds.map((kind) => config.attentionKinds[kind]!.window !== null)
  const local = config.attentionKinds.find(({ window }) => window !== null)
  const global = config.attentionKinds.find(({ window, rope }) => window === null && rope !== null) ?? local!
  const factors = new Set(global.rope?.factors ?? [])
  const entries: Record<string, GgufFixtureValue> = {
    embedding_length: uint32(config.hiddenSize),
    feed_forward_length: uint32(config.intermediateSize),
    block_count: uint32(config.numHiddenLayers),
    context_length: uint32(config.maxPositionEmbeddings),
    'attention.head_count': uint32(config.numAttentionHeads),
    'attention.head_count_kv': uint32(config.numKeyValueHeads),
    'attention.key_length': uint32(config.headDim),
    'attention.value_length': uint32(config.headDim),
    'attention.layer_norm_rms_epsilon': float32(config.rmsNormEps),
    'rope.dimension_count': uint32(config.headDim),
    'rope.freq_base': float32(global.rope!.theta),
    ...(local ? { 'attention.sliding_window': uint32(local.window!) } : {}),
    ...(factors.size === 1
      ? { 'rope.scaling.type': text('linear'), 'rope.scaling.factor': float32([...factors][0]!) }
      : {}),
    ...(architecture === 'gemma3' && local
      ? {
          'rope.freq_base_swa': float32(local.rope!.theta),
          'attention.sliding_window_pattern': uint32(slides.indexOf(false) + 1),
        }
      : {}),
  }
  return {
    'general.architecture': text(architecture),
    ...Object.fromEntries(Object.entries(entries).map(([key, value]) => [`${architecture}.${key}`, value])),
  }
}

/** Metadata of a byte-level tokenizer with these tokens and merges. */
export function ggufTokenizer(
  tokens: string[],
  merges: string[],
  isSpecial: (id: number) => boolean,
): Record<string, GgufFixtureValue> {
  return {
    'tokenizer.ggml.model': { type: 'string', value: 'gpt2' },
    'tokenizer.ggml.pre': { type: 'string', value: 'smollm' },
    'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
    'tokenizer.ggml.token_type': { type: 'int32s', value: tokens.map((_, id) => (isSpecial(id) ? 3 : 1)) },
    'tokenizer.ggml.merges': { type: 'strings', value: merges },
    'tokenizer.ggml.bos_token_id': { type: 'uint32', value: 1 },
    'tokenizer.ggml.eos_token_id': { type: 'uint32', value: 2 },
  }
}
