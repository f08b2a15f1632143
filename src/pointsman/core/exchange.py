"""What happened: one request, each attempt upstream, timings, tokens and cost.

Live requests, shadow pairs and bake-off trials all leave this one record, so there is one code for
latency, cost and errors.
"""

from __future__ import annotations

import msgspec

from pointsman.core.chat import FinishReason
from pointsman.core.failure import Failure
from pointsman.core.units import Usd
from pointsman.core.usage import Usage

__all__ = ["Attempt", "Cost", "Exchange"]


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try upstream. Times are seconds."""

    started_s: float
    """Wall clock, Unix seconds."""
    duration_s: float
    variant: str | None = None
    """Name of the variant asked, where several may be; None: the exchange's own."""
    timed: bool = True
    """False: nobody took the time, as in recordings without one; `duration_s` then says nothing."""
    ttft_s: float | None = None
    """From sending to the first piece of visible output; None without a stream or without output."""
    failure: Failure | None = None
    key: str | None = None
    """Which of the provider's keys, by its position (`#1`), never by its value."""
    request_id: str | None = None
    """The provider's own id, for its support desk."""
    backoff_s: float = 0.0
    """How long we waited before this try; never part of its latency."""
    usage: Usage | None = None
    """What a try that broke off in mid-answer used and another try followed: it may be billed. The last
    try's usage stands on the exchange.
    """


class Cost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Exact dollars and where the price came from."""

    usd: Usd
    source: str
    """The price list or file."""
    checked_on: str | None = None
    """ISO date on which the price was looked up; None if its source does not say."""
    complete: bool = True
    """False if some units had no price or the usage was not whole: then `usd` is a floor."""


class Exchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request from beginning to end."""

    variant: str
    """Variant hash."""
    request: str
    """Hash of the request in our form."""
    attempts: tuple[Attempt, ...] = ()
    queued_s: float = 0.0
    """Waiting for a place, before the first attempt."""
    served_model: str | None = None
    finish: FinishReason | None = None
    usage: Usage | None = None
    cost: Cost | None = None
    """None if no price is known: an unknown cost is not zero."""
    cached: bool = False
    """Answered from our own cache: its times say nothing about the provider."""

    @property
    def failure(self) -> Failure | None:
        """How it ended badly, or None. An exchange without attempts has not failed."""
        return self.attempts[-1].failure if self.attempts else None

    @property
    def latency_s(self) -> float | None:
        """Time of the attempt that answered, without queueing, back-off and failed tries.

        None if nothing answered, if the answer came out of a cache, or if nobody took the time.
        """
        answered = self._answered
        return answered.duration_s if answered is not None and answered.timed else None

    @property
    def ttft_s(self) -> float | None:
        """First-token time of the attempt that answered; None if nothing answered but a cache, or without a stream."""
        answered = self._answered
        return answered.ttft_s if answered is not None else None

    @property
    def _answered(self) -> Attempt | None:
        if self.cached or not self.attempts or self.attempts[-1].failure is not None:
            return None
        return self.attempts[-1]
