"""Trains a tiny Llama of transformers with TRL and PEFT for 20 updates and keeps the curves: what our trainer must follow.

    node scripts/parity/compare-adapters.ts base PICO_FOLDER
    python trl_curves.py PICO_FOLDER bench/golden/trl-curves
    python trl_curves.py --model MODEL.gguf OUT_FOLDER

Both trainings start from one adapter that PEFT initialised, which is written beside the base. The examples are tokenised
here, by the pico tokenizer and its chat template, and are trained on in the order in which curves.json lists them.
The second form does the same with the real model (SmolLM2), for `node scripts/parity/compare-curves.ts`.
"""

import json
import random
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

UPDATES = 20
BATCH = 4
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
RECIPE = {"rank": 4, "alpha": 8, "learningRate": 5e-3, "weightDecay": 0.01, "beta": 0.1, "maxLength": 128}
COMMON = {
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "per_device_train_batch_size": BATCH,
    "max_steps": UPDATES,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 0,
    "weight_decay": RECIPE["weightDecay"],
    "optim": "adamw_torch",
    "max_grad_norm": 1.0,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": [],
    "disable_tqdm": True,
    "train_sampling_strategy": "sequential",
    "max_length": RECIPE["maxLength"],
    "seed": 1,
}


def tiny_base(pico: str, out: Path) -> None:
    """Weights of transformers with the tokenizer of the pico base; larger than its own start, so that something happens."""
    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=272,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        initializer_range=0.3,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        rms_norm_eps=1e-5,
    )
    LlamaForCausalLM(config).save_pretrained(out)
    for name in ["tokenizer.json", "tokenizer_config.json"]:
        shutil.copy(Path(pico) / name, out / name)


def fast_tokenizer(template: str, **source) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        eos_token="<|im_end|>", pad_token="<|im_end|>", chat_template=template, **source
    )


def texts() -> list[dict]:
    rng = random.Random(4)
    things = ["card", "error", "other", "shop", "bank"]
    rows = []
    for i in range(UPDATES * BATCH):
        thing, other = rng.sample(things, 2)
        question = f"where is the {thing} {i % 7}" + " that the other card is" * rng.randrange(3)
        rows.append({"prompt": question, "chosen": f"the {thing} is there", "rejected": f"no {other}" * rng.randrange(1, 4)})
    return rows


def tokenised(tokenizer, rows: list[dict]) -> list[dict]:
    """Prompt up to where the answer begins, answers with the token that ends the turn and nothing behind it."""

    def answer(prompt: str, messages: list[dict], text: str) -> list[int]:
        whole = tokenizer.apply_chat_template(messages + [{"role": "assistant", "content": text}], tokenize=False)
        assert whole.startswith(prompt)
        ids = tokenizer(whole[len(prompt) :], add_special_tokens=False)["input_ids"]
        return ids[: ids.index(tokenizer.eos_token_id) + 1]

    result = []
    for row in rows:
        messages = [{"role": "user", "content": row["prompt"]}]
        prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        result.append(
            {
                "prompt_ids": ids,
                "chosen_ids": answer(prompt, messages, row["chosen"]),
                "rejected_ids": answer(prompt, messages, row["rejected"]),
            }
        )
    return result


class PreparedDPOTrainer(DPOTrainer):
    """Takes rows that are tokenised already."""

    def _prepare_dataset(self, dataset, *_):
        return dataset


def history(trainer) -> dict[str, list[float]]:
    trainer.train()
    logs = [entry for entry in trainer.state.log_history if "loss" in entry]
    assert len(logs) == UPDATES
    return {
        name: [entry[key] for entry in logs]
        for name, key in [
            ("losses", "loss"),
            ("gradientNorms", "grad_norm"),
            ("learningRates", "learning_rate"),
            ("rewardMargin", "rewards/margins"),
        ]
        if key in logs[0]
    }


def curves(load, tokenizer, rows: list[dict], work: Path, out: Path, rate: float) -> dict:
    lora = LoraConfig(
        r=RECIPE["rank"], lora_alpha=RECIPE["alpha"], target_modules=LINEARS, lora_dropout=0.0, task_type="CAUSAL_LM"
    )

    def fresh():
        torch.manual_seed(9)
        return get_peft_model(load(), lora)

    start = fresh()
    start.save_pretrained(out / "start")
    (out / "start" / "README.md").unlink(missing_ok=True)
    examples = tokenised(tokenizer, rows)
    demonstrations = [
        {
            "input_ids": example["prompt_ids"] + example["chosen_ids"],
            "completion_mask": [0] * len(example["prompt_ids"]) + [1] * len(example["chosen_ids"]),
        }
        for example in examples
    ]
    common = COMMON | {"learning_rate": rate}
    sft = SFTTrainer(
        model=fresh(),
        args=SFTConfig(output_dir=str(work / "sft"), completion_only_loss=True, packing=False, **common),
        train_dataset=Dataset.from_list(demonstrations),
        processing_class=tokenizer,
    )
    dpo = PreparedDPOTrainer(
        model=fresh(),
        args=DPOConfig(output_dir=str(work / "dpo"), beta=RECIPE["beta"], **common),
        train_dataset=Dataset.from_list(examples),
        processing_class=tokenizer,
    )
    return {
        "versions": {name: version(name) for name in ["torch", "transformers", "peft", "trl"]},
        "recipe": RECIPE | {"learningRate": rate, "batchSize": BATCH, "updates": UPDATES},
        "rows": rows,
        "tokens": [[len(example[part]) for part in example] for example in examples],
        "sft": history(sft),
        "dpo": history(dpo),
    }


def main(arguments: list[str]) -> None:
    torch.set_num_threads(2)
    real = arguments[0] == "--model"
    out = Path(arguments[-1])
    out.mkdir(parents=True, exist_ok=True)
    work = Path("/tmp/trl-curves")
    if real:
        from reference_model import Reference

        reference = Reference(arguments[1])
        template = reference._field("tokenizer.chat_template")
        tokenizer = fast_tokenizer(template, tokenizer_object=reference.tokenizer)
        golden = curves(lambda: Reference(arguments[1]).model, tokenizer, texts(), work, out, 1e-3)
    else:
        tiny_base(arguments[0], out / "base")
        template = json.loads((out / "base" / "tokenizer_config.json").read_text())["chat_template"]
        tokenizer = fast_tokenizer(template, tokenizer_file=str(out / "base" / "tokenizer.json"))
        load = lambda: LlamaForCausalLM.from_pretrained(out / "base", dtype=torch.float32)  # noqa: E731
        golden = curves(load, tokenizer, texts(), work, out, RECIPE["learningRate"])
        shutil.rmtree(out / "base" / ".cache", ignore_errors=True)
    (out / "curves.json").write_text(json.dumps(golden) + "\n")
    for name in ["sft", "dpo"]:
        print(name, [round(loss, 4) for loss in golden[name]["losses"]])


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(sys.argv[1:])
