"""Training steps of PyTorch + PEFT on SmolLM2, one for each line on standard input: the yardstick of bench/train-step.ts.

    python train_step.py MODEL.gguf RANK BATCH LENGTH THREADS [checkpointing]

Prints READY, then `MS <milliseconds> <loss>` per step, and at the end of its input `PEAK <bytes>`: the largest resident set
since READY. All seven linears, AdamW, every token is learned, weights in float32, attention by torch's own kernel (sdpa).
"""

import ctypes
import gc
import sys
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from reference_model import Reference

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main(path: str, rank: int, batch: int, length: int, threads: int, checkpointing: bool) -> None:
    model = Reference(path).model
    torch.set_num_threads(threads)
    model.set_attn_implementation("sdpa")
    model.config.use_cache = False
    model = get_peft_model(
        model, LoraConfig(task_type="CAUSAL_LM", r=rank, lora_alpha=2 * rank, target_modules=LINEARS, lora_dropout=0.0)
    )
    model.train()
    if checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, 49152, (batch, length), generator=generator)
    forget_peak()
    print("READY", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        print(f"MS {(time.perf_counter() - started) * 1e3:.1f} {loss.item():.6f}", flush=True)
    print(f"PEAK {peak()}", flush=True)


def forget_peak() -> None:
    """Loading needs more than training; what counts is the resident set from here on."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    if len(sys.argv) not in (6, 7):
        sys.exit(__doc__)
    main(sys.argv[1], *map(int, sys.argv[2:6]), "checkpointing" in sys.argv[6:])
