"""Estimates and intervals of other implementations: packages/methods/src/stats/estimates-golden.json.

    python -m venv VENV && VENV/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 scikit-learn==1.9.1 \
        uncertainty-calibration==0.1.4 confidenceinterval==1.0.5
    VENV/bin/python scripts/parity/estimates_golden.py packages/methods/src/stats/estimates-golden.json
"""
import json
import sys
from fractions import Fraction
from importlib.metadata import version
from math import comb

import calibration
import numpy as np
import scipy.stats
import statsmodels.api as sm
from confidenceinterval.delong import delong_roc_variance
from scipy import integrate, optimize
from scipy.special import expit, log_softmax
from sklearn.calibration import calibration_curve
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.proportion import proportion_confint

random = np.random.default_rng(20)
golden = {"versions": {name: version(name) for name in (
    "numpy", "scipy", "statsmodels", "scikit-learn", "uncertainty-calibration", "confidenceinterval")}}

golden["clopperPearson"] = [
    {"successes": k, "n": n, "level": level, "interval": proportion_confint(k, n, 1 - level, method="beta")}
    for k, n, level in [(0, 10, 0.95), (10, 10, 0.95), (7, 20, 0.9), (1817, 3080, 0.95), (3, 3, 0.99)]]

# The first is Fisher's tea, the second his twins.
golden["fisher"] = [
    {"table": [a, n, b, m], "pValues": {
        name: scipy.stats.fisher_exact([[a, n - a], [b, m - b]], alternative).pvalue
        for name, alternative in [("two-sided", "two-sided"), ("greater", "greater"), ("less", "less")]}}
    for a, n, b, m in [(3, 4, 1, 4), (10, 12, 3, 18), (0, 5, 0, 7), (178, 200, 155, 200), (1, 40, 9, 60)]]

first = np.round(random.gamma(1.5, 1.0, 24), 2)
second = np.round(random.normal(0.9, 0.4, 40), 2)
golden["unpairedBootstrap"] = {"a": first.tolist(), "b": second.tolist(), "interval": list(scipy.stats.bootstrap(
    (first, second), lambda a, b, axis: a.mean(axis) - b.mean(axis), method="BCa", n_resamples=400_000,
    vectorized=True, batch=20_000, rng=np.random.default_rng(1)).confidence_interval)}

few, other = np.round(random.normal(1.0, 2.0, 5), 2), np.round(random.normal(0.0, 0.5, 9), 2)
def welch(a, b, axis):
    return (a.mean(axis) - b.mean(axis)) / np.sqrt(
        a.var(axis, ddof=1) / a.shape[axis] + b.var(axis, ddof=1) / b.shape[axis])
def welch_p(alternative):
    # All 2,002 splits.
    return scipy.stats.permutation_test(
        (few, other), lambda a, b, axis: np.abs(welch(a, b, axis)) if alternative == "two-sided" else welch(a, b, axis),
        permutation_type="independent", n_resamples=np.inf, vectorized=True,
        alternative="greater" if alternative == "two-sided" else alternative).pvalue
golden["unpairedPermutation"] = {"a": few.tolist(), "b": other.tolist(),
    "pValues": {name: welch_p(name) for name in ("two-sided", "greater", "less")}}

clusters = np.repeat(np.arange(25), random.integers(1, 12, 25))
differences = np.round(random.gamma(1.0, 0.4, 25)[clusters] - 0.3 + random.normal(0, 0.3, clusters.size), 3)
sums = np.bincount(clusters, differences)
sizes = np.bincount(clusters).astype(float)
golden["clusterBootstrap"] = {"differences": differences.tolist(), "clusters": clusters.tolist(),
    "interval": list(scipy.stats.bootstrap(
        (sums, sizes), lambda s, n, axis: s.sum(axis) / n.sum(axis), paired=True, method="BCa", n_resamples=400_000,
        vectorized=True, batch=20_000, rng=np.random.default_rng(1)).confidence_interval)}

golden["passAtK"] = [{"n": n, "c": c, "k": k, "value": float(1 - Fraction(comb(n - c, k), comb(n, k)))}
    for n, c, k in [(200, 13, 1), (200, 13, 10), (200, 1, 100), (64, 3, 64), (1000, 7, 100), (5, 0, 3)]]

# American League 1987, wins of the row over the column; Agresti 2002, "Categorical Data Analysis", table 10.10.
teams = ["Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore"]
wins = np.array([[0, 7, 9, 7, 7, 9, 11], [6, 0, 7, 5, 11, 9, 9], [4, 6, 0, 7, 7, 8, 12], [6, 8, 6, 0, 6, 7, 10],
                 [6, 2, 6, 7, 0, 7, 12], [4, 4, 5, 6, 6, 0, 6], [2, 4, 1, 3, 1, 7, 0]])
rows, counts = [], []
for i in range(7):
    for j in range(i + 1, 7):
        row = np.zeros(7)
        row[i], row[j] = 1, -1
        rows.append(row[:6])
        counts.append([wins[i, j], wins[j, i]])
fit = sm.GLM(np.array(counts), np.array(rows), family=sm.families.Binomial()).fit(tol=1e-14)
golden["bradleyTerry"] = {"players": teams, "wins": wins.tolist(), "reference": "Baltimore",
    "estimates": [*fit.params, 0], "intervals": [*fit.conf_int().tolist(), [0, 0]]}

# Davidson's model as a log-linear one: an outcome's count is Poisson, with a term for each pair (Fienberg and Larntz 1976).
strength, nu = np.array([0.9, 0.3, 0.0, -0.5]), 0.8
tallies, design, outcomes = [], [], []
pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
for which, (i, j) in enumerate(pairs):
    weights = np.exp([strength[i], strength[j], np.log(nu) + (strength[i] + strength[j]) / 2])
    tally = random.multinomial(random.integers(8, 40), weights / weights.sum())
    tallies.append({"first": i, "second": j, "wins": tally.tolist()})
    for outcome in range(3):
        row = np.zeros(4 + 1 + len(pairs))
        if outcome == 0: row[i] = 1
        elif outcome == 1: row[j] = 1
        else: row[i], row[j], row[4] = 0.5, 0.5, 1
        row[5 + which] = 1
        design.append(row)
        outcomes.append(tally[outcome])
design = np.array(design)
fit = sm.GLM(outcomes, np.delete(design, 3, 1), family=sm.families.Poisson()).fit(tol=1e-14)
covariance = np.zeros((4, 4))
covariance[:3, :3] = fit.cov_params()[:3, :3]
centring = np.eye(4) - 0.25
centred = centring @ [*fit.params[:3], 0]
errors = np.sqrt(np.diag(centring @ covariance @ centring.T))
golden["davidson"] = {"tallies": tallies, "estimates": centred.tolist(), "errors": errors.tolist(),
    "logNu": fit.params[3], "logNuError": fit.bse[3]}

n = 300
difference = np.round(random.normal(80, 150, n))
scaled = np.tanh(difference / difference.std())
preference = np.where(random.random(n) < 0.15, 0.5, random.random(n) < expit(0.2 + 1.1 * scaled)).astype(float)
def firth(x, y):
    columns = np.column_stack([np.ones(len(x)), x])
    def loss(point):
        p = expit(columns @ point)
        information = columns.T @ (columns * (p * (1 - p))[:, None])
        return -(np.sum(y * np.log(p) + (1 - y) * np.log1p(-p)) + 0.5 * np.linalg.slogdet(information)[1])
    point = optimize.minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-13}).x
    p = expit(columns @ point)
    return point, np.sqrt(np.diag(np.linalg.inv(columns.T @ (columns * (p * (1 - p))[:, None]))))
(theta, phi), (theta_error, phi_error) = firth(scaled, preference)
always = difference[:12]
(sure, _), (sure_error, _) = firth(np.tanh(always / always.std()), np.ones(12))
z = scipy.stats.norm.ppf(0.975)
golden["lengthControlled"] = {"differences": difference.tolist(), "preferences": preference.tolist(),
    "interval": expit([theta, theta - z * theta_error, theta + z * theta_error]).tolist(),
    "lengthEffect": [phi, phi - z * phi_error, phi + z * phi_error],
    "always": expit([sure, sure - z * sure_error, sure + z * sure_error]).tolist()}

probabilities = np.round(random.beta(3, 1.2, 300), 6)
correct = random.random(300) < probabilities ** 1.6
share, mean = calibration_curve(correct, probabilities, n_bins=15, strategy="uniform")
held = np.bincount(np.minimum(14, (probabilities * 15).astype(int)), minlength=15)
golden["calibration"] = {"probabilities": probabilities.tolist(), "correct": correct.tolist(),
    "root": calibration.get_calibration_error(probabilities.tolist(), correct.astype(int).tolist(), p=2, debias=True),
    "plainRoot": calibration.get_calibration_error(
        probabilities.tolist(), correct.astype(int).tolist(), p=2, debias=False),
    "expected": float(np.sum(held[held > 0] / 300 * np.abs(share - mean)))}

logits = np.round(random.normal(0, 3, (150, 4)), 3)
labels = [int(random.choice(4, p=np.exp(row / 2.2) / np.exp(row / 2.2).sum())) for row in logits]
def nll(temperature):
    return -float(np.mean(log_softmax(logits / temperature, axis=1)[np.arange(150), labels]))
best = optimize.minimize_scalar(nll, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-12})
golden["temperature"] = {"logits": logits.tolist(), "labels": labels, "temperature": best.x, "before": nll(1),
    "after": best.fun}

# Ovarian cancer, DeLong, DeLong and Clarke-Pearson 1988, as printed in the SAS/STAT documentation of PROC LOGISTIC:
# albumin, total protein, K-G score, 1 where surgery did not help.
patients = np.array("""3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0 1.6 5.6 5 1
3.8 5.7 5 1 3.7 6.7 6 1 3.2 5.4 4 1 3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1 4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0
4.0 6.6 6 0 3.5 5.8 6 1 3.8 6.8 7 1 3.0 4.7 8 0 4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1
3.2 5.1 5 1 2.6 4.7 6 1 3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1 3.3 6.3 7 1 4.2 7.7 6 1 3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1
2.8 6.2 8 0 4.0 7.0 7 1 3.3 5.7 6 1 3.7 6.9 5 1 3.6 6.6 5 1""".split(), float).reshape(-1, 4)
positive = patients[:, 3] == 0
def kernel(scores):
    a, b = scores[positive][:, None], scores[~positive][None, :]
    return (a > b) + 0.5 * (a == b)
golden["delong"] = {"positive": positive.tolist(), "scorers": []}
for scores in (-patients[:, 0], -patients[:, 1], patients[:, 2]):
    area, variance = delong_roc_variance(positive.astype(int), scores)
    golden["delong"]["scorers"].append({"scores": scores.tolist(), "area": float(area), "error": float(np.sqrt(variance))})
golden["delong"]["differences"] = []
for one, two in ((2, 0), (2, 1)):
    gap = kernel(np.array(golden["delong"]["scorers"][one]["scores"])) - kernel(
        np.array(golden["delong"]["scorers"][two]["scores"]))
    variance = gap.mean(1).var(ddof=1) / gap.shape[0] + gap.mean(0).var(ddof=1) / gap.shape[1]
    golden["delong"]["differences"].append({"first": one, "second": two, "estimate": gap.mean(),
        "error": np.sqrt(variance), "pValue": 2 * scipy.stats.norm.sf(abs(gap.mean()) / np.sqrt(variance))})

# Eight schools: Rubin 1981, and the same with the estimates spread four times as far.
school = np.array([28, 8, -3, 7, -1, 1, 18, 12.0])
error = np.array([15, 10, 16, 11, 9, 11, 10, 18.0])
def posterior(y, v):
    harmonic = len(v) / np.sum(1 / v)
    def at(b):
        tau2 = harmonic * (1 - b) / b
        w = 1 / (v + tau2)
        mu, vmu = np.sum(w * y) / np.sum(w), 1 / np.sum(w)
        return tau2, mu, vmu, np.sqrt(vmu) * np.exp(0.5 * np.sum(np.log(w * harmonic)) - 0.5 * np.sum(w * (y - mu) ** 2))
    total = integrate.quad(lambda b: at(b)[3], 0, 1, epsabs=0, epsrel=1e-10)[0]
    def slice_at(i, b):
        tau2, mu, vmu, weight = at(b)
        s = v[i] / (v[i] + tau2)
        return s * mu + (1 - s) * y[i], (1 - s) * v[i] + s * s * vmu, weight
    def mean(i):
        return integrate.quad(lambda b: slice_at(i, b)[0] * slice_at(i, b)[2], 0, 1, epsrel=1e-10)[0] / total
    def cdf(i, x):
        def part(b):
            centre, variance, weight = slice_at(i, b)
            return weight * scipy.stats.norm.cdf((x - centre) / np.sqrt(variance))
        return integrate.quad(part, 0, 1, epsrel=1e-9)[0] / total
    return [[mean(i), *(optimize.brentq(lambda x: cdf(i, x) - p, -300, 300, xtol=1e-8) for p in (0.025, 0.975))]
            for i in range(len(y))]
golden["partialPooling"] = []
for y in (school, 4 * school):
    golden["partialPooling"].append({"estimates": y.tolist(), "variances": (error ** 2).tolist(),
        "betweenVariance": float(combine_effects(y, error ** 2, method_re="iterated", atol=1e-12).tau2),
        "slices": posterior(y, error ** 2)})

with open(sys.argv[1], "w") as file:
    json.dump(golden, file, indent=None, separators=(",", ":"),
              default=lambda value: value.item() if hasattr(value, "item") else value.tolist())
    file.write("\n")
