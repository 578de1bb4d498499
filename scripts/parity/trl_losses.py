"""Makes bench/golden/trl-losses.json: values and gradients of losses on seeded random log-probabilities, by TRL's code.

    python trl_losses.py bench/golden/trl-losses.json

A trainer of TRL is made without its constructor and given a model that returns prepared log-probabilities, so that the
loss is TRL's and nothing else runs. Gradients with regard to every token's log-probability are torch's autograd.
Which code each case ran is its `source`:

- sigmoid, hinge, ipo, robust and the SFT term: `DPOTrainer._compute_loss`. RPO is its loss types sigmoid and sft together.
- cDPO: TRL dropped label smoothing of its sigmoid loss; here it is TRL's sigmoid loss on the pairs and on the pairs
  swapped, weighted by 1 - e and e, which is the formula of Mitchell (2023).
- DPOP: TRL has none; the formula of Pal et al. (2024), eq. 3, in torch.
- KTO: `KTOTrainer._compute_loss`.
- ORPO: `odds_ratio_loss` of trl.experimental.orpo. Its trainer takes the likelihood term over prompt and answer; the
  paper and Regraft over the answer, so that term is torch's cross-entropy here.
- SimPO: `cpo_loss` of trl.experimental.cpo with loss_type simpo.
- SFT: transformers' `ForCausalLMLoss`, which TRL's SFTTrainer uses.
- distillation: `GKDTrainer.generalized_jsd_loss` of trl.experimental.gkd with beta 0, times T^2, mixed with the SFT loss.
"""

import json
import math
import sys
from collections import defaultdict
from importlib.metadata import version
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from transformers.loss.loss_utils import ForCausalLMLoss
from trl import DPOTrainer, KTOTrainer
from trl.experimental.cpo import CPOTrainer
from trl.experimental.gkd import GKDTrainer
from trl.experimental.orpo import ORPOTrainer

PAIRS = 6
LONGEST = 9
VOCABULARY = 13
generator = torch.Generator().manual_seed(3)


def lengths() -> torch.Tensor:
    return torch.randint(1, LONGEST + 1, (PAIRS,), generator=generator)


def log_probabilities() -> torch.Tensor:
    return -3 * torch.rand(PAIRS, LONGEST, generator=generator, dtype=torch.float64) - 0.01


TOKENS = {part: lengths() for part in ["chosen", "rejected", "mismatched"]}
MASKS = {part: torch.arange(LONGEST)[None] < tokens[:, None] for part, tokens in TOKENS.items()}
SCORES = {part: log_probabilities() * MASKS[part] for part in TOKENS}
REFERENCES = {
    part: SCORES[part].sum(1) + torch.randn(PAIRS, generator=generator, dtype=torch.float64) for part in TOKENS
}
LABELS = [True, False, True, True, False, True]


class PreparedModel:
    """Answers calls with prepared token log-probabilities, and what else a trainer logs with zeros."""

    training = True

    def __init__(self, *answers: torch.Tensor):
        self.answers = list(answers)

    def __call__(self, **_):
        scores = self.answers.pop(0)
        zeros = torch.zeros_like(scores)
        return SimpleNamespace(log_probs=scores, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool())


def trainer(kind, model, **settings):
    made = object.__new__(kind)
    made.accelerator = Accelerator(cpu=True)
    made._metrics = {"train": defaultdict(list)}
    made.model = model
    made._total_train_tokens, made._tp_size = 0, 1
    made.aux_loss_enabled, made.ref_model, made.precompute_ref_logps = False, None, True
    for name, value in settings.items():
        setattr(made, name, value)
    return made


def with_prompt(masks: torch.Tensor) -> torch.Tensor:
    """One prompt token in front, whose log-probability is not asked for."""
    return F.pad(masks.long(), (1, 0))


def dpo(chosen, rejected, types=("sigmoid",), weights=(1.0,), beta=0.3, smoothing=0.0, swapped=False):
    model = PreparedModel(torch.cat([chosen, rejected]))
    masks = with_prompt(torch.cat([MASKS["chosen"], MASKS["rejected"]]))
    first, second = ("rejected", "chosen") if swapped else ("chosen", "rejected")
    if swapped:
        model = PreparedModel(torch.cat([rejected, chosen]))
        masks = with_prompt(torch.cat([MASKS["rejected"], MASKS["chosen"]]))
    made = trainer(
        DPOTrainer,
        model,
        ld_alpha=None,
        f_divergence_type="reverse_kl",
        loss_types=list(types),
        loss_weights=list(weights),
        beta=beta,
        label_smoothing=smoothing,
        use_weighting=False,
    )
    inputs = {
        "input_ids": torch.zeros_like(masks),
        "attention_mask": torch.ones_like(masks),
        "completion_mask": masks,
        "ref_chosen_logps": REFERENCES[first],
        "ref_rejected_logps": REFERENCES[second],
    }
    return made._compute_loss(model, inputs, False)


def dpop(chosen, rejected, beta, weight):
    good = chosen.sum(1) - REFERENCES["chosen"]
    bad = rejected.sum(1) - REFERENCES["rejected"]
    return -F.logsigmoid(beta * (good - bad - weight * torch.relu(-good))).mean()


def kto(completion, mismatched, beta, desirable, undesirable):
    model = PreparedModel(mismatched, completion)
    settings = dict(beta=beta, desirable_weight=desirable, undesirable_weight=undesirable)
    made = trainer(KTOTrainer, model, calculate_KL=True, loss_type="kto", **settings)
    own, other = with_prompt(MASKS["chosen"]), with_prompt(MASKS["mismatched"])
    inputs = {
        "input_ids": torch.zeros_like(own),
        "attention_mask": torch.ones_like(own),
        "completion_mask": own,
        "KL_input_ids": torch.zeros_like(other),
        "KL_attention_mask": torch.ones_like(other),
        "KL_completion_mask": other,
        "label": torch.tensor(LABELS),
        "ref_logps": REFERENCES["chosen"],
        "ref_KL_logps": REFERENCES["mismatched"],
    }
    return made._compute_loss(model, inputs, False)


def likelihood(scores):
    return -scores.sum() / MASKS["chosen"].sum()


def orpo(chosen, rejected, beta):
    made = trainer(ORPOTrainer, None, beta=beta)
    losses = made.odds_ratio_loss(chosen.sum(1) / TOKENS["chosen"], rejected.sum(1) / TOKENS["rejected"])[0]
    return likelihood(chosen) - losses.mean()


def simpo(chosen, rejected, beta, gamma):
    settings = dict(beta=beta, simpo_gamma=gamma, alpha=0.0, label_smoothing=0.0, loss_type="simpo")
    made = trainer(CPOTrainer, None, **settings)
    return made.cpo_loss(chosen.sum(1) / TOKENS["chosen"], rejected.sum(1) / TOKENS["rejected"])[0].mean()


def sft(completion):
    """Logits whose log-softmax at the target is the given log-probability: two tokens are enough."""
    logits = torch.stack([completion, torch.log(-torch.expm1(completion.clamp(max=-1e-3)))], dim=-1)
    labels = torch.where(MASKS["chosen"], 0, -100)
    return ForCausalLMLoss(logits, None, vocab_size=2, shift_labels=labels)


PLAIN = {"name": "dpo", "beta": 0.3, "variant": "sigmoid", "labelSmoothing": 0, "sftWeight": 0, "dpopWeight": 0}
KTO = {"name": "kto", "beta": 0.2, "desirableWeight": 1, "undesirableWeight": 1.5}
CASES = [
    ({"name": "sft"}, "transformers ForCausalLMLoss", lambda c, r, m: sft(c)),
    (PLAIN, "trl DPOTrainer", lambda c, r, m: dpo(c, r)),
    (PLAIN | {"variant": "hinge"}, "trl DPOTrainer", lambda c, r, m: dpo(c, r, ["hinge"])),
    (PLAIN | {"variant": "ipo"}, "trl DPOTrainer", lambda c, r, m: dpo(c, r, ["ipo"])),
    (
        PLAIN | {"variant": "robust", "labelSmoothing": 0.1},
        "trl DPOTrainer",
        lambda c, r, m: dpo(c, r, ["robust"], smoothing=0.1),
    ),
    (
        PLAIN | {"labelSmoothing": 0.2},
        "trl DPOTrainer on the pairs and on the pairs swapped",
        lambda c, r, m: 0.8 * dpo(c, r) + 0.2 * dpo(c, r, swapped=True),
    ),
    (PLAIN | {"sftWeight": 0.7}, "trl DPOTrainer", lambda c, r, m: dpo(c, r, ["sigmoid", "sft"], [1.0, 0.7])),
    (PLAIN | {"dpopWeight": 5}, "Pal et al. 2024 in torch", lambda c, r, m: dpop(c, r, 0.3, 5)),
    (KTO, "trl KTOTrainer", lambda c, r, m: kto(c, m, 0.2, 1, 1.5)),
    ({"name": "orpo", "beta": 0.4}, "trl.experimental.orpo odds_ratio_loss", lambda c, r, m: orpo(c, r, 0.4)),
    (
        {"name": "simpo", "beta": 2, "gamma": 0.5},
        "trl.experimental.cpo cpo_loss",
        lambda c, r, m: simpo(c, r, 2, 0.5),
    ),
]


def tokens_of(part: str, values: torch.Tensor) -> list[list[float]]:
    return [[round(float(x), 8) for x in row[:size]] for row, size in zip(values, TOKENS[part])]


def case(recipe, source, loss_of):
    leaves = {part: scores.clone().requires_grad_() for part, scores in SCORES.items()}
    masked = [leaves[part] * MASKS[part] for part in ["chosen", "rejected", "mismatched"]]
    loss = loss_of(*masked)
    loss.backward()
    gradients = {part: tokens_of(part, leaf.grad) for part, leaf in leaves.items() if leaf.grad is not None}
    return {"recipe": recipe, "source": source, "loss": loss.item(), "gradients": gradients}


def distillation(temperature: float, weight: float):
    rows = 5
    student = (2 * torch.randn(1, rows, VOCABULARY, generator=generator)).requires_grad_()
    teacher = 2 * torch.randn(1, rows, VOCABULARY, generator=generator)
    targets = torch.randint(0, VOCABULARY, (1, rows), generator=generator)
    kl = GKDTrainer.generalized_jsd_loss(student, teacher, targets, beta=0, temperature=temperature)
    tokens = F.cross_entropy(student[0], targets[0])
    loss = weight * tokens + (1 - weight) * temperature**2 * kl
    loss.backward()
    return {
        "recipe": {"name": "distill", "temperature": temperature, "sftWeight": weight},
        "source": "trl.experimental.gkd generalized_jsd_loss (beta 0) times T^2, and torch's cross-entropy",
        "student": student[0].tolist(),
        "teacher": teacher[0].tolist(),
        "targets": targets[0].tolist(),
        "loss": loss.item(),
        "gradient": student.grad[0].tolist(),
    }


def main(out: str) -> None:
    golden = {
        "versions": {name: version(name) for name in ["torch", "transformers", "trl"]},
        "parts": {
            part: {"tokens": tokens_of(part, SCORES[part]), "reference": REFERENCES[part].tolist()} for part in SCORES
        },
        "labels": LABELS,
        "cases": [case(*entry) for entry in CASES],
        "distillation": [distillation(1.0, 0.0), distillation(2.5, 0.3)],
    }
    assert all(math.isfinite(entry["loss"]) for entry in golden["cases"])
    with open(out, "w") as file:
        file.write(json.dumps(golden) + "\n")
    for entry in golden["cases"]:
        print(f"{entry['recipe']['name']:6} {entry['loss']:.6f}  {entry['source']}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
