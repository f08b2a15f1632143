"""Sample sizes: published checks, inverses, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import truescore
from statsmodels.stats.power import NormalIndPower

from pointsman.core.estimate import Estimate, Unknown
from pointsman.core.verdict import Fail, Pass
from pointsman.stats.paired import mcnemar_mid_p, newcombe_paired
from pointsman.stats.power import (
    cases_for_mean,
    cases_for_paired,
    mcnemar_power,
    needed_more,
    smallest_difference,
    smallest_difference_independent,
    smallest_difference_mean,
)
from pointsman.stats.verdicts import non_inferiority

CONNOR = {0.1: (77, 312, 870, 1960), 0.2: (155, 626, 1742, 3923), 0.3: (234, 940, 2614, 5885)}


@pytest.mark.parametrize("noise,repeats,cases", [(0.0, 1, 969), (1 / 6, 1, 3876), (1 / 6, 10, 1260)])
def test_millers_numbers(noise, repeats, cases):
    """ω² = 1/9 and a difference of 3 points: 969 cases without noise, 3,876 with, 1,260 with ten repeats."""
    assert cases == cases_for_mean(
        0.03, data_variance=1 / 9, noise_variance_a=noise, noise_variance_b=noise, repeats_a=repeats, repeats_b=repeats
    )


@pytest.mark.parametrize("discordance", CONNOR)
def test_connors_table(discordance):
    """Cases for 10, 5, 3 and 2 points at 80 % power, and truescore's agreement."""
    found = tuple(cases_for_paired(delta, discordance) for delta in (0.10, 0.05, 0.03, 0.02))
    assert found == CONNOR[discordance]
    assert found == tuple(truescore.required_pairs(d, discordance_rate=discordance) for d in (0.10, 0.05, 0.03, 0.02))


def test_sixty_cases_see_sixteen_points():
    """The line "60 cases see only differences above 16 points" holds where one case in five is decided differently."""
    seen = smallest_difference(60)
    assert isinstance(seen, Estimate)
    assert round(seen.value, 2) == 0.16
    assert (round(seen.low, 2), round(seen.high, 2)) == (0.13, 0.19)
    assert "discordance 0.2 assumed (0.1 to 0.3)" in seen.method
    assert cases_for_paired(0.16, 0.2) <= 60 < cases_for_paired(0.15, 0.2)


@pytest.mark.parametrize("discordance", [0.1, 0.25, 0.6, 1.0])
@pytest.mark.parametrize("n", [100, 1319, 50_000])
def test_the_smallest_difference_inverts_the_number_of_cases(n, discordance):
    """The cases it takes to see it are n, and a hair less takes more; power at it is 80 %."""
    delta = smallest_difference(n, discordance=discordance).value
    assert cases_for_paired(delta * (1 + 1e-9), discordance) == n
    assert cases_for_paired(delta * (1 - 1e-6), discordance) >= n
    assert mcnemar_power(n, delta, discordance) == pytest.approx(0.8, abs=1e-6)
    assert delta == pytest.approx(truescore.min_detectable_effect(n, discordance_rate=discordance), rel=0.02)


def test_a_measured_discordance_hands_on_its_interval():
    """A pilot of 40 gives a band around the answer, and its figure is named."""
    pilot = Estimate(value=0.15, low=0.07, high=0.29, n=40, method="wilson")
    seen = smallest_difference(500, discordance=pilot)
    assert seen.low < smallest_difference(500, discordance=0.15).value == seen.value < seen.high
    assert "0.15 measured" in seen.method


def test_too_few_cases_see_nothing():
    """None, one and three cases show no difference at all; four would, if all fell one way. Wider with less."""
    assert [smallest_difference(n).needed for n in (0, 1, 3)] == [4, 3, 1]
    four = smallest_difference(4)
    assert four.value > 0.95
    assert smallest_difference(10, discordance=0.0).value == pytest.approx(smallest_difference(10, discordance=0.1).value)
    assert isinstance(smallest_difference_mean(1, 0.3), Unknown)


def test_means_and_independent_samples():
    """The mean's smallest difference inverts its sample size; two separate samples agree with statsmodels."""
    delta = smallest_difference_mean(969, 1 / 3).value
    assert delta == pytest.approx(0.03, abs=1e-5)
    free = smallest_difference_independent(400, 0.5).value
    effect = NormalIndPower().solve_power(nobs1=400, alpha=0.05, power=0.8)
    assert free == pytest.approx(effect * 0.5, rel=1e-4)
    assert free > smallest_difference(400).value


def test_power_at_its_edges():
    """No difference is found as often as α says; no cases or no discordance find nothing; certainty finds all."""
    assert mcnemar_power(500, 0.0, 0.2) == pytest.approx(0.05, abs=1e-12)
    assert (mcnemar_power(0, 0.1, 0.2), mcnemar_power(50, 0.0, 0.0), mcnemar_power(50, 1.0, 1.0)) == (0.0, 0.0, 1.0)
    for call in (
        lambda: cases_for_paired(0.3, 0.2),
        lambda: cases_for_paired(0.0, 0.2),
        lambda: cases_for_mean(0.0, data_variance=1.0),
        lambda: mcnemar_power(5, 0.3, 0.2),
        lambda: smallest_difference(50, discordance=1.5),
        lambda: smallest_difference(50, power=1.0),
    ):
        with pytest.raises(ValueError):
            call()


def rejections(n: int, delta: float, discordance: float, runs: int, seed: int) -> float:
    a, b = (discordance + delta) / 2, (discordance - delta) / 2
    tables = np.random.default_rng(seed).multinomial(n, [a, b, 1 - discordance], runs)
    return float(np.mean([mcnemar_mid_p(int(x), int(y)) < 0.05 for x, y, _ in tables]))


@pytest.mark.parametrize("delta,discordance", [(0.10, 0.2), (0.05, 0.1), (0.16, 0.3)])
def test_planned_power_is_delivered(delta, discordance):
    """With the planned cases the mid-p test finds the difference in 77 to 84 % of 3,000 simulated runs."""
    n = cases_for_paired(delta, discordance)
    assert 0.77 < rejections(n, delta, discordance, 3_000, seed=5) < 0.84


def settled(cells, extra: int, margin: float, seed: int) -> dict[type, float]:
    n = sum(cells)
    tables = np.random.default_rng(seed).multinomial(n + extra, np.array(cells) / n, 1_500)
    verdicts = [type(non_inferiority(newcombe_paired(*map(int, table)), margin)) for table in tables]
    return {kind: verdicts.count(kind) / len(verdicts) for kind in (Pass, Fail, Unknown)}


@pytest.mark.parametrize("cells,kind", [((12, 10, 160, 18), Pass), ((4, 20, 150, 26), Fail)])
def test_the_cases_said_to_be_needed_settle_it(cells, kind):
    """If the truth is what was seen, as many more cases as named settle it in 75 to 88 % of simulated runs."""
    first = newcombe_paired(*cells)
    needed = needed_more(first, 0.03)
    assert needed is not None
    assert 0.75 < settled(cells, needed, 0.03, seed=1)[kind] < 0.88


def test_needed_more_where_it_cannot_be_said():
    """On the margin, with an infinite or zero arm, with one case, or beyond ten million cases: None."""

    def about(value: float, low: float, high: float, n: int = 100) -> int | None:
        return needed_more(Estimate(value=value, low=low, high=high, n=n, method="by hand"), 0.02)

    assert about(-0.02, -0.05, 0.01) is None
    assert about(0.0, -math.inf, 0.1) is None
    assert about(0.0, 0.0, 0.1) is None
    assert about(0.0, -0.1, 0.1, n=1) is None
    assert about(-0.0199999, -0.05, 0.01) is None
    assert about(0.0, -0.04, 0.1) == math.ceil(100 * ((1 + 0.8416212 / 1.9599640) * 0.04 / 0.02) ** 2) - 100
