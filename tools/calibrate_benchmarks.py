"""Put published benchmarks on one scale: writes `selection/data/benchmarks.toml`.

Scores of different benchmarks cannot be compared as they stand: 0.7 is poor on HumanEval and the
record on SWE-bench Pro. The scores that models have in common tie the benchmarks together:

    logit((score − chance) / (1 − chance)) = slope_b · (ability_m − difficulty_b) + noise

is fitted by alternating least squares with a weak prior (ability ~ N(0, 1.5), slope ~ N(1, 0.4)). Ability
0 is the mean of all linked models and 1 their spread. The result is frozen into a file, so that the
ability of a model afterwards follows from its own scores alone, whoever else is a candidate.

Run:  python tools/calibrate_benchmarks.py
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from statistics import median

import numpy as np

from pointsman.catalog.load import bundled_catalog
from pointsman.selection.scale import bounded_share

HERE = Path(__file__).resolve().parents[1] / "src/pointsman/selection/data"
PRIOR_ABILITY, PRIOR_SLOPE, NOISE_PRIOR_MODELS = 1.5, 0.4, 5.0
LINKS = 3
"""Only models with results on so many benchmarks say how benchmarks relate; one alone would agree with anything."""


def main() -> None:
    """Fit and write."""
    benches = tomllib.loads((HERE / "benchmark_facts.toml").read_text(encoding="utf-8"))["benchmark"]
    catalog = bundled_catalog()
    names = [b["name"] for b in benches]
    chance = {b["name"]: b.get("chance", 0.0) for b in benches}
    rows = []
    models = sorted(catalog.scores_by_model)
    for i, model in enumerate(models):
        for j, name in enumerate(names):
            values = [s.value for s in catalog.scores_by_model[model] if s.benchmark == name]
            if values:
                rows.append((i, j, logit(bounded_share(median(values), chance[name]))))
    m, b, y = (np.array(c) for c in zip(*rows, strict=True))
    ability, slope, difficulty, noise = fit(m.astype(int), b.astype(int), y.astype(float), len(models), len(names))
    counts = np.bincount(b.astype(int), minlength=len(names))
    write(names, slope, difficulty, noise, counts, spread_of_skills(benches, m, b, y, slope, difficulty, noise))
    order = np.argsort(ability)
    for i in order[::-1][:25]:
        print(f"{ability[i]:6.2f}  {models[i]}")


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def fit(m, b, y, models: int, benches: int):  # noqa: ANN001, ANN201 - arrays
    """Alternate between abilities, and slopes with difficulties; 400 rounds settle to 1e-6."""
    ability = np.zeros(models)
    slope, cut, noise = np.ones(benches), np.zeros(benches), np.full(benches, 0.5)
    linking = np.bincount(m, minlength=models)[m] >= LINKS
    linked = np.unique(m[linking])
    for j in range(benches):
        cut[j] = y[b == j].mean()  # y = slope · ability + cut
    for _ in range(400):
        for i in range(models):
            k = m == i
            w = 1 / noise[b[k]] ** 2
            ability[i] = (w * slope[b[k]] * (y[k] - cut[b[k]])).sum() / ((w * slope[b[k]] ** 2).sum() + 1 / PRIOR_ABILITY**2)
        ability = (ability - ability[linked].mean()) / ability[linked].std()
        for j in range(benches):
            k = (b == j) & linking
            t, v = ability[m[k]], noise[j] ** 2
            left = np.array([[(t * t).sum() / v + 1 / PRIOR_SLOPE**2, t.sum() / v], [t.sum() / v, len(t) / v + 1e-6]])
            right = np.array([(t * y[k]).sum() / v + 1 / PRIOR_SLOPE**2, y[k].sum() / v])
            slope[j], cut[j] = np.linalg.solve(left, right)
            slope[j] = max(slope[j], 0.25)
            left_over = ((y[k] - slope[j] * t - cut[j]) ** 2).sum()
            noise[j] = np.sqrt((left_over + NOISE_PRIOR_MODELS * 0.25) / (k.sum() + NOISE_PRIOR_MODELS))
    return ability, slope, -cut / slope, noise


def spread_of_skills(benches, m, b, y, slope, difficulty, noise) -> float:  # noqa: ANN001 - arrays
    """How far a model's ability in code lies from its ability elsewhere, beyond noise (standard deviation)."""
    code = np.array(["code" in x["skills"] for x in benches])
    gaps, expected = [], []
    for i in np.unique(m):
        sides = []
        for side in (code, ~code):
            k = (m == i) & side[b]
            w = (slope[b[k]] / noise[b[k]]) ** 2
            sides.append((w * (y[k] / slope[b[k]] + difficulty[b[k]]), w))
        if len(sides[0][1]) >= 2 and len(sides[1][1]) >= 2:
            (x0, w0), (x1, w1) = sides
            gaps.append(x0.sum() / w0.sum() - x1.sum() / w1.sum())
            expected.append(1 / w0.sum() + 1 / w1.sum())
    return float(np.sqrt(max(0.01, np.var(gaps) - np.mean(expected)) / 2))


def write(names, slope, difficulty, noise, counts, skill_spread: float) -> None:  # noqa: ANN001 - arrays
    lines = [
        "# Made by tools/calibrate_benchmarks.py from the bundled scores; do not edit.",
        f"skill_spread = {skill_spread:.3f}",
        "",
    ]
    for row in zip(names, slope, difficulty, noise, counts, strict=True):
        name, *rest, n = row
        lines += ["[[calibration]]", f'name = "{name}"']
        lines += [f"{k} = {v:.4f}" for k, v in zip(("slope", "difficulty", "noise"), rest, strict=True)]
        lines += [f"models = {n}", ""]
    (HERE / "benchmark_scale.toml").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
