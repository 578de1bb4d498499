"""Loads the adapters that trained-adapters.ts trained with PEFT, and compares the logits that they give.

    node scripts/parity/trained-adapters.ts FOLDER
    python trained_adapters.py FOLDER
"""

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

FAMILIES = Path(__file__).parent / "../../bench/golden/families"
TOLERANCE = 1e-3
SMALLEST_CHANGE = 0.1


@torch.no_grad()
def last(model, ids: list[int]) -> torch.Tensor:
    return model(torch.tensor([ids])).logits[0, -1]


def main(folder: str) -> None:
    torch.set_num_threads(1)
    ours = json.loads((Path(folder) / "logits.json").read_text())
    failed = False
    for family, rows in ours["logits"].items():
        base = AutoModelForCausalLM.from_pretrained(
            FAMILIES / family, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        plain = [last(base, ids) for ids in ours["prompts"]]
        adapted = PeftModel.from_pretrained(base, Path(folder) / family).eval()
        theirs = [last(adapted, ids) for ids in ours["prompts"]]
        difference = max((there - torch.tensor(here)).abs().max().item() for there, here in zip(theirs, rows))
        change = max((there - before).abs().max().item() for there, before in zip(theirs, plain))
        agrees = difference < TOLERANCE and change > SMALLEST_CHANGE
        failed = failed or not agrees
        print(f"{family}: largest difference {difference:.1e}, largest change {change:.2f}{'' if agrees else '  DIFFERS'}")
    sys.exit(failed)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
