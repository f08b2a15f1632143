"""Where a request may go after a failure, and where it may not."""

import pytest

from pointsman.core.failure import Failure, FailureClass
from pointsman.routing.fallback import GiveUp, GoTo, Stop, after_failure

CHAIN = (
    Stop(variant="a", context_tokens=8_000),
    Stop(variant="b", context_tokens=8_000),
    Stop(variant="c", context_tokens=128_000),
)


def failure(kind):
    return Failure(kind=kind, message="x")


@pytest.mark.parametrize("kind", [FailureClass.CLIENT_FAULT, FailureClass.CONTENT_POLICY])
def test_a_callers_fault_goes_nowhere(kind):
    assert isinstance(after_failure(CHAIN, 0, failure(kind)), GiveUp)


@pytest.mark.parametrize("kind", [k for k in FailureClass if k.fault != "caller"])
def test_every_other_failure_goes_to_the_next_and_ends_with_the_last(kind):
    assert after_failure(CHAIN, 0, failure(kind)) == GoTo(1)
    assert isinstance(after_failure(CHAIN, 2, failure(kind)), GiveUp)


def test_too_long_a_prompt_goes_to_a_larger_window_only():
    assert after_failure(CHAIN, 0, failure(FailureClass.CONTEXT_TOO_LONG)) == GoTo(2)
    assert isinstance(after_failure(CHAIN[:2], 0, failure(FailureClass.CONTEXT_TOO_LONG)), GiveUp)
    unknown = (Stop(variant="a"), Stop(variant="b", context_tokens=8_000))
    assert isinstance(after_failure(unknown, 0, failure(FailureClass.CONTEXT_TOO_LONG)), GiveUp)
