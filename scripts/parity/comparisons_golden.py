"""Writes what scipy and statsmodels, or an enumeration in plain Python, say of comparisons of two candidates.

    pip install scipy==1.17.1 statsmodels==0.15.0 numpy==2.4.6
    python comparisons_golden.py packages/methods/src/stats/comparisons-golden.json
"""

import json
import sys
from importlib.metadata import version

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm, permutation_test
from statsmodels.stats.multitest import multipletests


def score(only_a: int, only_b: int, n: int, difference: float) -> float:
    """Tango's score with the likelihood maximised numerically under the difference."""

    def loss(share: float) -> float:
        shares = (share + difference, share, 1 - difference - 2 * share)
        counts = (only_a, only_b, n - only_a - only_b)
        return -sum(count * np.log(max(part, 1e-300)) for count, part in zip(counts, shares) if count)

    bounds = (max(0, -difference), (1 - difference) / 2)
    share = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-14}).x
    return (only_a - only_b - n * difference) / np.sqrt(n * (2 * share + difference - difference**2))


def score_limits(only_a: int, only_b: int, n: int, level: float) -> dict:
    z = norm.ppf((1 + level) / 2)
    estimate = (only_a - only_b) / n
    low = brentq(lambda d: score(only_a, only_b, n, d) - z, -0.9999, estimate - 1e-12, xtol=1e-13)
    high = brentq(lambda d: score(only_a, only_b, n, d) + z, estimate + 1e-12, 0.9999, xtol=1e-13)
    return {"onlyA": only_a, "onlyB": only_b, "n": n, "level": level, "low": low, "high": high}


def permutation(differences: list[float], alternative: str) -> dict:
    test = permutation_test((differences,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative=alternative)
    return {"differences": differences, "alternative": alternative, "mean": float(np.mean(differences)), "p": float(test.pvalue)}


def adjusted(p_values: list[float]) -> dict:
    by = lambda method: multipletests(p_values, method=method)[1].tolist()
    return {"pValues": p_values, "holm": by("holm"), "benjaminiHochberg": by("fdr_bh")}


SKEWED = [0.12, -0.05, 0.31, 0.02, 0.44, -0.11, 0.08, 0.95, 0.27, -0.2]
PAIRS = [(6, 16, 161, 0.95), (12, 2, 50, 0.95), (1, 7, 21, 0.95), (40, 20, 160, 0.95), (150, 86, 1600, 0.95), (5, 20, 300, 0.9)]


def main(path: str) -> None:
    golden = {
        "versions": {package: version(package) for package in ("scipy", "statsmodels", "numpy")},
        "scoreLimits": [score_limits(*pair) for pair in PAIRS],
        "permutation": [permutation(SKEWED, alternative) for alternative in ("two-sided", "greater", "less")]
        + [permutation([1, 1, 1, -1, 1, 1, 1, -1, 1, 1, 1], "two-sided"), permutation([0.5, -2, 0.5, 0, 3], "greater")],
        "adjusted": [adjusted([0.01, 0.04, 0.03, 0.005]), adjusted([0.2, 0.001, 0.001, 0.9, 0.05, 0.013])],
    }
    with open(path, "w") as file:
        file.write(json.dumps(golden, indent=2) + "\n")


main(sys.argv[1])
