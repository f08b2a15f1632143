"""Two sides that never fail: the rollout goes on when enough units have shown it."""

import numpy as np
import pytest

from pointsman.core.estimate import Unknown
from pointsman.core.verdict import Fail, Pass
from pointsman.rollout.observations import Pairs, Requests, Seen
from pointsman.rollout.rare_event_check import EventLadder, RareEventCheck
from support.rollouts import cut


def rows(units, failing=frozenset(), per_unit=2, start=0):
    """Half of the units are the candidate's: the even ones."""
    unit = np.repeat(np.arange(start, start + units), per_unit)
    failed = np.isin(unit, list(failing)) if failing else np.zeros(len(unit), dtype=bool)
    half = np.full(len(unit), 0.5)
    requests = Requests(np.arange(len(unit), dtype=float), unit, unit % 2 == 0, half, {"failed": failed})
    none = np.zeros(0, dtype=bool)
    return Seen(requests=requests, pairs=Pairs(np.empty(0), np.empty(0, dtype=np.int64), none, none))


def judged(*seen, **options):
    check = RareEventCheck("failed", EventLadder(**options), 0.001)
    state = check.start()
    for one in seen:
        state = check.observe(state, one)
    return check.judge(state)


def test_two_sides_that_never_fail_pass_after_so_many_units_and_not_before():
    """ln 20 / (0.9 · 0.005) is 665 units of the candidate."""
    assert isinstance(judged(rows(2 * 660)).verdict, Unknown)
    assert isinstance(judged(rows(2 * 670)).verdict, Pass)
    assert isinstance(judged(rows(2 * 70), negligible=0.05).verdict, Pass)


def test_requests_of_one_unit_count_once_however_they_are_cut():
    whole = rows(200, per_unit=40)
    assert isinstance(judged(whole).verdict, Unknown)
    for at in (1, 77, 4001):
        assert isinstance(judged(*cut(whole, at)).verdict, Unknown)
        assert isinstance(judged(*cut(rows(1340), at)).verdict, Pass)


def test_a_bad_unit_costs_as_much_as_five_hundred_good_ones():
    assert isinstance(judged(rows(2 * 700, failing={0})).verdict, Unknown)
    assert isinstance(judged(rows(2 * 1200, failing={0})).verdict, Pass)


def test_a_candidate_that_fails_is_never_negligible():
    worse = rows(4000, failing=set(range(0, 4000, 20)))
    assert isinstance(judged(worse).verdict, Fail)


@pytest.mark.parametrize("rate", [0.005, 0.02])
def test_a_rate_that_matters_is_hardly_ever_called_negligible(rate):
    """At most one in twenty at the very edge, at every look; seeded."""
    rng, called = np.random.default_rng(20261124), 0
    for _ in range(200):
        check = RareEventCheck("failed", EventLadder(), 0.001)
        state, bad = check.start(), set(np.flatnonzero(rng.random(4000) < rate).tolist())
        called_now = False
        for part in range(8):
            state = check.observe(state, rows(500, failing=bad, per_unit=1, start=500 * part))
            called_now = called_now or check._is_negligible(state.mine)
        called += called_now
    assert called <= (16 if rate == 0.005 else 0)


def test_nothing_seen_is_unknown():
    assert isinstance(judged().verdict, Unknown)
