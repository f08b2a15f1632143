"""How many calls may run at once against one provider with one key: found out, not guessed.

Additive increase, multiplicative decrease. Until the provider first complains every answer raises the
limit by one (it doubles each round, as TCP's slow start does, or a high cap would never be reached);
after that, a whole round without a complaint raises it by a 32nd of the cap.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping

import msgspec

from pointsman.core.clock import SYSTEM_CLOCK, Clock
from pointsman.core.failure import Failure, FailureClass
from pointsman.providers.ratelimits import left_ratio

__all__ = ["AdaptiveGate", "Aimd", "AimdSettings"]


class AimdSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`max_limit` is the user's cap; `start` and `min_limit` are brought below it where they are not."""

    max_limit: int
    start: int = 20
    min_limit: int = 1
    cooldown_s: float = 15.0
    """After a decrease: failures of this time belong to the same burst, and nothing grows."""
    on_limited: float = 0.5
    """Factor on a 429."""
    on_scarce: float = 0.8
    """Factor when the headers say that less than `scarce_ratio` is left."""
    scarce_ratio: float = 0.1


class Aimd:
    """The controller: fed with what happened and when, it says how many calls may run. No clock, no waiting."""

    def __init__(self, settings: AimdSettings) -> None:
        """Raises ValueError for a cap below 1."""
        if settings.max_limit < 1:
            raise ValueError(f"max_limit must be at least 1, not {settings.max_limit}")
        self.settings = settings
        self._least = max(1, min(settings.min_limit, settings.max_limit))
        self.limit = max(self._least, min(settings.start, settings.max_limit))
        """Calls that may run at once, between `min_limit` and `max_limit`."""
        self.decreases = 0
        self._quiet_until_s = float("-inf")
        self._streak = 0

    def succeeded(self, now_s: float, *, saturated: bool = True) -> None:
        """A call was answered. Unless the limit was the bottleneck (`saturated`), that says nothing about a higher one.

        Answers from a cache are not to be reported.
        """
        if not saturated or now_s < self._quiet_until_s or self.limit >= self.settings.max_limit:
            return
        self._streak += 1
        if self.decreases == 0:
            self._grow(1)
        elif self._streak >= self.limit:
            self._grow(max(1, self.settings.max_limit // 32))

    def failed(self, kind: FailureClass, now_s: float) -> None:
        """A call failed. Only a rate limit shrinks: a server error says nothing about how many calls it would bear."""
        if kind is FailureClass.RATE_LIMIT:
            self._shrink(self.settings.on_limited, now_s)

    def left(self, ratio: float | None, now_s: float) -> None:
        """The headers said that this share of the allowance is left; None if they said nothing."""
        if ratio is not None and ratio < self.settings.scarce_ratio:
            self._shrink(self.settings.on_scarce, now_s)

    def _grow(self, step: int) -> None:
        self.limit = min(self.settings.max_limit, self.limit + step)
        if self.decreases:
            self._streak = 0

    def _shrink(self, factor: float, now_s: float) -> None:
        if now_s < self._quiet_until_s:
            return
        self.limit = max(self._least, int(self.limit * factor))
        self.decreases += 1
        self._streak = 0
        self._quiet_until_s = now_s + self.settings.cooldown_s


class AdaptiveGate:
    """Lets as many callers through at once as the controller says, first come, first served.

    For one event loop. Its state changes between awaits only, so it needs no lock, and a waiter is a future, not a task.
    """

    def __init__(self, aimd: Aimd, clock: Clock = SYSTEM_CLOCK) -> None:
        self.aimd = aimd
        self.in_flight = 0
        self._clock = clock
        self._waiters: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Callers that wait for a place."""
        return sum(not w.done() for w in self._waiters)

    async def acquire(self) -> float:
        """Wait for a place; the seconds it took (0.0 if there was one). Give it back with `release`, whatever happens."""
        if self._waiters:
            self._admit()
        if self.in_flight < self.aimd.limit:  # nobody waits any more, or they would have taken it
            self.in_flight += 1
            return 0.0
        return await self._queue()

    def release(self) -> None:
        """Give a place back."""
        self.in_flight -= 1
        self._admit()

    def saw(self, failure: Failure | None, headers: Mapping[str, str]) -> None:
        """Tell the controller how one attempt ended; made to be an `on_attempt` hook."""
        now_s = self._clock.monotonic_s()
        if failure is None:
            self.aimd.succeeded(now_s, saturated=self.in_flight >= self.aimd.limit)
        else:
            self.aimd.failed(failure.kind, now_s)
        self.aimd.left(left_ratio(headers), now_s)
        if self._waiters:
            self._admit()

    async def _queue(self) -> float:
        began_s = self._clock.monotonic_s()
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.release()  # the place was granted in the moment the caller left
            raise
        return self._clock.monotonic_s() - began_s

    def _admit(self) -> None:
        waiters = self._waiters
        while waiters and (self.in_flight < self.aimd.limit or waiters[0].done()):
            waiter = waiters.popleft()
            if not waiter.done():
                self.in_flight += 1
                waiter.set_result(None)
