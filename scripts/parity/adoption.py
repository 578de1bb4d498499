"""The part of PEFT in adoption.ts, which calls it.

    python adoption.py train BASE TRAIN.jsonl PROMPTS.jsonl OUT    trains an adapter, saves it with its tokenizer, and answers prompts
    python adoption.py load BASE FOLDER LOGITS.json                loads an exported adapter and compares logits with those given

Training rows are {"messages": [...], "completion": "..."}; LOGITS.json is {"prompts": [[id, ...], ...], "logits": [[...], ...]}, of the
last position of each prompt.
"""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

TOLERANCE = 2e-3
SMALLEST_CHANGE = 0.1
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
EPOCHS, BATCH, RATE = 3, 16, 5e-3


def load_base(path: str):
    return AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation="eager").eval()


def read_lines(path: str) -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def prompt_ids(tokenizer, messages: list[dict]) -> list[int]:
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def train(base: str, rows_path: str, prompts_path: str, out: str) -> None:
    torch.manual_seed(3)
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = load_base(base)
    model.config._name_or_path = model.name_or_path = "someone/regraft-nano"
    config = LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules=LINEARS, lora_dropout=0.0)
    model = get_peft_model(model, config)
    examples = []
    for row in read_lines(rows_path):
        prompt = prompt_ids(tokenizer, row["messages"])
        answer = tokenizer(row["completion"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        examples.append((prompt + answer, [-100] * len(prompt) + answer))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=RATE, weight_decay=0.01)
    model.train()
    losses = []
    for _ in range(EPOCHS):
        order = torch.randperm(len(examples)).tolist()
        for start in range(0, len(order), BATCH):
            batch = [examples[i] for i in order[start : start + BATCH]]
            longest = max(len(ids) for ids, _ in batch)
            ids = torch.tensor([ids + [tokenizer.pad_token_id] * (longest - len(ids)) for ids, _ in batch])
            labels = torch.tensor([labels + [-100] * (longest - len(labels)) for _, labels in batch])
            mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in batch])
            loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
    print(f"PEFT trained on {len(examples)} rows: loss {losses[0]:.3f} to {losses[-1]:.3f}")
    model.eval()
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    answers = []
    with torch.no_grad():
        for row in read_lines(prompts_path):
            ids = prompt_ids(tokenizer, row["messages"])
            made = model.generate(
                input_ids=torch.tensor([ids]), max_new_tokens=12, do_sample=False, eos_token_id=tokenizer.eos_token_id
            )
            answers.append(tokenizer.decode(made[0][len(ids) :], skip_special_tokens=True))
    Path(out, "answers.json").write_text(json.dumps(answers))


@torch.no_grad()
def load(base: str, folder: str, logits_path: str) -> None:
    ours = json.loads(Path(logits_path).read_text())
    model = load_base(base)
    last = lambda one, ids: one(torch.tensor([ids])).logits[0, -1]  # noqa: E731
    plain = [last(model, ids) for ids in ours["prompts"]]
    adapted = PeftModel.from_pretrained(model, folder).eval()
    theirs = [last(adapted, ids) for ids in ours["prompts"]]
    difference = max((there - torch.tensor(here)).abs().max().item() for there, here in zip(theirs, ours["logits"]))
    change = max((there - before).abs().max().item() for there, before in zip(theirs, plain))
    agrees = difference < TOLERANCE and change > SMALLEST_CHANGE
    print(f"PEFT loads {Path(folder).name}: largest difference {difference:.1e}, largest change {change:.2f}{'' if agrees else '  DIFFERS'}")
    sys.exit(not agrees)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["train"] and len(sys.argv) == 6:
        train(*sys.argv[2:])
    elif sys.argv[1:2] == ["load"] and len(sys.argv) == 5:
        load(*sys.argv[2:])
    else:
        sys.exit(__doc__)
