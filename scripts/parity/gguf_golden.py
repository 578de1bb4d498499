"""Writes what the gguf package says of GGUF files: blocks of quantised values as floats, and the names of tensors.

    python gguf_golden.py bench/golden

gguf-blocks.json: scales are halves of either sign, all other bits are random (seeded), so every bit of a block counts; gguf.test.ts
compares bit for bit. gguf-names.json: for each architecture Hugging Face's names of layer 3 and outside the layers, with those in
GGUF files; gguf-families.test.ts writes its files with them.
"""

import base64
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, MODEL_ARCH, GGMLQuantizationType, get_tensor_name_map
from gguf.quants import dequantize

# Where the half-precision scales and offsets of a block lie.
HALVES = {"Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


def blocks(name: str, generator: np.random.Generator) -> dict:
    kind = GGMLQuantizationType[name]
    size, length = GGML_QUANT_SIZES[kind]
    count = 1024 // size
    stored = generator.integers(0, 256, (count, length), dtype=np.uint8)
    for offset in HALVES[name]:
        scales = (generator.standard_normal(count) * 0.01).astype("<f2")
        stored[:, offset : offset + 2] = scales.view(np.uint8).reshape(count, 2)
    values = dequantize(stored.reshape(2, -1), kind).astype("<f4")
    return {"name": name, "type": int(kind), "stored": encode(stored), "values": encode(values)}


def encode(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


LINEARS = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
NORMS = ["input_layernorm", "post_attention_layernorm"]
HEAD_NORMS = ["self_attn.q_norm", "self_attn.k_norm"]
MODULES = {
    "LLAMA": LINEARS + NORMS,
    "QWEN2": LINEARS + NORMS,
    "QWEN3": LINEARS + NORMS + HEAD_NORMS,
    "SMOLLM3": LINEARS + NORMS,
    "GEMMA3": LINEARS + NORMS + HEAD_NORMS + ["pre_feedforward_layernorm", "post_feedforward_layernorm"],
}


def names(architecture: str) -> dict[str, str]:
    table = get_tensor_name_map(MODEL_ARCH[architecture], 4)
    modules = ["model.embed_tokens", "model.norm", "lm_head", *[f"model.layers.3.{part}" for part in MODULES[architecture]]]
    return {f"{module}.weight": table.get_name(f"{module}.weight", try_suffixes=(".weight",)) for module in modules}


def main(folder: str) -> None:
    generator = np.random.default_rng(7)
    package = {"gguf": version("gguf")}
    write(folder, "gguf-blocks", package | {"shape": [2, 512], "blocks": [blocks(name, generator) for name in HALVES]})
    write(folder, "gguf-names", package | {architecture.lower(): names(architecture) for architecture in MODULES})


def write(folder: str, name: str, golden: dict) -> None:
    (Path(folder) / f"{name}.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
