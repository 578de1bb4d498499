"""Writes what scipy and statsmodels, or an enumeration in plain Python, say of comparisons of two candidates.

    pip install scipy==1.17.1 statsmodels==0.15.0 numpy==2.4.6
    python comparisons_golden.py packages/methods/src/stats/comparisons-golden.json
"""

import json
import sys
from importlib.metadata import version

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import beta, binom, multivariate_normal, norm, permutation_test, t
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower


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


def closed_score(only_a, only_b, n: int, difference: float):
    """The same score for many outcomes at once, with the share from its quadratic."""
    linear = (2 * n - only_a + only_b) * difference - only_a - only_b
    root = np.sqrt(np.maximum(linear**2 + 8 * n * only_b * difference * (1 - difference), 0))
    variance = n * (2 * (root - linear) / (4 * n) + difference * (1 - difference))
    distance = only_a - only_b - n * difference
    return np.where(variance > 1e-12 * n, distance / np.sqrt(np.maximum(variance, 1e-300)), np.sign(distance) * np.inf)


def outcomes(n: int):
    only_a, only_b = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    keep = only_a + only_b <= n
    return only_a[keep], only_b[keep]


def chances(n: int, difference: float, discordance: float) -> np.ndarray:
    only_a, only_b = outcomes(n)
    discordant = only_a + only_b
    share = min(1, max(0, (1 + difference / discordance) / 2))
    return binom.pmf(discordant, n, discordance) * binom.pmf(only_a, discordant, share)


def exact_lower(only_a: int, only_b: int, n: int, alpha: float) -> float:
    """Lloyd and Moldovan's limit over a Berger and Boos set, by summing over all outcomes and a fine grid of shares."""
    limit = score_limits(only_a, only_b, n, 1 - 2 * alpha)["low"]
    first, second = outcomes(n)
    region = closed_score(first, second, n, limit) >= closed_score(np.array([only_a]), np.array([only_b]), n, limit)[0] - 1e-6
    charged = alpha / 500
    discordant = only_a + only_b
    low = beta.ppf(charged / 2, discordant, n - discordant + 1) if discordant else 0
    high = beta.ppf(1 - charged / 2, discordant + 1, n - discordant) if discordant < n else 1

    def worst(difference: float) -> float:
        least = max(abs(difference), low, 1e-9)
        shares = np.linspace(least, max(least, high), 200)
        return max(chances(n, difference, share)[region].sum() for share in shares)

    return brentq(lambda d: worst(d) - (alpha - charged), -0.999, limit + 0.1, xtol=1e-6)


def power(n: int, margin: float, difference: float, discordance: float, alpha: float) -> dict:
    first, second = outcomes(n)
    chance = chances(n, difference, discordance)
    z = norm.ppf(1 - alpha)
    above = closed_score(first, second, n, -margin) >= z
    below = closed_score(second, first, n, -margin) >= z
    mcnemar = np.abs(first - second) >= norm.ppf(1 - alpha / 2) * np.sqrt(first + second)
    mcnemar &= first != second
    return {
        "n": n, "margin": margin, "difference": difference, "discordance": discordance, "alpha": alpha,
        "nonInferiority": chance[above].sum(), "equivalence": chance[above & below].sum(),
        "pairedDifference": chance[mcnemar].sum(),
    }  # fmt: skip


def mixture(values: list[float], prior: float) -> float:
    """Effects N(0, 1 / prior) against none, the scale integrated out numerically over both."""
    x = np.array(values)
    n, squares, total = len(x), (x**2).sum(), x.sum()
    scale = np.sqrt(squares / n)

    def marginal(effect: float) -> float:
        def over_scale(log_scale: float) -> float:
            s = scale * np.exp(log_scale)
            return np.exp(-n * log_scale - (squares / s**2 - 2 * effect * total / s + n * effect**2) / 2)

        return quad(over_scale, -3, 3, epsabs=0, epsrel=1e-10, limit=200)[0]

    deviation = 1 / np.sqrt(prior)
    prior_mean = quad(lambda e: norm.pdf(e, scale=deviation) * marginal(e), -8 * deviation, 8 * deviation, epsabs=0, epsrel=1e-9, limit=200)[0]
    return prior_mean / marginal(0)


def betting_low(values: list[float], least: float, most: float, alpha: float) -> float:
    """The largest mean that was ever refuted, over a plain grid of shares and prefixes."""
    x = np.array(values)
    fractions = 0.01 * 90 ** (np.arange(20) / 19)

    def excess(mean: float) -> float:
        gains = np.log1p(np.outer(fractions, (x - least) / (mean - least) - 1)).cumsum(axis=1)
        return np.log(np.exp(gains).mean(axis=0).max()) - np.log(1 / alpha)

    return brentq(excess, least + 1e-6, most, xtol=1e-12)


def joint(parts: list[float], correlation: float) -> dict:
    covariance = np.full((len(parts), len(parts)), correlation) + np.eye(len(parts)) * (1 - correlation)
    value = multivariate_normal(cov=covariance, abseps=1e-10, releps=1e-10, maxpts=5_000_000).cdf(norm.ppf(parts))
    return {"parts": parts, "correlation": correlation, "power": float(value)}


def bootstrap_t(values: list[float], alpha: float, resamples: int) -> dict:
    x = np.array(values)
    generator = np.random.default_rng(11)
    drawn = generator.choice(x, (resamples, len(x)))
    error = x.std(ddof=1) / np.sqrt(len(x))
    scores = (drawn.mean(axis=1) - x.mean()) / (drawn.std(axis=1, ddof=1) / np.sqrt(len(x)))
    student = t.ppf(1 - alpha, len(x) - 1)
    low = x.mean() - max(np.quantile(scores, 1 - alpha), student) * error
    high = x.mean() - min(np.quantile(scores, alpha), -student) * error
    return {"values": values, "alpha": alpha, "low": low, "high": high, "studentLow": x.mean() - student * error}


SKEWED = [0.12, -0.05, 0.31, 0.02, 0.44, -0.11, 0.08, 0.95, 0.27, -0.2]
PAIRS = [(6, 16, 161, 0.95), (12, 2, 50, 0.95), (1, 7, 21, 0.95), (40, 20, 160, 0.95), (150, 86, 1600, 0.95), (5, 20, 300, 0.9)]


def main(path: str) -> None:
    golden = {
        "versions": {package: version(package) for package in ("scipy", "statsmodels", "numpy")},
        "scoreLimits": [score_limits(*pair) for pair in PAIRS],
        "permutation": [permutation(SKEWED, alternative) for alternative in ("two-sided", "greater", "less")]
        + [permutation([1, 1, 1, -1, 1, 1, 1, -1, 1, 1, 1], "two-sided"), permutation([0.5, -2, 0.5, 0, 3], "greater")],
        "adjusted": [adjusted([0.01, 0.04, 0.03, 0.005]), adjusted([0.2, 0.001, 0.001, 0.9, 0.05, 0.013])],
        "exactLower": [
            {"onlyA": a, "onlyB": b, "n": n, "alpha": alpha, "low": exact_lower(a, b, n, alpha)}
            for a, b, n, alpha in [(1, 7, 21, 0.05), (7, 1, 21, 0.05), (2, 3, 30, 0.05), (12, 12, 60, 0.025), (5, 5, 80, 0.05)]
        ],
        "power": [
            power(*design)
            for design in [(60, 0.1, 0, 0.2, 0.05), (120, 0.05, -0.01, 0.1, 0.05), (150, 0.1, 0.02, 0.15, 0.025)]
        ],
        "means": [
            {"effect": effect, "alpha": alpha, "power": wanted, "n": float(TTestPower().solve_power(effect, alpha=alpha, power=wanted, alternative="larger"))}
            for effect, alpha, wanted in [(0.5, 0.05, 0.8), (0.1, 0.05, 0.8), (0.2, 0.025, 0.9), (0.8, 0.05, 0.95)]
        ],
        "mixture": [
            {"values": values, "prior": prior, "evidence": mixture(values, prior)}
            for values, prior in [(SKEWED, 3.0), ([0.5, 0.8, 0.1, 0.9, 0.4, 0.7], 8.0)]
        ],
        "betting": [
            {"values": values, "least": least, "most": most, "alpha": alpha, "low": betting_low(values, least, most, alpha)}
            for values, least, most, alpha in [(SKEWED, -1, 1, 0.05), ([1, 0, 0, 1, -1, 0, 1, 1, 0, 0, 1, 1, 1, 1], -1, 1, 0.025), ([3.0, 2.5, 4.0] * 12, 0, 5, 0.025)]
        ],
        "joint": [joint([0.8, 0.9], 0.5), joint([0.8, 0.8, 0.9], 0.3), joint([0.6, 0.95], 0.9)],
        "bootstrapT": [bootstrap_t(SKEWED * 2, 0.05, 400_000), bootstrap_t([0.1, 0.2, 0.15, 0.12, 0.3, 0.05, 0.9, 0.11], 0.05, 400_000)],
    }
    with open(path, "w") as file:
        file.write(json.dumps(golden, indent=2) + "\n")


main(sys.argv[1])
