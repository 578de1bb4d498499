import { EngineError } from '../errors.ts'
import { attentionLayers, checkDecoderConfig, checkSizes, plainLlama } from './decoder-config.ts'
import type { GgufSource } from './gguf.ts'
import type { GgufValue } from './gguf-file.ts'
import { ropeFactors } from './rope-scaling.ts'
import type { AttentionKind, DecoderConfig } from './types.ts'

/**
 * Reads the configuration off the metadata of a GGUF file, with llama.cpp's defaults for what the file leaves out.
 *
 * Throws `incompatible` naming an option that the decoder does not have, `invalid-file` where sizes contradict each
 * other.
 */
export function parseGgufConfig(source: GgufSource, path: string): DecoderConfig {
  const { metadata, architecture } = source
  const number = (key: string, fallback?: number): number => {
    const value = metadata.get(`${architecture}.${key}`) ?? fallback
    if (typeof value === 'number') return value
    throw new EngineError('invalid-file', `${path} has ${architecture}.${key} = ${shown(value)}`, {
      hint: 'A single number is expected there.',
    })
  }
  const hiddenSize = number('embedding_length')
  const heads = number('attention.head_count')
  const headDim = number('attention.key_length', hiddenSize / heads)
  refuseUnsupported(source, headDim, path)

  const id = (key: string) => metadata.get(`tokenizer.ggml.${key}_token_id`)
  const bos = id('bos')
  const sizes = {
    hiddenSize,
    intermediateSize: number('feed_forward_length'),
    numHiddenLayers: number('block_count'),
    numAttentionHeads: heads,
    numKeyValueHeads: number('attention.head_count_kv', heads),
    headDim,
    vocabSize: source.has('model.embed_tokens.weight') ? source.shape('model.embed_tokens.weight')[0]! : 0,
    maxPositionEmbeddings: number('context_length'),
    rmsNormEps: number('attention.layer_norm_rms_epsilon'),
    tieWordEmbeddings: !source.has('lm_head.weight'),
    bosTokenId: typeof bos === 'number' ? bos : null,
    eosTokenIds: [...new Set([id('eos'), id('eot') ?? endOfTurn(source)])].filter(
      (value) => typeof value === 'number',
    ),
  }
  checkSizes(sizes, path)
  const theta = number('rope.freq_base', 10_000)
  const plain = plainLlama({ ...sizes, ropeTheta: theta })
  const isGemma = architecture === 'gemma3'
  // llama.cpp knows Gemma 3 27B by its 62 layers; its queries are scaled by the width per head instead of a head's.
  const scaled = isGemma && sizes.numHiddenLayers === 62 ? hiddenSize / heads : headDim
  return checkDecoderConfig(
    {
      ...plain,
      architecture,
      ...attentionLayers(layerKinds(source, plain, theta, number, path)),
      attentionBias: architecture === 'qwen2',
      queryKeyNorm: architecture === 'qwen3' || isGemma,
      attentionScale: 1 / Math.sqrt(scaled),
      ...(isGemma
        ? { activation: 'gelu_tanh', postNorms: true, embeddingScale: Math.fround(Math.sqrt(hiddenSize)) }
        : {}),
    },
    path,
  )
}

/** Gemma's chats end with a token that not every file names as an end. */
function endOfTurn({ metadata, architecture }: GgufSource): number | undefined {
  const tokens = metadata.get('tokenizer.ggml.tokens')
  if (architecture !== 'gemma3' || !Array.isArray(tokens)) return undefined
  const id = tokens.indexOf('<end_of_turn>')
  return id < 0 ? undefined : id
}

function refuseUnsupported({ metadata, architecture }: GgufSource, headDim: number, path: string): void {
  const allowed: Record<string, GgufValue[]> = {
    'attention.value_length': [headDim],
    'rope.dimension_count': [headDim],
    'rope.scaling.type': ['none', 'linear'],
    'rope.scaling.attn_factor': [1],
    attn_logit_softcapping: [0],
    final_logit_softcapping: [0],
    expert_count: [0],
  }
  for (const [key, values] of Object.entries(allowed)) {
    const value = metadata.get(`${architecture}.${key}`)
    if (value === undefined || values.includes(value)) continue
    throw new EngineError('incompatible', `${path} has ${architecture}.${key} = ${shown(value)}`, {
      hint: `Supported: ${values.join(', ')}`,
    })
  }
}

/** For each layer what its attention sees. */
function layerKinds(
  source: GgufSource,
  plain: DecoderConfig,
  theta: number,
  number: (key: string, fallback?: number) => number,
  path: string,
): AttentionKind[] {
  const { architecture } = source
  const linear =
    source.metadata.get(`${architecture}.rope.scaling.type`) === 'linear'
      ? number('rope.scaling.factor', 1)
      : number('rope.scale_linear', 1)
  const stretched =
    linear === 1 ? null : ropeFactors({ rope_type: 'linear', factor: linear }, theta, plain.headDim, path)
  const stored = source.ropeFactors
  const factors = stored ? Array.from(stored, (factor) => factor * linear) : stretched
  const rope = { theta, factors }
  const layers = Array.from({ length: plain.numHiddenLayers }, (_, layer) => layer)
  const given = number('attention.sliding_window', 0)
  const window = given === 0 || given >= plain.maxPositionEmbeddings ? null : given
  if (architecture === 'gemma3') {
    if (window === null) return layers.map(() => ({ window, rope }))
    const local = { theta: number('rope.freq_base_swa', 10_000), factors: null }
    const slides = slidingPattern(source, path)
    return layers.map((layer) => (slides(layer) ? { window, rope: local } : { window: null, rope }))
  }
  if (architecture === 'llama') return layers.map(() => ({ window, rope }))
  if (window !== null) {
    throw new EngineError('incompatible', `${path} has ${architecture}.attention.sliding_window = ${given}`, {
      hint: 'Supported in GGUF files: sliding windows of the architectures llama and gemma3',
    })
  }
  // llama.cpp leaves every fourth layer of SmolLM3 without positions; its files do not say so.
  return layers.map((layer) => ({
    window,
    rope: architecture === 'smollm3' && (layer + 1) % 4 === 0 ? null : rope,
  }))
}

/** Which layers see a window only: five of six, or as the file says by a period or layer by layer. */
function slidingPattern({ metadata, architecture }: GgufSource, path: string): (layer: number) => boolean {
  const key = `${architecture}.attention.sliding_window_pattern`
  const pattern = metadata.get(key) ?? 6
  if (Array.isArray(pattern)) return (layer) => Boolean(pattern[layer])
  if (typeof pattern === 'number' && Number.isSafeInteger(pattern) && pattern > 0) {
    return (layer) => (layer + 1) % pattern !== 0
  }
  throw new EngineError('invalid-file', `${path} has ${key} = ${shown(pattern)}`)
}

function shown(value: GgufValue | undefined): string {
  return Array.isArray(value) ? `a list of ${value.length}` : String(value)
}
