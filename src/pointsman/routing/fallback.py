"""What to do after a failure, while nothing has been sent to the client yet: try again, go elsewhere, or give up.

A caller's own fault is never carried from provider to provider: an invalid request stays invalid, and
what one provider's filter refused is not offered to the next. A prompt that is too long goes only to
a larger window.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pointsman.core.failure import Failure, FailureClass

__all__ = ["GiveUp", "GoTo", "Stop", "after_failure"]


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One member of a route's chain, as far as choosing the next one depends on it."""

    variant: str
    context_tokens: int | None = None
    """Its window; None if nobody knows."""


class GoTo(msgspec.Struct, frozen=True):
    """Ask the member at this index of the chain next."""

    index: int


class GiveUp(msgspec.Struct, frozen=True):
    """Nobody is left to ask; the last failure is the answer."""

    reason: str


def after_failure(chain: Sequence[Stop], at: int, failure: Failure) -> GoTo | GiveUp:
    """Who comes after member `at` of `chain`, which failed for good (its own retries are over)."""
    match failure.kind:
        case FailureClass.CLIENT_FAULT:
            return GiveUp("the request itself is at fault")
        case FailureClass.CONTENT_POLICY:
            return GiveUp("a refusal by a content filter is not taken elsewhere")
        case FailureClass.CONTEXT_TOO_LONG:
            return _larger(chain, at)
        case _:
            return GoTo(at + 1) if at + 1 < len(chain) else GiveUp("the chain is exhausted")


def _larger(chain: Sequence[Stop], at: int) -> GoTo | GiveUp:
    """The next member with a window known to be larger; one of unknown size only if the failed one's is unknown too."""
    window = chain[at].context_tokens
    for index in range(at + 1, len(chain)):
        other = chain[index].context_tokens
        if (window is None or other is None) and window is not other:
            continue
        if window is None or other is None or other > window:
            return GoTo(index)
    return GiveUp("no other member of the chain is known to take a longer prompt")
