"""Writes the golden logits of Gemma 3 270m (the pre-trained model, Q4_K_M): the format is that of smollm2_logits.py.

    python gemma3_logits.py MODEL.gguf bench/golden/gemma3-logits.jsonl

The model stands under the Gemma Terms of Use (https://ai.google.dev/gemma/terms); its weights are fetched, never copied here.
Weights are dequantised by the gguf package and run by transformers' Gemma3ForCausalLM in float32. The tokenizer is SentencePiece
itself, over a model file rebuilt from the pieces, scores and types in the GGUF file. The file has no chat template: chats are
rendered by hand in the form of Gemma's instruction-tuned models.
"""

import re
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from prompts import CHAT, PLAIN
from reference_model import as_float32, write_golden
from sentencepiece import SentencePieceProcessor
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

CONTROL_TOKEN, USER_DEFINED = 3, 4
DIGESTED = ["blk.0.attn_q.weight", "blk.0.attn_output.weight", "blk.0.ffn_down.weight", "output_norm.weight"]
# 300 of the 262,144 logits; 811 is coprime to that.
POSITIONS = [(position * 811) % 262144 for position in range(300)]
BLOCK_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_output": "self_attn.o_proj",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


class Gemma:
    """The model and its tokenizer."""

    licence = "Gemma Terms of Use"
    packages = ["torch", "transformers", "gguf", "sentencepiece", "numpy"]

    def __init__(self, path: str):
        torch.manual_seed(0)
        torch.set_num_threads(2)
        self.file = Path(path)
        self.reader = gguf.GGUFReader(path)
        self.end = self._field("tokenizer.ggml.eos_token_id")
        tokens = self._field("tokenizer.ggml.tokens")
        kinds = self._field("tokenizer.ggml.token_type")
        self.control = {token: number for number, (token, kind) in enumerate(zip(tokens, kinds)) if kind == CONTROL_TOKEN}
        self.pieces = SentencePieceProcessor(model_proto=self._proto(tokens, kinds))
        self.model = self._model()

    def encode(self, text: str) -> list[int]:
        ids = []
        for part in re.split("(" + "|".join(map(re.escape, self.control)) + ")", text):
            ids += [self.control[part]] if part in self.control else self.pieces.encode(part)
        return ids

    def decode(self, ids: list[int]) -> str:
        return self.pieces.decode(ids)

    def _field(self, name: str):
        return self.reader.fields[name].contents()

    def _proto(self, tokens: list[str], kinds: list[int]) -> bytes:
        proto = ModelProto()
        for number, (token, score, kind) in enumerate(zip(tokens, self._field("tokenizer.ggml.scores"), kinds)):
            unknown = number == self._field("tokenizer.ggml.unknown_token_id")
            # The converter wrote the spaces of user-defined pieces as such.
            piece = token.replace(" ", "▁") if kind == USER_DEFINED else token
            proto.pieces.add(piece=piece, score=score, type=2 if unknown else kind)
        proto.trainer_spec.model_type = 2
        proto.trainer_spec.byte_fallback = True
        proto.trainer_spec.unk_id = self._field("tokenizer.ggml.unknown_token_id")
        proto.normalizer_spec.name = "identity"
        proto.normalizer_spec.add_dummy_prefix = self._field("tokenizer.ggml.add_space_prefix")
        proto.normalizer_spec.remove_extra_whitespaces = False
        return proto.SerializeToString()

    def _model(self) -> Gemma3ForCausalLM:
        metadata = {name.removeprefix("gemma3."): field.contents() for name, field in self.reader.fields.items()}
        config = Gemma3TextConfig(
            vocab_size=len(self._field("tokenizer.ggml.tokens")),
            hidden_size=metadata["embedding_length"],
            intermediate_size=metadata["feed_forward_length"],
            num_hidden_layers=metadata["block_count"],
            num_attention_heads=metadata["attention.head_count"],
            num_key_value_heads=metadata["attention.head_count_kv"],
            head_dim=metadata["attention.key_length"],
            query_pre_attn_scalar=metadata["attention.key_length"],
            max_position_embeddings=metadata["context_length"],
            rms_norm_eps=metadata["attention.layer_norm_rms_epsilon"],
            sliding_window=metadata["attention.sliding_window"],
            rope_parameters={
                "full_attention": {"rope_type": "default", "rope_theta": metadata["rope.freq_base"]},
                "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
            },
            attn_implementation="eager",
            dtype=torch.float32,
        )
        state = {}
        for tensor in self.reader.tensors:
            weight = np.array(as_float32(tensor))
            # GGUF files hold the multiplier, transformers adds one to what it holds.
            offset = 1 if tensor.name.endswith("norm.weight") else 0
            state[hugging_face_name(tensor.name)] = torch.from_numpy(weight - np.float32(offset))
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
        model = Gemma3ForCausalLM(config)
        model.load_state_dict(state, strict=True)
        return model.eval()


def hugging_face_name(name: str) -> str:
    whole = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
    if name in whole:
        return whole[name]
    _, layer, part, suffix = name.split(".")
    return f"model.layers.{layer}.{BLOCK_NAMES[part]}.{suffix}"


def chat(messages: list[dict]) -> str:
    """Gemma's turns; what the system says opens the first turn of the user."""
    system = "".join(f"{message['content']}\n\n" for message in messages if message["role"] == "system")
    text = "<bos>"
    for message in messages:
        if message["role"] != "system":
            role = "model" if message["role"] == "assistant" else "user"
            text += f"<start_of_turn>{role}\n{system}{message['content']}<end_of_turn>\n"
            system = ""
    return text + "<start_of_turn>model\n"


# Longer than the window of 512 tokens, so that sliding layers forget.
LONG = " ".join(f"Item {number}: the parcel {number * 37 % 101} left depot {number % 7}." for number in range(48))


def main(model_path: str, out: str) -> None:
    texts = [chat(messages) for messages in CHAT] + [f"<bos>{text}" for text in [*PLAIN, LONG]]
    write_golden(Gemma(model_path), [{"messages": None, "text": text} for text in texts], POSITIONS, DIGESTED, out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
