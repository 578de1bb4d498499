"""SmolLM2 of a GGUF file in Hugging Face transformers, an implementation that shares no code with Regraft's engine.

Weights are dequantised by the gguf package and run in float32. The tokenizer is built by the tokenizers package from the
vocabulary and merges in the file, with the pre-tokenizer that the file names (`smollm` in llama.cpp): single digits, then
GPT-2's byte-level split.
"""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf.quants import dequantize
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

CONTROL_TOKEN = 3

# How llama.cpp names what Hugging Face's Llama calls otherwise.
BLOCK_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}

# Positions of the vocabulary whose logits stand for the whole vector; 151 is coprime to 49,152.
FINGERPRINT = [(position * 151) % 49152 for position in range(300)]


class Reference:
    """The model, its tokenizer and its chat template."""

    licence = "Apache-2.0"
    packages = ["torch", "transformers", "gguf", "tokenizers", "numpy"]

    def __init__(self, path: str):
        torch.manual_seed(0)
        torch.set_num_threads(1)
        self.file = Path(path)
        self.reader = gguf.GGUFReader(path)
        self.tokenizer = self._tokenizer()
        self.end = self._field("tokenizer.ggml.eos_token_id")
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self.template = environment.from_string(self._field("tokenizer.chat_template"))
        self.model = self._model()

    def render(self, messages: list[dict]) -> str:
        return self.template.render(messages=messages, add_generation_prompt=True)

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids)

    def _field(self, name: str):
        return self.reader.fields[name].contents()

    def _tokenizer(self) -> Tokenizer:
        tokens = self._field("tokenizer.ggml.tokens")
        kinds = self._field("tokenizer.ggml.token_type")
        merges = [tuple(merge.split(" ")) for merge in self._field("tokenizer.ggml.merges")]
        vocabulary = {token: number for number, token in enumerate(tokens)}
        tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        tokenizer.decoder = decoders.ByteLevel()
        special = [token for token, kind in zip(tokens, kinds) if kind == CONTROL_TOKEN]
        tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
        return tokenizer

    def _model(self) -> LlamaForCausalLM:
        heads = self._field("llama.attention.head_count")
        key_heads = self._field("llama.attention.head_count_kv")
        config = LlamaConfig(
            vocab_size=self._field("llama.vocab_size"),
            hidden_size=self._field("llama.embedding_length"),
            intermediate_size=self._field("llama.feed_forward_length"),
            num_hidden_layers=self._field("llama.block_count"),
            num_attention_heads=heads,
            num_key_value_heads=key_heads,
            max_position_embeddings=self._field("llama.context_length"),
            rms_norm_eps=self._field("llama.attention.layer_norm_rms_epsilon"),
            rope_parameters={"rope_type": "default", "rope_theta": self._field("llama.rope.freq_base")},
            tie_word_embeddings=all(tensor.name != "output.weight" for tensor in self.reader.tensors),
            attn_implementation="eager",
            dtype=torch.float32,
        )
        state = {}
        for tensor in self.reader.tensors:
            weight = as_float32(tensor)
            if tensor.name.endswith("attn_q.weight"):
                weight = undo_rope_order(weight, heads)
            if tensor.name.endswith("attn_k.weight"):
                weight = undo_rope_order(weight, key_heads)
            state[hugging_face_name(tensor.name)] = torch.from_numpy(np.array(weight))
        if config.tie_word_embeddings:
            state["lm_head.weight"] = state["model.embed_tokens.weight"]
        model = LlamaForCausalLM(config)
        model.load_state_dict(state, strict=True)
        return model.eval()


def tensor_digests(reader: gguf.GGUFReader, names: list[str]) -> dict[str, str]:
    """sha256 of dequantised tensors as little-endian float32, in the file's own order of rows."""
    return {
        tensor.name: hashlib.sha256(as_float32(tensor).astype("<f4").tobytes()).hexdigest()
        for tensor in reader.tensors
        if tensor.name in names
    }


def as_float32(tensor) -> np.ndarray:
    # dequantize gives rows of the output dimension, which GGUF lists last.
    return dequantize(tensor.data, tensor.tensor_type).reshape(tuple(reversed([int(size) for size in tensor.shape])))


def undo_rope_order(weight: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp stores each head's rows with the two halves of a rotation side by side; Hugging Face keeps the halves apart."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def hugging_face_name(name: str) -> str:
    whole = {
        "token_embd.weight": "model.embed_tokens.weight",
        "output_norm.weight": "model.norm.weight",
        "output.weight": "lm_head.weight",
    }
    if name in whole:
        return whole[name]
    _, layer, part, suffix = name.split(".")
    return f"model.layers.{layer}.{BLOCK_NAMES[part]}.{suffix}"


@torch.no_grad()
def describe(model, ids: list[int], positions: list[int] = FINGERPRINT) -> dict:
    """Last-position logits (the 50 largest and the fingerprint) and the mean log-probability of the given tokens."""
    logits = model(torch.tensor([ids])).logits[0]
    log_probabilities = torch.log_softmax(logits, -1)
    given = log_probabilities[:-1].gather(1, torch.tensor(ids[1:])[:, None])
    top = torch.topk(logits[-1], 50)
    return {
        "meanLogProbability": rounded(given.mean()),
        "top": {"ids": top.indices.tolist(), "logits": [rounded(value) for value in top.values]},
        "fingerprint": [rounded(logits[-1, position]) for position in positions],
    }


@torch.no_grad()
def continue_greedily(model, ids: list[int], end: int, count: int = 24) -> dict:
    """The most probable continuation, up to and with the end token, and the smallest lead of a winner over its runner-up."""
    continuation: list[int] = []
    lead = float("inf")
    while len(continuation) < count and end not in continuation:
        last = model(torch.tensor([ids + continuation])).logits[0, -1]
        first, second = torch.topk(last, 2).values
        lead = min(lead, float(first - second))
        continuation.append(int(last.argmax()))
    return {"continuation": continuation, "smallestLead": round(lead, 4)}


@torch.no_grad()
def last_logits(model, ids: list[int]) -> torch.Tensor:
    return model(torch.tensor([ids])).logits[0, -1].double()


def write_golden(reference, lines: list[dict], positions: list[int], digested: list[str], out: str) -> None:
    """Adds ids, logits and continuations to prompts and writes them after a line that describes the run."""
    for line in lines:
        line["ids"] = reference.encode(line["text"])
        line |= describe(reference.model, line["ids"], positions)
        line |= continue_greedily(reference.model, line["ids"], reference.end)
        line["continuationText"] = reference.decode(line["continuation"])
        print(repr(line["text"][-40:]), "->", repr(line["continuationText"]), line["smallestLead"], flush=True)

    single = [last_logits(reference.model, line["ids"]) for line in lines]
    double = reference.model.double()
    difference = max(
        float((last_logits(double, line["ids"]) - logits).abs().max()) for line, logits in zip(lines, single)
    )
    head = {
        "file": reference.file.name,
        "sha256": hashlib.sha256(reference.file.read_bytes()).hexdigest(),
        "licence": reference.licence,
        "versions": {name: version(name) for name in reference.packages},
        "precision": "float32",
        "largestDifferenceToFloat64": difference,
        "fingerprintPositions": positions,
        "dequantisedSha256": tensor_digests(reference.reader, digested),
    }
    write_lines(out, [head, *lines])
    print(f"largest difference between float32 and float64: {difference:.2e}")


def rounded(value) -> float:
    """Six decimals: well below the 1e-2 that is compared, and short."""
    return round(float(value), 6)


def write_lines(path: str, lines: list[dict]) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    Path(path).write_text(text, encoding="utf-8")
