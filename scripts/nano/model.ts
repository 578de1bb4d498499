// What regraft-nano is: the shape of the decoder, its special tokens and its chat template.
import { plainLlama } from '@regraft/engine/internals'

export const SPECIAL_TOKENS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']
export const END_OF_TEXT = 0
const END_OF_TURN = 2

/** ChatML without a default system prompt. */
export const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

const ROPE_THETA = 10_000

export const NANO = plainLlama({
  hiddenSize: 192,
  intermediateSize: 480,
  numHiddenLayers: 6,
  numAttentionHeads: 6,
  numKeyValueHeads: 2,
  headDim: 32,
  vocabSize: 4096,
  maxPositionEmbeddings: 512,
  rmsNormEps: 1e-5,
  ropeTheta: ROPE_THETA,
  tieWordEmbeddings: true,
  bosTokenId: null,
  eosTokenIds: [END_OF_TURN],
})

/** The JSON files of a Hugging Face folder, beside weights and tokenizer.json. */
export function configFiles(): Record<string, unknown> {
  return {
    'config.json': {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_size: NANO.hiddenSize,
      intermediate_size: NANO.intermediateSize,
      num_hidden_layers: NANO.numHiddenLayers,
      num_attention_heads: NANO.numAttentionHeads,
      num_key_value_heads: NANO.numKeyValueHeads,
      head_dim: NANO.headDim,
      vocab_size: NANO.vocabSize,
      max_position_embeddings: NANO.maxPositionEmbeddings,
      rms_norm_eps: NANO.rmsNormEps,
      rope_theta: ROPE_THETA,
      rope_scaling: null,
      attention_bias: false,
      mlp_bias: false,
      hidden_act: 'silu',
      tie_word_embeddings: NANO.tieWordEmbeddings,
      bos_token_id: NANO.bosTokenId,
      eos_token_id: END_OF_TURN,
      torch_dtype: 'float16',
    },
    'generation_config.json': { eos_token_id: [END_OF_TURN], pad_token_id: END_OF_TEXT },
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      add_bos_token: false,
      eos_token: '<|im_end|>',
      pad_token: '<|endoftext|>',
      unk_token: '<|endoftext|>',
      model_max_length: NANO.maxPositionEmbeddings,
      clean_up_tokenization_spaces: false,
      chat_template: CHAT_TEMPLATE,
    },
  }
}
