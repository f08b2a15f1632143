"""The schedule runs every trial once, in an order that favours nobody."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pointsman.evals.schedule import schedule

small = st.integers(0, 6)


@given(cases=small, variants=small, repeats=st.integers(1, 3), seed=st.integers(0, 2**32))
def test_each_trial_is_planned_exactly_once(cases, variants, repeats, seed):
    slots = list(schedule(cases, variants, repeats, seed))
    assert [s.order for s in slots] == list(range(cases * variants * repeats))
    assert len({(s.case, s.variant, s.repeat) for s in slots}) == len(slots)


@given(seed=st.integers(0, 2**32))
def test_all_variants_meet_a_case_before_the_next_case_comes(seed):
    slots = list(schedule(5, 3, 2, seed))
    for begin in range(0, len(slots), 3):
        assert len({(s.case, s.repeat) for s in slots[begin : begin + 3]}) == 1


def test_the_seed_decides_the_order_and_nothing_else():
    assert list(schedule(20, 2, 1, 7)) == list(schedule(20, 2, 1, 7))
    assert list(schedule(20, 2, 1, 7)) != list(schedule(20, 2, 1, 8))


def test_no_variant_is_usually_first():
    firsts = Counter(s.variant for s in schedule(3000, 3, 1, 1) if s.order % 3 == 0)
    assert all(900 < n < 1100 for n in firsts.values())  # 1000 ± 4 standard deviations


def test_repeats_of_a_case_lie_in_different_rounds():
    slots = list(schedule(4, 1, 2, 3))
    assert {s.repeat for s in slots[:4]} == {0}
    assert {s.repeat for s in slots[4:]} == {1}
