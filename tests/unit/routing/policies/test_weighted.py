"""Weighted shares: the right size, and nobody moves who need not."""

import pytest

from pointsman.core.failure import ConfigError
from pointsman.routing.assign import sticky_u
from pointsman.routing.features import Features
from pointsman.routing.policies.weighted import Options, Weighted

FEATURES = Features(body_bytes=1, stream=False)


def chosen(weights, units):
    policy = Weighted(Options(weights=weights))
    return [policy.choose(FEATURES, sticky_u("r", str(i))).variant for i in range(units)]


def test_shares_are_those_written():
    found = chosen({"old": 95, "new": 5}, 20_000)
    assert abs(found.count("new") - 1000) < 5 * (20_000 * 0.05 * 0.95) ** 0.5


def test_raising_a_share_moves_only_those_who_change_hands():
    """From 5 % to 25 %: who had the new one keeps it."""
    before, after = chosen({"old": 95, "new": 5}, 5000), chosen({"old": 75, "new": 25}, 5000)
    assert all(b == "new" for a, b in zip(before, after, strict=True) if a == "new")


def test_weight_zero_gets_nothing_and_propensities_are_the_shares():
    policy = Weighted(Options(weights={"a": 0, "b": 3, "c": 1}))
    assert {policy.choose(FEATURES, u / 100).variant for u in range(100)} == {"b", "c"}
    assert policy.choose(FEATURES, 0.1).propensity == 0.75


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": -1, "b": 2}, {"a": float("nan")}, {"a": float("inf")}])
def test_weights_that_say_nothing_are_refused(weights):
    with pytest.raises(ConfigError, match="weights"):
        Weighted(Options(weights=weights))
