"""Trains small tokenizers in the form of each family's own and records what they make of tricky texts.

    python tokenizer_golden.py bench/golden/tokenizers

A file per family: `tokenizer`, the tokenizer.json that transformers or tokenizers writes; `gold`, for each text the ids and what they
decode to; `opened`, the ids of the first text with the special tokens that the tokenizer puts around it. gemma.json and llama2.json
also hold `pieces`, `scores` and `types` of the SentencePiece model that they were converted from, as a GGUF file has them, and
`sentencepiece`, the ids and texts of SentencePiece itself. packages/engine/src/tokenizer/families.test.ts compares.
"""

import io
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import sentencepiece
from prompts import CHAT, PLAIN
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import GemmaTokenizer, LlamaTokenizer, Qwen2Tokenizer
from transformers.convert_slow_tokenizer import generate_merges

TEXTS = [
    "Hello world, it's 2026 and I've 12345 items; they'LL say \u00bd of \u0661\u0662\u0663 \u2167 x\u00b2.",
    "'s 'S 'll'LL'Ve 'M'd'D '\u017f '\u212a don't DON'T dOn'T o'clock",
    "camelCase HTTPServer XMLHttpRequest iPhone \u01c5\u01c6\u01c4 \u00c9cole \u0130stanbul \u03a3\u03c3\u03c2 McDonald\u2019s",
    "  leading,   inner    and trailing   ",
    "tab\tand\t\ttabs\n\nlines\r\n\r\n  indented\n   \n\n",
    "\u0085next\u0085line \ufeffbom\ufeff \u00a0nbsp\u00a0 \u2028sep\u2029 \u200bzero \u3000wide\u3000 \u180e \u1680ogham\u1680x",
    "e\u0301 \u00e9 A\u030a \u212b \ufb01 \u1e9b\u0323 \u0915\u094d\u0937\u093f \u0e01\u0e33\u0e25\u0e31\u0e07 \u1112\u1161\u11ab \ud55c",
    "\U0001f469\u200d\U0001f4bb \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd \u2764\ufe0f \U00010400\U00010428 \U0001d7d8",
    "\u56f3\u66f8\u9928\u306f\u3069\u3053\u3067\u3059\u304b\uff1f \u041c\u043e\u0441\u043a\u0432\u0430 \u0645\u0631\u062d\u0628\u0627 \u05e9\u05c1\u05b8",
    "def f(x):\n    return x**2  # comment\n\n\tif a!=b: pass;;; ///** --->>> $$$ \\n",
    "a\u2581b \u2581 \u2581\u2581c <0x41> <s> <unk> <|x|> <table></table> <table >",
    "<bos><start_of_turn>user\nhi<end_of_turn>\n<|im_start|>a<|im_end|> <|begin_of_text|>b<|eot_id|>",
    "x \u2581 \u2581\u2581y \u2581\u2581\u2581 z",
    "",
    " ",
    "\n",
    "  \n  \n",
    "a" * 40 + "b" * 33 + " " * 40 + "\n" * 5 + "!" * 20,
    "1234567890 1,234.5 3.14 10^6 \u0967\u0968\u0969",
    "https://example.com/a_b?c=d&e=%20#f user.name+tag@host.org C:\\dir\\file.txt",
    "\u0000\u0001\u007f control\u001b[0m",
    *PLAIN,
]
CORPUS = [message["content"] for messages in CHAT for message in messages] + TEXTS * 3 + ["the other there where"] * 9
LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_level(pre_tokenizer, special: list[str], ignore_merges: bool, normalizer=None) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=640, initial_alphabet=alphabet, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def split(pattern: str):
    parts = [pre_tokenizers.Split(Regex(pattern), behavior="isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    return pre_tokenizers.Sequence(parts)


def llama3() -> Tokenizer:
    special = ["<|begin_of_text|>", "<|eot_id|>"]
    tokenizer = byte_level(split(LLAMA_3), special, True)
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True),
            processors.TemplateProcessing(
                single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B", special_tokens=[(special[0], 0)]
            ),
        ]
    )
    return tokenizer


def qwen2() -> Tokenizer:
    trained = json.loads(byte_level(Qwen2Tokenizer().backend_tokenizer.pre_tokenizer, [], False).to_str())["model"]
    tokenizer = Qwen2Tokenizer(trained["vocab"], [tuple(pair) for pair in trained["merges"]])
    tokenizer.add_tokens([AddedToken(token, special=True) for token in ["<|im_start|>", "<|im_end|>"]])
    return tokenizer.backend_tokenizer


def smollm() -> Tokenizer:
    parts = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    return byte_level(pre_tokenizers.Sequence(parts), ["<|im_start|>", "<|im_end|>"], False)


def pieces(**options) -> ModelProto:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line for text in CORPUS for line in text.replace("\0", "").split("\n") if line]),
        model_writer=model,
        model_type="bpe",
        vocab_size=700,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        character_coverage=0.98,
        hard_vocab_limit=False,
        minloglevel=2,
        **options,
    )
    proto = ModelProto()
    proto.ParseFromString(model.getvalue())
    return proto


def gemma_pieces() -> ModelProto:
    blanks = ["\n" * count for count in range(1, 6)] + ["\u2581" * count for count in range(2, 9)]
    tabs = ["\t" * count for count in range(1, 4)]
    return pieces(
        add_dummy_prefix=False,
        pad_id=0,
        eos_id=1,
        bos_id=2,
        unk_id=3,
        pad_piece="<pad>",
        eos_piece="<eos>",
        bos_piece="<bos>",
        control_symbols=["<start_of_turn>", "<end_of_turn>"],
        user_defined_symbols=[*blanks, "<table>", "</table>", *tabs],
    )


def converted(proto: ModelProto) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges as transformers' own converter makes them of a SentencePiece model."""
    vocabulary = {piece.piece: number for number, piece in enumerate(proto.pieces)}
    return vocabulary, generate_merges(vocabulary, [(piece.piece, piece.score) for piece in proto.pieces])


def gemma(proto: ModelProto) -> Tokenizer:
    vocabulary, merges = converted(proto)
    tokenizer = GemmaTokenizer(vocabulary, merges)
    special = ["<start_of_turn>", "<end_of_turn>"]
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return tokenizer.backend_tokenizer


def llama2(proto: ModelProto) -> Tokenizer:
    return LlamaTokenizer(*converted(proto)).backend_tokenizer


def of_sentencepiece(proto: ModelProto) -> dict:
    processor = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    # The converter of llama.cpp writes the spaces of user-defined pieces as such.
    written = [piece.piece.replace("\u2581", " ") if piece.type == 4 else piece.piece for piece in proto.pieces]
    plain = [text for text in TEXTS if not any(piece.piece in text for piece in proto.pieces if piece.type in (2, 3))]
    return {
        "pieces": written,
        "scores": [piece.score for piece in proto.pieces],
        "types": [piece.type for piece in proto.pieces],
        "sentencepiece": [[text, processor.encode(text), processor.decode(processor.encode(text))] for text in plain],
    }


def gold(tokenizer: Tokenizer) -> list:
    lines = []
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        lines.append([text, ids, tokenizer.decode(ids, skip_special_tokens=False)])
    return lines


def main(folder: str) -> None:
    gemma_proto, llama_proto = gemma_pieces(), pieces(add_dummy_prefix=True)
    families = {
        "llama3": (llama3(), {}),
        "qwen2": (qwen2(), {}),
        "tekken": (byte_level(split(TEKKEN), ["<unk>", "<s>", "</s>"], True), {}),
        "smollm": (smollm(), {}),
        "gemma": (gemma(gemma_proto), of_sentencepiece(gemma_proto)),
        "llama2": (llama2(llama_proto), of_sentencepiece(llama_proto)),
    }
    Path(folder).mkdir(parents=True, exist_ok=True)
    versions = {name: version(name) for name in ["transformers", "tokenizers", "sentencepiece"]}
    for name, (tokenizer, extra) in families.items():
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "tokenizer.json"
            tokenizer.save(str(path))
            definition = json.loads(path.read_text())
        golden = {"versions": versions, "tokenizer": definition, "gold": gold(tokenizer), "opened": tokenizer.encode(TEXTS[0]).ids, **extra}
        (Path(folder) / f"{name}.json").write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")
        print(name, len(definition["model"]["vocab"]), "tokens")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
