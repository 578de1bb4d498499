/** Named tensors that are read on demand as 32-bit floats, whatever their stored precision. */
export interface TensorSource {
  names(): string[]
  has(name: string): boolean
  /** Row-major shape; a linear weight is [out, in] as in Hugging Face folders. */
  shape(name: string): number[]
  /** Stored type, for example 'F32', 'BF16', 'Q4_1'. */
  dtype(name: string): string
  read(name: string): Float32Array
  /** The stored blocks of a tensor of Q4_0, Q4_1 or Q8_0, its rows in the order of `read`; null for other types. */
  quantised?(name: string): QuantisedRows | null
  close(): void
}

/** A matrix [rows, columns] in ggml's blocks of 32 values. */
export interface QuantisedRows {
  type: 'Q4_0' | 'Q4_1' | 'Q8_0'
  shape: number[]
  bytes: Uint8Array
}

export type Architecture = 'llama' | 'mistral' | 'qwen2' | 'qwen3' | 'smollm3' | 'gemma3'

/** Rotary position embedding: pair i of a head turns by position · theta^(−2i/headDim) / factors[i]. */
export interface Rope {
  theta: number
  /** [headDim/2], what stretches the context (linear, Llama 3); null where nothing does. */
  factors: number[] | null
}

/** What a layer's attention may see and how it knows positions. */
export interface AttentionKind {
  /** Tokens that a token sees, itself included; null for all before it. */
  window: number | null
  /** Null for a layer without positions (NoPE). */
  rope: Rope | null
}

/** Architecture of a Llama-family decoder; names follow Hugging Face's config.json in camel case. */
export interface DecoderConfig {
  architecture: Architecture
  hiddenSize: number
  intermediateSize: number
  numHiddenLayers: number
  numAttentionHeads: number
  numKeyValueHeads: number
  headDim: number
  vocabSize: number
  maxPositionEmbeddings: number
  rmsNormEps: number
  tieWordEmbeddings: boolean
  /** Gate of the MLP: SwiGLU, or GeGLU with the tanh approximation. */
  activation: 'silu' | 'gelu_tanh'
  /** Whether q_proj, k_proj and v_proj have biases. */
  attentionBias: boolean
  /** Whether queries and keys are normalised per head before they are rotated. */
  queryKeyNorm: boolean
  /** Whether what attention and MLP add is normalised too (Gemma). */
  postNorms: boolean
  /** Embedded tokens are multiplied by this. */
  embeddingScale: number
  /** Scores of attention are multiplied by this; 1/√headDim as a rule. */
  attentionScale: number
  attentionKinds: AttentionKind[]
  /** For each layer its index in `attentionKinds`. */
  layerKinds: number[]
  bosTokenId: number | null
  /** Generation ends at any of these. */
  eosTokenIds: number[]
}

/** sha256 hex digests of what an adapter depends on. */
export interface BaseDigests {
  weights: string
  tokenizer: string
  chatTemplate: string
}

export interface ChatMessage {
  role: string
  content: string
}

export interface Tokenizer {
  /** One more than the largest token id. */
  readonly vocabSize: number
  /**
   * Token ids of a text; special tokens spelt out in it become their ids. Without `addSpecialTokens` nothing is
   * added in front or behind: a chat template writes its own bos.
   */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[]
  /** Text of token ids; incomplete UTF-8 becomes U+FFFD. */
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string
  tokenId(token: string): number | null
  /** Bytes a token stands for, which need not be whole characters; none for an id without a token. */
  tokenBytes(id: number): Uint8Array
  isSpecial(id: number): boolean
  /** Whether the first space of decoded text is an artefact of encoding (SentencePiece's space prefix). */
  readonly dropsFirstSpace: boolean
  /** sha256 hex digest of the definition, independent of formatting. */
  readonly digest: string
}

/** A base model opened from a Hugging Face folder or a GGUF file. Tensor names are Hugging Face's. */
export interface Base {
  path: string
  format: 'huggingface' | 'gguf'
  config: DecoderConfig
  tensors: TensorSource
  tokenizer: Tokenizer
  chatTemplate: string | null
  /** Text of the special tokens that a chat template refers to. */
  specialTokens: { bos: string | null; eos: string | null; unk: string | null; pad: string | null }
  /** Stored precision of the linear weights, for example 'F16' or 'Q4_1'. */
  precision: string
  digests: BaseDigests
  close(): void
}

/** One low-rank update: W + scale · B·A, with A [rank, in] and B [out, rank]. */
export interface LoraTensors {
  a: Float32Array
  b: Float32Array
  rank: number
  inFeatures: number
  outFeatures: number
  /** alpha/rank, or alpha/√rank with rsLoRA. */
  scale: number
}

export interface LoraConfig {
  rank: number
  alpha: number
  useRslora: boolean
  /** Module suffixes, for example 'q_proj'. */
  targetModules: string[]
  rankPattern: Record<string, number>
  alphaPattern: Record<string, number>
  baseModelNameOrPath: string
}

/** A LoRA adapter; keys of `modules` look like 'model.layers.0.self_attn.q_proj'. */
export interface Adapter {
  config: LoraConfig
  modules: Map<string, LoraTensors>
}
