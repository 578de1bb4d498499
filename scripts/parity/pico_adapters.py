"""Makes two adapters with PEFT on the pico base, and the logits that they give: what compare-adapters.ts compares with.

    node scripts/parity/compare-adapters.ts base FOLDER
    python pico_adapters.py FOLDER bench/golden/pico-adapters

`plain` has rank 4 on all seven linears; `patterned` is rank-stabilised, with other ranks and alphas for some modules. Weights are
seeded. logits.json holds, for each prompt, all logits of its last position without and with each adapter.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from peft_check import COMMON, fill
from transformers import LlamaForCausalLM

PROMPTS = [[1, 20, 90, 7, 44, 3], [1, 5], list(range(3, 60)), [1, 260, 261, 262, 100, 101, 102, 103, 104, 2, 9]]
ADAPTERS = {
    "plain": LoraConfig(r=4, lora_alpha=8, **COMMON),
    "patterned": LoraConfig(
        r=2,
        lora_alpha=3,
        use_rslora=True,
        rank_pattern={"k_proj": 3, "layers.1.mlp.down_proj": 5},
        alpha_pattern={"q_proj": 7, "layers.1.mlp.down_proj": 4},
        **COMMON,
    ),
}


def load(folder: str) -> LlamaForCausalLM:
    model = LlamaForCausalLM.from_pretrained(folder, torch_dtype=torch.float32).eval()
    model.config._name_or_path = "pico"
    model.name_or_path = "pico"
    return model


@torch.no_grad()
def logits(model) -> list[list[float]]:
    return [[round(float(value), 6) for value in model(torch.tensor([ids])).logits[0, -1]] for ids in PROMPTS]


def main(base: str, out: str) -> None:
    torch.set_num_threads(1)
    golden = {
        "versions": {name: version(name) for name in ["torch", "transformers", "peft"]},
        "prompts": PROMPTS,
        "base": logits(load(base)),
        "adapters": {},
    }
    for name, config in ADAPTERS.items():
        adapted = get_peft_model(load(base), config).eval()
        fill(adapted, 0.3)
        adapted.save_pretrained(Path(out) / name)
        (Path(out) / name / "README.md").unlink()
        golden["adapters"][name] = logits(adapted)
    (Path(out) / "logits.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
