"""Limits that need no statistics."""

import numpy as np
import pytest

from pointsman.rollout.caps import CapState, watch_caps
from pointsman.rollout.observations import Pairs, Requests, Seen
from pointsman.rollout.plan import Caps
from support.rollouts import cut

NOTHING = Pairs(np.empty(0), np.empty(0, dtype=np.int64), np.empty(0, dtype=bool), np.empty(0, dtype=bool))


def rows(failed, candidate=True, per_unit=2, cost=0.1):
    n = len(failed)
    mine = np.full(n, candidate) if isinstance(candidate, bool) else np.asarray(candidate)
    requests = Requests(
        np.arange(n, dtype=float),
        np.arange(n) // per_unit,
        mine,
        np.full(n, 0.5),
        {"failed": np.asarray(failed, dtype=bool)},
        {"cost_usd": np.full(n, cost)},
    )
    return Seen(requests=requests, pairs=NOTHING)


@pytest.mark.parametrize("at", [0, 5, 13])
def test_twelve_failures_in_a_row_from_three_units_are_an_outage(at):
    mine = [i % 2 == 0 for i in range(60)]
    state = CapState()
    for part in cut(rows([i >= 6 and mine[i] for i in range(60)], mine), at):
        state = watch_caps(Caps(), state, part)
    assert state.breached_at_s == 28.0
    assert "12 failures" in state.reason


def test_one_success_begins_the_count_anew():
    assert watch_caps(Caps(), CapState(), rows(([True] * 11 + [False]) * 4)).breached_at_s is None


def test_one_unit_that_fails_for_ever_is_no_outage():
    assert watch_caps(Caps(), CapState(), rows([True] * 40, per_unit=40)).breached_at_s is None


def test_an_outage_of_both_sides_accuses_nobody():
    mine = [i % 2 == 0 for i in range(80)]
    assert watch_caps(Caps(), CapState(), rows([True] * 80, mine)).breached_at_s is None
    only_mine = watch_caps(Caps(), CapState(), rows(mine, mine))
    assert only_mine.breached_at_s is not None


@pytest.mark.parametrize("at", [0, 3])
def test_money_is_a_hard_limit(at):
    state = CapState()
    for part in cut(rows([False] * 10), at):
        state = watch_caps(Caps(usd=0.45), state, part)
    assert state.breached_at_s == 4.0
    assert watch_caps(Caps(usd=0.45), CapState(), rows([False] * 10, candidate=False)).breached_at_s is None


def test_in_a_long_rollout_a_longer_run_is_asked_for():
    """After 100,000 requests a run of 13 is no surprise on a bad afternoon, and one of 30 still is."""
    mine = [i % 2 == 0 for i in range(60)]
    long = watch_caps(Caps(), CapState(), rows([False] * 100_000))
    assert long.requests == 100_000
    assert watch_caps(Caps(), long, rows(mine[:30], mine[:30])).breached_at_s is None
    assert watch_caps(Caps(), long, rows(mine, mine)).breached_at_s == 2 * 17.0


@pytest.mark.parametrize("at", [0, 207, 230])
def test_before_the_control_has_spoken_a_run_says_nothing(at):
    """Nineteen in twenty users have the candidate, and at the same moment everybody's requests begin to fail."""
    mine = [i % 20 != 0 for i in range(400)]
    state = CapState()
    for part in cut(rows([i > 200 for i in range(400)], mine), at):
        state = watch_caps(Caps(), state, part)
    assert state.breached_at_s is None
    only_mine = watch_caps(Caps(), CapState(), rows([i > 200 and mine[i] for i in range(400)], mine))
    assert only_mine.breached_at_s == 221.0


def test_where_nobody_is_left_to_compare_with_a_long_run_is_enough():
    assert watch_caps(Caps(), CapState(), rows([True] * 59)).breached_at_s is None
    assert watch_caps(Caps(), CapState(), rows([True] * 60)).breached_at_s == 59.0
