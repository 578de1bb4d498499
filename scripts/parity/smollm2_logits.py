"""Writes the golden logits of SmolLM2: token ids, last-position logits, mean log-probability and greedy continuation of 20 prompts.

    python smollm2_logits.py MODEL.gguf bench/golden/smollm2-logits.jsonl

The first line of the output describes the run, each other line is a prompt. As a measure of float32's own rounding, each
prompt also runs in float64, and the largest difference of any last-position logit is in the first line.
"""

import sys

from prompts import CHAT, PLAIN
from reference_model import FINGERPRINT, Reference, write_golden

DIGESTED = ["token_embd.weight", "blk.0.attn_q.weight", "blk.29.ffn_down.weight", "output_norm.weight"]


def main(model_path: str, out: str) -> None:
    reference = Reference(model_path)
    lines = [{"messages": messages, "text": reference.render(messages)} for messages in CHAT]
    lines += [{"messages": None, "text": text} for text in PLAIN]
    write_golden(reference, lines, FINGERPRINT, DIGESTED, out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
