"""Makes a tiny random model of every supported family with transformers, and its logits: what families.test.ts compares with.

    python families.py bench/golden/families

Each family becomes a Hugging Face folder of about 100 kB (F32, seeded). Norms, biases and linears are drawn large enough that every
part of the architecture moves the logits; sequences are longer than the sliding windows. logits.json holds, for each folder, the
logits of all positions of a short sequence and of the last position of a long one. Two families also get an adapter by PEFT.
"""

import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from peft_check import COMMON, fill
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    SmolLM3Config,
    SmolLM3ForCausalLM,
)

VOCABULARY = 64
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 40,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 3,
    "max_position_embeddings": 256,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "attn_implementation": "eager",
}
LLAMA_3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
FAMILIES = {
    "llama3-scaled": (LlamaForCausalLM, LlamaConfig(**SIZES, rope_parameters=LLAMA_3, tie_word_embeddings=True)),
    "llama-linear-untied-sharded": (
        LlamaForCausalLM,
        LlamaConfig(
            **SIZES,
            rope_parameters={"rope_type": "linear", "rope_theta": 100.0, "factor": 4.0},
            tie_word_embeddings=False,
        ),
    ),
    "mistral-window": (
        MistralForCausalLM,
        MistralConfig(**SIZES, head_dim=12, sliding_window=6, tie_word_embeddings=False),
    ),
    "qwen2-window": (
        Qwen2ForCausalLM,
        Qwen2Config(
            **SIZES, use_sliding_window=True, sliding_window=7, max_window_layers=2, tie_word_embeddings=True
        ),
    ),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**SIZES, head_dim=12, tie_word_embeddings=False)),
    "smollm3": (
        SmolLM3ForCausalLM,
        SmolLM3Config(**SIZES | {"num_hidden_layers": 4}, rope_parameters={"rope_type": "default", "rope_theta": 50.0}),
    ),
    "gemma3": (
        Gemma3ForCausalLM,
        Gemma3TextConfig(
            **SIZES | {"num_hidden_layers": 4},
            head_dim=16,
            query_pre_attn_scalar=24,
            sliding_window=5,
            sliding_window_pattern=3,
            rope_parameters={
                "full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 200.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 20.0},
            },
        ),
    ),
}
ADAPTED = ["gemma3", "qwen2-window"]
ADAPTER = LoraConfig(r=3, lora_alpha=6, **COMMON)
SHORT = [1, *[(7 * i * i + 3 * i + 5) % VOCABULARY for i in range(23)]]
LONG = [1, *[(11 * i * i + 5 * i + 9) % VOCABULARY for i in range(59)]]


def tokenizer() -> Tokenizer:
    """Characters of a byte-level alphabet: enough to open the folder; ids are given to the models as such."""
    tokens = ["<pad>", "<bos>", "<eos>", *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789Ġ"][:VOCABULARY]
    result = Tokenizer(models.BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=[]))
    result.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    result.decoder = decoders.ByteLevel()
    result.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in tokens[:3]])
    return result


def randomise(model, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    offset = 0.0 if isinstance(model, Gemma3ForCausalLM) else 1.0
    for name, parameter in model.named_parameters():
        values = torch.randn(parameter.shape, generator=generator)
        if name.endswith("norm.weight"):
            parameter.data = offset + 0.3 * values
        elif name.endswith(".bias"):
            parameter.data = 0.5 * values
        else:
            parameter.data = (1.0 if "embed" in name or "lm_head" in name else 2.0) * values / parameter.shape[1] ** 0.5


@torch.no_grad()
def logits(model) -> dict:
    def rows(ids: list[int]) -> list[list[float]]:
        return [[round(float(value), 5) for value in row] for row in model(torch.tensor([ids])).logits[0]]

    return {"short": rows(SHORT), "long": rows(LONG)[-1]}


def main(out: str) -> None:
    torch.set_num_threads(1)
    root = Path(out)
    shutil.rmtree(root, ignore_errors=True)
    golden = {
        "versions": {name: version(name) for name in ["torch", "transformers", "peft"]},
        "short": SHORT,
        "long": LONG,
        "families": {},
        "adapters": {},
    }
    for seed, (name, (kind, config)) in enumerate(FAMILIES.items()):
        model = kind(config).eval()
        randomise(model, seed)
        folder = root / name
        model.save_pretrained(folder, **({"max_shard_size": "60kB"} if "sharded" in name else {}))
        tokenizer().save(str(folder / "tokenizer.json"))
        golden["families"][name] = logits(model)
        print(name, "largest logit", max(max(map(abs, row)) for row in golden["families"][name]["short"]))
        if name in ADAPTED:
            model.name_or_path = model.config._name_or_path = name
            adapted = get_peft_model(model, ADAPTER).eval()
            fill(adapted, 0.2)
            adapted.save_pretrained(folder / "adapter")
            (folder / "adapter" / "README.md").unlink()
            golden["adapters"][name] = logits(adapted)
    for path in root.rglob("*.safetensors"):
        path.chmod(0o644)
    (root / "logits.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
