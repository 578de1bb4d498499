"""The 20 prompts of the parity checks: chat-formatted and plain, with digits, code, other scripts and odd white space."""

CHAT = [
    [{"role": "user", "content": "What is the capital of France?"}],
    [{"role": "user", "content": "My card hasn't arrived yet. What should I do?"}],
    [{"role": "system", "content": "Answer with one word."}, {"role": "user", "content": "Is 1024 a power of two?"}],
    [{"role": "user", "content": "Write a haiku about the sea."}],
    [
        {"role": "user", "content": "Name a fruit."},
        {"role": "assistant", "content": "Apple."},
        {"role": "user", "content": "Another one, please."},
    ],
    [{"role": "user", "content": "Translate to Spanish: Good morning, how are you?"}],
    [{"role": "system", "content": "You route tickets to queues."}, {"role": "user", "content": "i was charged 2x!!  pls refund €35.90"}],
    [{"role": "user", "content": "Explain in one sentence why the sky is blue."}],
    [{"role": "user", "content": "def add(a, b):\n    return a - b\n\nWhat is wrong with this function?"}],
    [{"role": "user", "content": "¿Dónde está la biblioteca? 図書館はどこですか？ 👋"}],
]

PLAIN = [
    "The quick brown fox jumps over the lazy",
    "Once upon a time, in a small village by the sea, there lived",
    "Water boils at 100 degrees Celsius, which is the same as",
    "import numpy as np\n\ndef mean(values):\n    ",
    "The three primary colours are",
    "To be, or not to be,",
    "It's been 3 weeks since I've ordered; they'd said it'd take 2-4 days, but we're still",
    "A list of the planets:\n1. Mercury\n2. Venus\n3.",
    "   Leading spaces,\ttabs and\n\n\nblank lines are kept by",
    "Zürich, São Paulo, 東京 and Москва are",
]
