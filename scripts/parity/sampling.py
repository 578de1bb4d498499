"""What transformers' samplers leave of some distributions: bench/golden/sampling.json.

    .cache/parity-venv/bin/python scripts/parity/sampling.py bench/golden/sampling.json
"""
import json
import sys

import torch
import transformers
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

CASES = [
    {"temperature": 1.0},
    {"temperature": 0.7, "topK": 5},
    {"temperature": 1.0, "topP": 0.9},
    {"temperature": 1.3, "topP": 0.5},
    {"temperature": 1.0, "minP": 0.1},
    {"temperature": 2.0, "minP": 0.3},
    {"temperature": 0.9, "topK": 12, "topP": 0.8},
    {"temperature": 1.5, "topK": 20, "topP": 0.95, "minP": 0.05},
    {"temperature": 1.5, "topP": 0.97, "minP": 0.02},
]

torch.manual_seed(3)
spreads = [0.5, 3.0, 8.0]
distributions = [torch.log_softmax(torch.randn(60, dtype=torch.float32) * spread, 0) for spread in spreads]
results = []
for which, scores in enumerate(distributions):
    for case in CASES:
        warpers = [TemperatureLogitsWarper(case["temperature"])]
        if "topK" in case:
            warpers.append(TopKLogitsWarper(case["topK"]))
        if "topP" in case:
            warpers.append(TopPLogitsWarper(case["topP"]))
        if "minP" in case:
            warpers.append(MinPLogitsWarper(case["minP"]))
        left = scores[None]
        for warp in warpers:
            left = warp(None, left)
        probabilities = torch.softmax(left[0].double(), 0)
        allowed = [i for i in range(60) if left[0, i] > -float("inf")]
        results.append({
            "distribution": which,
            "sampling": case,
            "tokens": allowed,
            "probabilities": [round(probabilities[i].item(), 7) for i in allowed],
        })
document = {
    "versions": {"transformers": transformers.__version__, "torch": torch.__version__},
    "distributions": [[round(value, 6) for value in scores.tolist()] for scores in distributions],
    "results": results,
}
with open(sys.argv[1], "w") as file:
    json.dump(document, file)
    file.write("\n")
