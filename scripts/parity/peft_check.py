"""Compares adapters with PEFT on SmolLM2: reads a folder that Regraft wrote, or makes folders for Regraft to read.

    python peft_check.py check MODEL.gguf ADAPTER_FOLDER OUT.jsonl
    python peft_check.py make MODEL.gguf OUT_FOLDER

`check` loads the adapter with PEFT and writes the logits of the 20 prompts (the format of smollm2_logits.py).
`make` writes two adapters with seeded random weights, each with its logits.jsonl: `plain` (rank 8, alpha 16, all seven
linears) and `patterned` (rank-stabilised, other ranks and alphas for some modules). Both change the logits
clearly, and the smallest change over the prompts is printed: an adapter that is silently ignored would show 0.
"""

import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from prompts import CHAT, PLAIN
from reference_model import Reference, describe, write_lines

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
COMMON = {"task_type": "CAUSAL_LM", "target_modules": LINEARS, "lora_dropout": 0.0, "bias": "none"}
ADAPTERS = {
    "plain": LoraConfig(r=8, lora_alpha=16, **COMMON),
    "patterned": LoraConfig(
        r=4,
        lora_alpha=6,
        use_rslora=True,
        rank_pattern={"k_proj": 2, "layers.3.mlp.down_proj": 7},
        alpha_pattern={"q_proj": 3, "layers.3.mlp.down_proj": 5},
        **COMMON,
    ),
}


def check(model_path: str, folder: str, out: str) -> None:
    reference = Reference(model_path)
    lines = prompts(reference)
    before = [describe(reference.model, line["ids"])["fingerprint"] for line in lines]
    adapted = PeftModel.from_pretrained(reference.model, folder).eval()
    write_lines(out, with_logits(adapted, lines, before))


def make(model_path: str, folder: str) -> None:
    for name, config in ADAPTERS.items():
        reference = Reference(model_path)
        lines = prompts(reference)
        before = [describe(reference.model, line["ids"])["fingerprint"] for line in lines]
        adapted = get_peft_model(reference.model, config).eval()
        fill(adapted)
        target = Path(folder) / name
        adapted.save_pretrained(target)
        write_lines(str(target / "logits.jsonl"), with_logits(adapted, lines, before))


def fill(adapted: PeftModel, size: float = 0.02) -> None:
    """Random A and B of a size that changes the logits without drowning the base."""
    generator = torch.Generator().manual_seed(20)
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            parameter.data = torch.randn(parameter.shape, generator=generator) * size


def prompts(reference: Reference) -> list[dict]:
    texts = [reference.render(messages) for messages in CHAT] + PLAIN
    return [{"text": text, "ids": reference.encode(text)} for text in texts]


def with_logits(adapted: PeftModel, lines: list[dict], before: list[list[float]]) -> list[dict]:
    described = [line | describe(adapted, line["ids"]) for line in lines]
    changes = [
        max(abs(new - old) for new, old in zip(line["fingerprint"], base)) for line, base in zip(described, before)
    ]
    print(f"largest logit change per prompt: {min(changes):.3f} to {max(changes):.3f}")
    return described


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1] == "check":
        check(*sys.argv[2:])
    elif len(sys.argv) == 4 and sys.argv[1] == "make":
        make(*sys.argv[2:])
    else:
        sys.exit(__doc__)
