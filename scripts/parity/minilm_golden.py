"""Writes the golden embeddings of all-MiniLM-L6-v2: token ids and unit vectors of 26 texts.

    python minilm_golden.py SENTENCE_TRANSFORMERS_FOLDER bench/golden/minilm-embeddings.json

transformers' BertModel and tokenizer, each text by itself (no padding) in float32, mean of all token vectors, length 1:
what sentence-transformers does with this model. Vectors are base64 of little-endian float32.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

import torch
import transformers

TEXTS = [
    "Where is my card?",
    "I ordered a card but it has not arrived. Help please!",
    "WHERE IS MY CARD?!",
    "card",
    "",
    "   ",
    "a",
    "My top-up was reverted, and I don't know why...",
    "I've been charged £5.40 / $6.10 (twice!) for 1 cash withdrawal @ 3pm",
    "Wo ist meine Karte? Ich warte schon über eine Woche.",
    "Où est ma carte bancaire ? J'attends déjà depuis une semaine.",
    "¿Dónde está mi tarjeta? Llevo más de una semana esperándola.",
    "我的卡在哪里？",
    "カードはどこですか",
    "카드가 어디에 있나요",
    "Где моя карта?",
    "أين بطاقتي؟",
    "naïve café façade coöperate Ångström",
    "the card 💳 has not come 😡😡",
    "tabs\tand\nnew lines\r\nand\u00a0no-break\u2003spaces",
    "soft\u00adhyphen zero\u200bwidth \ufeffmark",
    "x" * 150,
    "unbelievableness antidisestablishmentarianism floccinaucinihilipilification",
    "[CLS] special [SEP] tokens [MASK] in the text [PAD]",
    "https://example.com/path?query=1&b=two#three user@example.com",
    " ".join(f"word{i} the transfer number {i} has failed" for i in range(90)),
]


def main(folder: str, out: str) -> None:
    maximum = json.loads((Path(folder) / "sentence_bert_config.json").read_text())["max_seq_length"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    entries = []
    for text in TEXTS:
        encoded = tokenizer(text, truncation=True, max_length=maximum, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**encoded).last_hidden_state[0]
        vector = torch.nn.functional.normalize(hidden.mean(dim=0), dim=0).numpy().astype("<f4")
        entries.append(
            {
                "text": text,
                "ids": encoded["input_ids"][0].tolist(),
                "vector": base64.b64encode(vector.tobytes()).decode(),
            }
        )
    weights = (Path(folder) / "model.safetensors").read_bytes()
    head = {
        "weights": hashlib.sha256(weights).hexdigest(),
        "maximumTokens": maximum,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    Path(out).write_text(json.dumps({**head, "texts": entries}, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
