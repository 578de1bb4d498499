"""Writes the golden logits of SmolLM2: token ids, last-position logits, mean log-probability and greedy continuation of 20 prompts.

    python smollm2_logits.py MODEL.gguf bench/golden/smollm2-logits.jsonl

The first line of the output describes the run, each other line is a prompt. As a measure of float32's own rounding, each
prompt also runs in float64, and the largest difference of any last-position logit is in the first line.
"""

import hashlib
import sys
from importlib.metadata import version

import torch
from prompts import CHAT, PLAIN
from reference_model import FINGERPRINT, Reference, continue_greedily, describe, write_lines

DIGESTED = ["token_embd.weight", "blk.0.attn_q.weight", "blk.29.ffn_down.weight", "output_norm.weight"]


def main(model_path: str, out: str) -> None:
    reference = Reference(model_path)
    lines = []
    for messages in CHAT:
        lines.append({"messages": messages, "text": reference.render(messages)})
    for text in PLAIN:
        lines.append({"messages": None, "text": text})
    for line in lines:
        line["ids"] = reference.encode(line["text"])
        line |= describe(reference.model, line["ids"])
        line |= continue_greedily(reference.model, line["ids"], reference.end)
        line["continuationText"] = reference.tokenizer.decode(line["continuation"])
        print(repr(line["text"][-40:]), "->", repr(line["continuationText"]), line["smallestLead"], flush=True)

    single = [last_logits(reference.model, line["ids"]) for line in lines]
    double = reference.model.double()
    difference = max(
        float((last_logits(double, line["ids"]) - logits).abs().max()) for line, logits in zip(lines, single)
    )
    head = {
        "file": reference.file.name,
        "sha256": hashlib.sha256(reference.file.read_bytes()).hexdigest(),
        "versions": {name: version(name) for name in ["torch", "transformers", "gguf", "tokenizers", "numpy"]},
        "precision": "float32",
        "largestDifferenceToFloat64": difference,
        "fingerprintPositions": FINGERPRINT,
        "dequantisedSha256": reference.tensor_digests(DIGESTED),
    }
    write_lines(out, [head, *lines])
    print(f"largest difference between float32 and float64: {difference:.2e}")


@torch.no_grad()
def last_logits(model, ids: list[int]) -> torch.Tensor:
    return model(torch.tensor([ids])).logits[0, -1].double()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
