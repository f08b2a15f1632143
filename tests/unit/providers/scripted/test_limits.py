"""Rate limits as buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.providers.scripted.limits import Bucket


def test_a_full_bucket_gives_a_minutes_worth_and_then_one_at_a_time():
    """Sixty per minute: sixty at once, then one a second."""
    bucket = Bucket(60, 0.0)
    for _ in range(60):
        assert bucket.wait_s(0.0) == 0
        bucket.take(1)
    assert bucket.wait_s(0.0) == pytest.approx(1.0)
    assert bucket.wait_s(0.75) == pytest.approx(0.25)
    assert bucket.wait_s(1.0) == pytest.approx(0.0, abs=1e-9)


def test_a_limit_of_nothing_never_opens():
    """Infinity, not a division by zero."""
    assert Bucket(0, 0.0).wait_s(1e9) == float("inf")


def test_more_than_the_bucket_holds_passes_when_it_is_full():
    """A single large call must not wait for ever; what follows pays for it."""
    bucket = Bucket(60, 0.0)
    assert bucket.wait_s(0.0, 1000) == 0
    bucket.take(120)
    assert bucket.wait_s(0.0) == pytest.approx(61.0)


@given(steps=st.lists(st.tuples(st.floats(0, 10), st.integers(1, 5)), min_size=1, max_size=60), rate=st.integers(1, 600))
def test_no_more_than_the_limit_passes(steps, rate):
    """Over any stretch of time: at most one full bucket and what has refilled since."""
    bucket, now, passed = Bucket(rate, 0.0), 0.0, 0
    for wait, units in steps:
        now += wait
        if bucket.wait_s(now, units) == 0:
            bucket.take(units)
            passed += units
    assert passed <= rate + now * rate / 60 + 5
