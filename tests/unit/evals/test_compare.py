"""Pairs decide: a candidate is judged on the cases both answered, and swapping sides mirrors everything."""

from __future__ import annotations

import numpy as np
import pytest

from pointsman.core.estimate import Estimate, Unknown
from pointsman.evals.compare import compare_all, compare_cost, compare_latency, compare_quality
from pointsman.evals.spec import CriterionSpec
from support.tallies import facts, tally_of

RIGHT_OFTEN = np.array([1.0] * 90 + [0.0] * 10)
RIGHT_SOMETIMES = np.array([1.0] * 60 + [0.0] * 40)
NOWHERE = np.full(100, np.nan)


def quality(ours, theirs, margin=None):
    return compare_quality("new", tally_of(ours), "old", tally_of(theirs), facts(len(ours)), margin, 0.95, 1)


def test_the_difference_is_that_of_the_pairs():
    found = quality(RIGHT_OFTEN, RIGHT_SOMETIMES)
    assert isinstance(found.difference, Estimate)
    assert found.difference.value == pytest.approx(0.3)
    assert (found.both, found.only_candidate, found.only_baseline, found.neither) == (60, 30, 0, 10)
    assert found.verdict == "pass"
    assert found.p_value is not None
    assert found.p_value < 1e-6


def test_swapping_the_sides_mirrors_difference_and_verdict():
    there, back = quality(RIGHT_OFTEN, RIGHT_SOMETIMES), quality(RIGHT_SOMETIMES, RIGHT_OFTEN)
    assert isinstance(there.difference, Estimate)
    assert isinstance(back.difference, Estimate)
    assert there.difference.low == pytest.approx(-back.difference.high)
    assert (there.verdict, back.verdict) == ("pass", "fail")


def test_cases_only_one_side_answered_are_left_out():
    partly = RIGHT_OFTEN.copy()
    partly[:50] = np.nan
    found = quality(partly, RIGHT_SOMETIMES)
    assert isinstance(found.difference, Estimate)
    assert found.difference.n == 50


def test_nothing_in_common_is_unknown_and_never_a_pass():
    found = quality(NOWHERE, RIGHT_OFTEN, margin=0.5)
    assert found.difference == Unknown("no case has a scored answer of both")
    assert found.verdict == "unknown"


def test_a_margin_asks_for_no_worse_and_says_how_many_more_cases_it_wants():
    same = quality(RIGHT_OFTEN, RIGHT_OFTEN[::-1], margin=0.02)
    assert same.verdict == "unknown"
    assert same.needed is not None
    assert same.needed > 100
    assert quality(RIGHT_OFTEN, RIGHT_OFTEN, margin=0.05).verdict == "pass"


def test_p_values_are_corrected_over_candidates():
    tallies = [tally_of(RIGHT_SOMETIMES), tally_of(RIGHT_OFTEN), tally_of(RIGHT_SOMETIMES[::-1])]
    found = [c for c in compare_all(["old", "a", "b"], tallies, "old", {}, facts(100), 0.95, 1) if c.metric == "quality"]
    assert [c.candidate for c in found] == ["a", "b"]
    for comparison in found:
        assert comparison.p_adjusted is not None
        assert comparison.p_value is not None
        assert comparison.p_adjusted >= comparison.p_value


def test_latency_and_cost_are_shown_as_change_and_judged_when_a_margin_is_set():
    slow, fast = tally_of(RIGHT_OFTEN, seconds=2.0, usd="0.02"), tally_of(RIGHT_OFTEN, seconds=1.0, usd="0.01")
    latency = compare_latency("slow", slow, "fast", fast, facts(100), 1.5, 0.95, 1)
    cost = compare_cost("slow", slow, "fast", fast, facts(100), 0.5, 0.95, 1)
    assert isinstance(latency.difference, Estimate)
    assert isinstance(cost.difference, Estimate)
    assert latency.difference.value == pytest.approx(1.0)
    assert cost.difference.value == pytest.approx(1.0)
    assert (latency.verdict, cost.verdict) == ("pass", "fail")


def test_what_was_not_measured_is_unknown():
    silent = tally_of(RIGHT_OFTEN)
    for compare in (compare_latency, compare_cost):
        found = compare("a", silent, "b", silent, facts(100), None, 0.95, 1)
        assert isinstance(found.difference, Unknown)
        assert found.verdict == "unknown"


def test_margins_come_from_the_criteria():
    tallies = [tally_of(RIGHT_OFTEN), tally_of(RIGHT_OFTEN)]
    criteria = {"quality": CriterionSpec(margin=0.1)}
    (quality_row,) = [c for c in compare_all(["a", "b"], tallies, "a", criteria, facts(100), 0.95, 1) if c.metric == "quality"]
    assert quality_row.margin == 0.1
