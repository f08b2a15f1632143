"""Phases sized to the traffic."""

import pytest

from pointsman.core.failure import PointsmanError
from pointsman.rollout.plan import Traffic
from pointsman.rollout.reasons import REASONS, reason_called
from pointsman.rollout.sizing import pairs_to_see, requests_to_see, sized_phases


@pytest.mark.parametrize(
    "ratio, alpha, simulated", [(2.0, 0.05, 948), (2.0, 0.002, 1842), (2.0, 0.001, 2018), (5.0, 0.002, 192), (1.5, 0.05, 2768)]
)
def test_the_formula_comes_near_what_was_simulated(ratio, alpha, simulated):
    """Medians of benchmarks/sequential_power.py; a mean lies above a median, so up to half more."""
    assert simulated * 0.9 < requests_to_see(ratio, 0.01, 0.05, alpha) < simulated * 1.6


def test_pairs_come_near_what_was_simulated():
    assert 500 < pairs_to_see(0.03, 0.05) < 900


def test_much_traffic_takes_every_step():
    sized = sized_phases(Traffic(requests_per_minute=60))
    assert [p.weight for p in sized.phases] == [0.0, 0.05, 0.25, 0.5, 0.95]
    assert not sized.notes


def test_little_traffic_leaves_out_steps_that_would_see_nothing_and_says_so():
    """At 100 requests a day a 5 % step cannot see a doubled error rate within a year."""
    sized = sized_phases(Traffic(requests_per_minute=100 / 1440))
    assert [p.weight for p in sized.phases] == [0.0, 0.5, 0.95]
    assert sized.phases[1].approval
    assert "5%" in sized.notes[0]
    days = int(sized.notes[0].split("needs ")[1].split(" days")[0].replace(",", ""))
    assert days > 365


def test_reasons_are_known_or_refused():
    assert not reason_called("newer").good
    assert reason_called("deprecation").good
    assert sum(r.good for r in REASONS.values()) == 7
    with pytest.raises(PointsmanError) as caught:
        reason_called("deprecated")
    assert "deprecation" in (caught.value.hint or "")
