"""The rules from interval to verdict, one by one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.estimate import Estimate, Unknown
from pointsman.core.verdict import Fail, Pass
from pointsman.stats.verdicts import at_least, at_most, non_inferiority, superiority


def seen(value: float, low: float, high: float, n: int = 200) -> Estimate:
    return Estimate(value=value, low=low, high=high, n=n, method="by hand")


@pytest.mark.parametrize(
    "estimate,kind",
    [
        (seen(0.01, -0.015, 0.03), Pass),
        (seen(-0.01, -0.0199, 0.03), Pass),
        (seen(-0.01, -0.02, 0.03), Unknown),
        (seen(0.00, -0.05, 0.05), Unknown),
        (seen(-0.05, -0.08, -0.02), Unknown),
        (seen(-0.05, -0.08, -0.0201), Fail),
    ],
)
def test_non_inferiority(estimate, kind):
    """Margin 0.02: the whole interval above −0.02 passes, the whole below fails, anything else is open."""
    assert isinstance(non_inferiority(estimate, 0.02), kind)


def test_worse_for_sure_yet_within_the_margin_passes():
    """Non-inferior does not mean equal: −1.5 to −0.5 points is inside a margin of 2."""
    assert isinstance(non_inferiority(seen(-0.01, -0.015, -0.005), 0.02), Pass)


@pytest.mark.parametrize(
    "estimate,kind",
    [
        (seen(0.03, 0.01, 0.05), Pass),
        (seen(0.03, 0.0, 0.05), Unknown),
        (seen(-0.03, -0.05, 0.0), Fail),
        (seen(0, -1, 1), Unknown),
    ],
)
def test_superiority(estimate, kind):
    """Better at all: above 0 passes, at or below fails."""
    assert isinstance(superiority(estimate), kind)


@pytest.mark.parametrize(
    "estimate,most,least",
    [
        (seen(1.0, 0.5, 2.0), Pass, Unknown),
        (seen(1.0, 0.5, 2.1), Unknown, Unknown),
        (seen(3.0, 2.1, 4.0), Fail, Pass),
        (seen(2.5, 2.0, 4.0), Unknown, Pass),
        (seen(1.0, 0.5, 1.9), Pass, Fail),
        (seen(1.0, -math.inf, math.inf), Unknown, Unknown),
    ],
)
def test_limits(estimate, most, least):
    """Against a limit of 2: an end that touches it keeps it; an infinite end decides nothing."""
    assert isinstance(at_most(estimate, 2.0), most)
    assert isinstance(at_least(estimate, 2.0), least)


def test_what_is_unknown_stays_unknown():
    """No data never passes, and its reason is handed on."""
    nothing = Unknown("there are no cases", needed=1)
    assert non_inferiority(nothing, 0.02) is nothing
    assert superiority(nothing) is nothing
    assert at_most(nothing, 1.0) is nothing
    assert at_least(nothing, 1.0) is nothing


def test_unknown_says_how_many_more():
    """Where it can be said; a caller who knows better says so; on the limit itself nobody can."""
    assert non_inferiority(seen(0.0, -0.05, 0.05), 0.02).needed > 1000
    assert at_most(seen(1.8, 1.5, 2.1), 2.0).needed > 0
    assert at_most(seen(1.8, 1.5, math.inf), 2.0, needed=13).needed == 13
    assert at_most(seen(1.8, 1.5, math.inf), 2.0).needed is None
    assert non_inferiority(seen(-0.02, -0.05, 0.01), 0.02).needed is None


def test_reasons_read_as_sentences():
    """Value and interval, in words for a report."""
    verdict = non_inferiority(seen(-0.001, -0.013, 0.011), 0.02)
    assert verdict.reason == "difference −0.001 [−0.013, +0.011]: worse by 0.02 or more is ruled out"
    assert "[0.5, ∞]" in at_most(seen(1.0, 0.5, math.inf), 2.0).reason


def test_a_margin_is_not_negative():
    """A negative margin would ask for superiority under another name."""
    with pytest.raises(ValueError, match="margin"):
        non_inferiority(seen(0, -1, 1), -0.1)


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5))
def test_a_worse_candidate_never_fares_better(value, down, up, margin):
    """Shifting the whole interval down never turns Fail into Unknown or Unknown into Pass."""
    order = [Fail, Unknown, Pass]
    ranks = [
        order.index(type(non_inferiority(seen(value - s, value - s - down, value - s + up), margin))) for s in (0.3, 0.1, 0.0)
    ]
    assert ranks == sorted(ranks)
