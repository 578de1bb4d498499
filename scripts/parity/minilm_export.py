"""Writes a sentence-transformers folder as an ONNX sentence-encoder folder.

    python scripts/parity/minilm_export.py SENTENCE_TRANSFORMERS_FOLDER ONNX_FOLDER

The graph takes input_ids, attention_mask and token_type_ids [batch, tokens] and gives last_hidden_state; pooling and
normalisation are left to whoever runs it, as in the folders that optimum exports. Needs torch, transformers, onnx and
onnxscript.
"""

import shutil
import sys
from pathlib import Path

import torch
from transformers import AutoModel

source, target = Path(sys.argv[1]), Path(sys.argv[2])
for name in (
    "config.json",
    "modules.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "1_Pooling/config.json",
):
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / name, target / name)


class Hidden(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state


model = Hidden(AutoModel.from_pretrained(source, attn_implementation="eager").eval())
# Three tensors of their own: the exporter takes one that is passed twice for one input.
ids = torch.randint(1000, 2000, (2, 7))
mask = torch.ones_like(ids)
mask[1, 5:] = 0
axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens", max=512)}
torch.onnx.export(
    model,
    (ids, mask, torch.zeros_like(ids)),
    target / "model.onnx.writing",
    input_names=["input_ids", "attention_mask", "token_type_ids"],
    output_names=["last_hidden_state"],
    dynamic_shapes=(axes, axes, axes),
    dynamo=True,
    external_data=False,
)
(target / "model.onnx.writing").replace(target / "model.onnx")
