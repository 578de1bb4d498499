/** Architectures of GGUF files and what they call their tensors: llama.cpp's gguf-py/gguf/constants.py. */
import type { Architecture } from './types.ts'

/** Values of general.architecture; Mistral and SmolLM2 are `llama` there. */
export const GGUF_ARCHITECTURES = [
  'llama',
  'qwen2',
  'qwen3',
  'smollm3',
  'gemma3',
] as const satisfies Architecture[]

export type GgufArchitecture = (typeof GGUF_ARCHITECTURES)[number]

/** The divisors of the rotary frequencies, [headDim/2], of models with Llama 3's rope scaling. */
export const ROPE_FACTORS = 'rope_freqs.weight'

/** llama.cpp rotates neighbouring rows in these, so its converter interleaves the halves of each head. */
export function interleavesHeads(architecture: GgufArchitecture): boolean {
  return architecture === 'llama' || architecture === 'smollm3'
}

const MODEL_NAMES: Record<string, string> = {
  'token_embd.weight': 'model.embed_tokens.weight',
  'output_norm.weight': 'model.norm.weight',
  'output.weight': 'lm_head.weight',
}

const LAYER_NAMES: Record<string, string> = {
  'attn_norm.weight': 'input_layernorm.weight',
  'attn_q.weight': 'self_attn.q_proj.weight',
  'attn_k.weight': 'self_attn.k_proj.weight',
  'attn_v.weight': 'self_attn.v_proj.weight',
  'attn_output.weight': 'self_attn.o_proj.weight',
  'ffn_norm.weight': 'post_attention_layernorm.weight',
  'ffn_gate.weight': 'mlp.gate_proj.weight',
  'ffn_up.weight': 'mlp.up_proj.weight',
  'ffn_down.weight': 'mlp.down_proj.weight',
}

const QUERY_KEY_NORMS = {
  'attn_q_norm.weight': 'self_attn.q_norm.weight',
  'attn_k_norm.weight': 'self_attn.k_norm.weight',
}

const LAYER_NAMES_OF: Record<GgufArchitecture, Record<string, string>> = {
  llama: LAYER_NAMES,
  smollm3: LAYER_NAMES,
  qwen2: {
    ...LAYER_NAMES,
    'attn_q.bias': 'self_attn.q_proj.bias',
    'attn_k.bias': 'self_attn.k_proj.bias',
    'attn_v.bias': 'self_attn.v_proj.bias',
  },
  qwen3: { ...LAYER_NAMES, ...QUERY_KEY_NORMS },
  gemma3: {
    ...LAYER_NAMES,
    ...QUERY_KEY_NORMS,
    'post_attention_norm.weight': 'post_attention_layernorm.weight',
    'ffn_norm.weight': 'pre_feedforward_layernorm.weight',
    'post_ffw_norm.weight': 'post_feedforward_layernorm.weight',
  },
}

/** Hugging Face's name of a tensor, or null when the architecture has none such. */
export function huggingFaceName(architecture: GgufArchitecture, name: string): string | null {
  if (Object.hasOwn(MODEL_NAMES, name)) return MODEL_NAMES[name]!
  const [, layer, part] = /^blk\.(\d+)\.(.+)$/.exec(name) ?? []
  const names = LAYER_NAMES_OF[architecture]
  if (layer === undefined || part === undefined || !Object.hasOwn(names, part)) return null
  return `model.layers.${layer}.${names[part]}`
}
