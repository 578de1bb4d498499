/** What tensors of a PEFT file mean that are not A or B of a linear. Names: peft 0.21.2, tuners/lora/layer.py. */
const MEANINGS: readonly [RegExp, string][] = [
  [/\.lora_magnitude_vector(\.|$)/, 'a magnitude of DoRA'],
  [/\.lora_embedding_[AB](\.|$)/, 'LoRA on an embedding'],
  [/\.lora_[AB](\.[^.]+)?\.bias$/, 'a bias of LoRA (lora_bias)'],
  [/\.lora_[AB]\.[^.]+\.weight$/, "an adapter's name inside the key, which PEFT leaves out when it saves"],
  [/\.modules_to_save\.|(^|\.)(lm_head|embed_tokens|embed_out|wte)\.weight$/, 'a saved module'],
  [/\.(ia3_l|hada_w|lokr_w|vera_lambda|oft_r|prompt_embeddings|boft_[rs])/, 'another method than LoRA'],
  [/\.bias$/, 'a bias'],
]

/** What a tensor is that the engine does not read; null for one it knows nothing of. */
export function tensorMeaning(name: string): string | null {
  const known = MEANINGS.find(([pattern]) => pattern.test(name))
  if (known) return known[1]
  return /\.lora_[AB]\.weight$/.test(name) ? 'a key without the prefix base_model.model.' : null
}
