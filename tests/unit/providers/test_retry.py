"""When a call is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.failure import Failure, FailureClass
from pointsman.providers.retry import RetryPolicy, next_delay

BUSY = Failure(kind=FailureClass.TRANSIENT, message="busy")
POLICY = RetryPolicy(max_attempts=5, base_s=1, max_backoff_s=6, max_retry_after_s=20, total_s=100)

units = st.floats(0, 1, exclude_max=True)
policies = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 50),
    base_s=st.floats(0.001, 10),
    max_backoff_s=st.floats(0.001, 100),
    max_retry_after_s=st.floats(0, 100),
    total_s=st.floats(0, 1000),
)
waits = st.none() | st.floats(0, 1e4)


def _failure(kind, retry_after_s=None):
    return Failure(kind=kind, message="x", retry_after_s=retry_after_s)


def test_the_ceiling_doubles_until_the_cap():
    just_under_1 = 1 - 2**-53
    assert [round(next_delay(k, BUSY, just_under_1, POLICY), 9) for k in (1, 2, 3, 4)] == [1, 2, 4, 6]


def test_full_jitter_reaches_down_to_no_wait_at_all():
    assert next_delay(1, BUSY, 0.0, POLICY) == 0.0


def test_the_thousandth_try_does_not_overflow():
    assert next_delay(1000, BUSY, 0.5, RetryPolicy(max_attempts=2000)) == 15.0


def test_retry_after_raises_the_delay_and_never_lowers_it():
    assert next_delay(1, _failure(FailureClass.RATE_LIMIT, 10), 0.5, POLICY) == 10
    assert next_delay(3, _failure(FailureClass.RATE_LIMIT, 1), 0.5, POLICY) == 2


def test_the_servers_word_comes_before_the_class():
    assert next_delay(1, BUSY, 0.5, POLICY, should_retry=False) is None
    assert next_delay(1, _failure(FailureClass.CLIENT_FAULT), 0.5, POLICY, should_retry=True) == 0.5
    assert next_delay(1, _failure(FailureClass.AUTH), 0.5, POLICY, retryable=True) == 0.5


@given(st.integers(1, 100), st.sampled_from(FailureClass), waits, units, policies, st.floats(0, 2000))
def test_a_delay_lies_within_its_bounds(attempt, kind, asked_s, u, policy, elapsed_s):
    delay = next_delay(attempt, _failure(kind, asked_s), u, policy, elapsed_s=elapsed_s)
    if not kind.retryable or attempt >= policy.max_attempts or (asked_s or 0) > policy.max_retry_after_s:
        assert delay is None
    elif delay is not None:
        assert (asked_s or 0) <= delay <= max(policy.max_backoff_s, policy.max_retry_after_s)
        assert delay <= max(asked_s or 0, policy.base_s * 2.0 ** (attempt - 1))
        assert elapsed_s + delay <= policy.total_s


@given(units, policies)
def test_any_sequence_of_retries_ends(u, policy):
    elapsed_s = 0.0
    for attempt in range(1, 60):
        delay = next_delay(attempt, BUSY, u, policy, elapsed_s=elapsed_s)
        if delay is None:
            break
        elapsed_s += delay
    assert attempt <= policy.max_attempts
    assert elapsed_s <= policy.total_s
