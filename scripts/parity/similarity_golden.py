"""Writes what sacrebleu and rouge-score say of pairs of texts.

    pip install sacrebleu==2.6.0 rouge-score==0.1.2
    python similarity_golden.py packages/methods/src/text/similarity-golden.json
"""

import json
import sys

from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import CHRF

PAIRS = [
    ("the cat is on the mat", "the cat sat on the mat"),
    ("on the mat sat the cat", "the cat sat on the mat"),
    ("Your card arrives on Monday.", "your card will arrive on monday"),
    ("a", "a"),
    ("ab", "abcdefghij"),
    ("nothing in common", "zzz"),
    ("", "a reference"),
    ("a text", ""),
    ("the the the the", "the cat"),
    ("It's 5 o'clock, isn't it?", "It is five o'clock, is it not?"),
    ("  spaces\tand\nbreaks ", "spaces and breaks"),
    ("refund the order 1234 today", "please refund order 1234"),
]
# Not for ROUGE-L: its package knows ASCII letters only.
UNICODE = [
    ("Wo ist mein Päckchen? 📦", "Wo ist mein Paket? 📦"),
    ("私のカードはどこですか", "カードはどこですか"),
    ("\u00e9t\u00e9", "e\u0301te\u0301"),
]

chrf = CHRF()
rouge = RougeScorer(["rougeL"], use_stemmer=False)
rows = []
for text, reference in PAIRS + UNICODE:
    row = {"text": text, "reference": reference, "chrf": chrf.sentence_score(text, [reference]).score / 100}
    if (text, reference) in PAIRS:
        row["rougeL"] = rouge.score(reference, text)["rougeL"].fmeasure
    rows.append(row)
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(rows, file, indent=2, ensure_ascii=False)
    file.write("\n")
