"""When to try again: exponential back-off with full jitter, and the provider's own wish as a floor.

The delay before try k + 1 is u · min(cap, base · 2^(k − 1)) with u uniform on [0, 1): "full jitter" of
https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/, which spreads the clients
of one outage best. Retry-After raises it; it never lowers it.
"""

from __future__ import annotations

import msgspec

from pointsman.core.failure import Failure

__all__ = ["RetryPolicy", "next_delay"]


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how long to try. Times are seconds."""

    max_attempts: int = 4
    """Tries in all, the first included; 1 never retries."""
    base_s: float = 0.5
    max_backoff_s: float = 30.0
    """Largest back-off of our own."""
    max_retry_after_s: float = 60.0
    """Longest wait at a provider's request. One that asks for more is not asked again."""
    total_s: float = 900.0
    """No try begins later than this after the first one began."""


def next_delay(
    attempt: int,
    failure: Failure,
    u: float,
    policy: RetryPolicy,
    *,
    elapsed_s: float = 0.0,
    should_retry: bool | None = None,
    retryable: bool | None = None,
) -> float | None:
    """Seconds to wait before the next try, or None to give up.

    `attempt` counts the tries made so far (1 after the first), `u` is one uniform draw from [0, 1),
    `elapsed_s` the time since the first try began. `retryable` replaces the failure class's own answer
    (another key may do what this one could not); `should_retry`, the server's own word, comes before both.
    """
    worth_it = failure.kind.retryable if retryable is None else retryable
    if not (worth_it if should_retry is None else should_retry) or attempt >= policy.max_attempts:
        return None
    asked_s = failure.retry_after_s or 0.0
    if asked_s > policy.max_retry_after_s:
        return None
    # 2^63 back-offs are longer than any cap; a larger power would overflow a float
    backoff_s = u * min(policy.max_backoff_s, policy.base_s * 2.0 ** min(attempt - 1, 63))
    delay_s = max(asked_s, backoff_s)
    return delay_s if elapsed_s + delay_s <= policy.total_s else None
