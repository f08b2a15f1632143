"""How soon the sequential tests see a difference, and how often they see one that is not there.

    python benchmarks/sequential_power.py [REPEATS]

Canary requests until the evidence reaches 1/α, median (p90) over the repeats, at 5 % weight. One
request per unit, so the figures compare with the literature; a rollout counts each unit once.
"""

from __future__ import annotations

import math
import sys
from functools import partial

import numpy as np

from pointsman.stats.sequential import betting, discordant, exceedance, rare_events
from pointsman.stats.sequential.wealth import first_at_or_above, grow, open_wealth

WEIGHT = 0.05
SEED = 20261124


def until(path, alpha, cost):
    """What had been spent (cost per event, cumulative) at the crossing; infinite if there was none."""
    at = first_at_or_above(path, math.log(1 / alpha))
    return math.inf if at is None else float(cost[at])


def show(name, values, goal):
    print(f"{name:58s} {np.median(values):9,.0f} ({np.quantile(values, 0.9):9,.0f})   {goal}", flush=True)


def errors(rng, ratio, alpha, base=0.01, weight=WEIGHT, n=400_000):
    n = int(n if ratio < 4 else n / 8)
    arm = rng.random(n) < weight
    bad = np.flatnonzero(rng.random(n) < np.where(arm, min(base * ratio, 1.0), base))
    factors = rare_events.log_factors(arm[bad], np.full(len(bad), weight))
    return until(grow(open_wealth(rare_events.HARM_SHARES), factors)[1], alpha, np.cumsum(arm)[bad])


def certificate(rng, limit, alpha, n=600_000):
    arm = rng.random(n) < WEIGHT
    bad = np.flatnonzero(rng.random(n) < 0.01)
    factors = rare_events.log_factors(arm[bad], np.full(len(bad), WEIGHT), null_ratio=limit, ratios=rare_events.SAFE_RATIOS)
    return until(grow(open_wealth(rare_events.SAFE_SHARES), factors)[1], alpha, np.cumsum(arm)[bad])


def means(rng, draw, top, alpha, worse, n=60_000):
    arm = rng.random(n) < WEIGHT
    size = 10
    value, mine = np.minimum(draw(rng, arm), top).reshape(-1, size), arm.reshape(-1, size)
    count = mine.sum(1)
    both = np.flatnonzero((count > 0) & (count < size))
    canary = (value * mine).sum(1)[both] / count[both]
    control = (value * ~mine).sum(1)[both] / (size - count[both])
    path = grow(open_wealth((1.0,) * len(betting.BETS)), betting.log_factors(worse(canary, control, top)))[1]
    return until(path, alpha, np.cumsum(count)[both])


def dear(rng, arm, ratio):
    return rng.lognormal(-0.5, 1.0, len(arm)) * np.where(arm, ratio, 1.0)


def thumbs(rng, arm, up):
    return (rng.random(len(arm)) < np.where(arm, up, 0.8)).astype(float)


def tail(rng, ratio, alpha, n=40_000):
    limit = 1.5 * exceedance.upper_quantile(rng.lognormal(0.0, 0.6, 1000), 0.95, 0.9)
    arm = rng.random(n) < WEIGHT
    slow = np.flatnonzero(rng.lognormal(0.0, 0.6, n) * np.where(arm, ratio, 1.0) > limit)
    path = grow(open_wealth(rare_events.HARM_SHARES), rare_events.log_factors(arm[slow], np.full(len(slow), WEIGHT)))[1]
    return until(path, alpha, np.cumsum(arm)[slow])


def paired(rng, points, differing, alpha, n=40_000):
    draw, lost = rng.random(n), (differing + points) / 2
    apart = np.flatnonzero(draw < differing)
    path = grow(open_wealth(discordant.LOSS_SHARES), discordant.log_factors(draw[apart] < lost))[1]
    return until(path, alpha, apart + 1)


def unpaired(rng, points, alpha, n=80_000):
    """Two groups of equal size, 85 % passing: the requests of one of them until the difference is seen."""
    a, b = (rng.random(n) < 0.85 - points).astype(float), (rng.random(n) < 0.85).astype(float)
    path = grow(open_wealth((1.0,) * len(betting.BETS)), betting.log_factors(betting.shortfall(a, b, 1.0)))[1]
    return until(path, alpha, np.arange(1, n + 1))


def main(repeats: int) -> None:
    rng = np.random.default_rng(SEED)

    def repeat(draw, *arguments, times=repeats):
        return [draw(rng, *arguments) for _ in range(times)]

    print(f"seed {SEED}, {repeats} repeats; median (p90), then the goal or the figure simulated before\n")
    for ratio, alpha, goal in (
        (1.5, 0.05, "3,277 (7,980)"),
        (2, 0.05, "880 (2,297)"),
        (2, 0.002, "≤ 2,000 (≤ 4,000)"),
        (2, 0.001, "2,087 (3,968)"),
        (5, 0.002, "≤ 200"),
        (5, 0.001, "193"),
        (10, 0.001, "65"),
        (30, 0.002, "≤ 15"),
        (100, 0.002, "every answer fails"),
    ):
        show(f"errors ×{ratio} at 1 %, α = {alpha}", repeat(errors, ratio, alpha), goal)
    for limit, goal in ((2.0, "≤ 1,200"), (1.5, "3,500")):
        show(f"certify that errors are below ×{limit:g}, α = 0.05", repeat(certificate, limit, 0.05), goal)
    for ratio, goal in ((2.0, "131"), (3.0, "16")):
        show(f"p95 ×{ratio:g}, α = 0.01", repeat(tail, ratio, 0.01), goal)
    for ratio, goal in ((1.2, "599"), (1.5, "220"), (2.0, "101")):
        show(f"cost ×{ratio}, α = 0.01", repeat(means, partial(dear, ratio=ratio), 4.0, 0.01, betting.excess), goal)
    for alpha in (0.05, 0.01):
        show(f"thumbs 80 % → 64 %, α = {alpha}", repeat(means, partial(thumbs, up=0.64), 1.0, alpha, betting.shortfall), "85")
    for differing, goal in ((0.09, "576"), (0.05, "338")):
        show(f"paired −3 points, {differing:.0%} differ, α = 0.05", repeat(paired, 0.03, differing, 0.05), goal)
    pairs, groups = repeat(paired, 0.03, 0.09, 0.05), repeat(unpaired, 0.03, 0.05)
    show("unpaired −3 points, α = 0.05: users' requests, half of them each", 2 * np.array(groups), "3,174")
    print(f"paired shadow needs {2 * np.median(groups) / np.median(pairs):.1f}× fewer of the users' requests than two groups")
    print(f"and {np.median(groups) / np.median(pairs):.1f}× fewer answers of the candidate")
    false = np.isfinite(repeat(errors, 1.0, 0.05))
    print(f"false alarms at α = 0.05, {len(false)} runs of 4,000 events without a difference: {false.mean():.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
