"""The breaker: whose failures count, when it opens, how it closes again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.failure import Failure, FailureClass
from pointsman.routing.health import Breaker, BreakerLimits

DOWN = Failure(kind=FailureClass.TRANSIENT, message="down")


def broken(now_s=0.0, limits=None):
    breaker = Breaker(limits)
    for _ in range((limits or BreakerLimits()).consecutive):
        breaker.failed(DOWN, now_s)
    return breaker


@pytest.mark.parametrize("kind", [k for k in FailureClass if k.fault != "provider"])
def test_failures_of_caller_and_account_never_open_it(kind):
    breaker = Breaker()
    for second in range(100):
        breaker.failed(Failure(kind=kind, message="x"), float(second))
    assert breaker.state(100) == "closed"


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not_count_as_one():
    breaker = Breaker()
    for _ in range(4):
        breaker.failed(DOWN, 0)
    breaker.worked(0)
    for _ in range(4):
        breaker.failed(DOWN, 0)
    assert breaker.allow(0)
    breaker.failed(DOWN, 0)
    assert not breaker.allow(1)


def test_half_failing_over_enough_calls_opens_it():
    breaker = Breaker()
    for i in range(20):
        breaker.worked(0) if i % 2 else breaker.failed(DOWN, 0)
    breaker.failed(DOWN, 0)
    assert breaker.state(0) == "open"


def test_one_probe_at_a_time_and_its_success_closes():
    breaker = broken()
    assert not breaker.allow(4.9)
    assert breaker.allow(5)
    assert not breaker.allow(5)
    breaker.worked(6)
    assert breaker.allow(6)
    assert breaker.allow(6)


def test_a_failed_probe_doubles_the_rest_up_to_the_cap():
    breaker, now_s, rests = broken(), 0.0, []
    for _ in range(8):
        rest = breaker.reopens_in_s(now_s)
        rests.append(rest)
        now_s += rest
        assert breaker.allow(now_s)
        breaker.failed(DOWN, now_s)
    assert rests == [5, 10, 20, 40, 80, 120, 120, 120]


def test_a_probe_that_never_reported_or_whose_client_left_gives_its_place_back():
    breaker = broken()
    assert breaker.allow(5)
    breaker.left()
    assert breaker.allow(5)
    assert not breaker.allow(64)
    assert breaker.allow(65)


def test_the_providers_own_wait_is_a_floor():
    breaker = Breaker(BreakerLimits(consecutive=1))
    breaker.failed(Failure(kind=FailureClass.RATE_LIMIT, message="x", retry_after_s=40), 0)
    assert breaker.reopens_in_s(0) == 40
    breaker = Breaker(BreakerLimits(consecutive=1))
    breaker.failed(Failure(kind=FailureClass.TRANSIENT, message="x", retry_after_s=1), 0)
    assert breaker.reopens_in_s(0) == 5


@given(st.lists(st.tuples(st.sampled_from(["ok", "down", "caller", "left"]), st.floats(0, 30))))
def test_it_always_lets_somebody_in_again(events):
    """Whatever happened, within a probe's time plus the longest rest a request may go."""
    breaker, now_s = Breaker(), 0.0
    for what, wait_s in events:
        now_s += wait_s
        if not breaker.allow(now_s):
            continue
        match what:
            case "ok":
                breaker.worked(now_s)
            case "down":
                breaker.failed(DOWN, now_s)
            case "caller":
                breaker.failed(Failure(kind=FailureClass.CLIENT_FAULT, message="x"), now_s)
            case "left":
                breaker.left()
    assert breaker.allow(now_s + 181)
