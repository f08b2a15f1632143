"""Every clock of a transport on one timer of the event loop.

A timer of its own for each request costs 1–5 µs (`asyncio.timeout` 4.6, `loop.call_later` 3.0 with
its cancellation, measured on the standard loop), and most are cancelled unused. Here a wait only
notes when it must be over; the single timer is moved when a new deadline lies before it.
"""

from __future__ import annotations

import asyncio
from math import inf

from pointsman.core.failure import Phase

__all__ = ["Deadlines", "Watch"]


class Deadlines:
    """The waits under way on one event loop, and the timer that ends those that last too long."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now_s = loop.time
        self._loop = loop
        self._waiting: set[Watch] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_s = inf

    def add(self, watch: Watch) -> None:
        """Begin to mind `watch`."""
        self._waiting.add(watch)
        if watch.deadline_s < self._timer_at_s:
            self._set_timer(watch.deadline_s)

    def discard(self, watch: Watch) -> None:
        """Mind it no more. The timer stays: the next wait will most likely want one."""
        self._waiting.discard(watch)

    def close(self) -> None:
        """Drop the timer; waits still under way are no longer limited."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at_s = None, inf

    def _set_timer(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at_s = at_s
        self._timer = self._loop.call_at(at_s, self._sweep)

    def _sweep(self) -> None:
        self._timer, self._timer_at_s = None, inf
        now_s = self.now_s()
        for watch in [w for w in self._waiting if w.deadline_s <= now_s]:
            self._waiting.discard(watch)
            watch.interrupt()
        if self._waiting:
            self._set_timer(min(w.deadline_s for w in self._waiting))


class Watch:
    """One call's waits, one after the other. A wait that outlasts its deadline is cancelled, and
    `timed_out` tells that cancellation from one that came from outside.

    Between `begin` and `end` only the task that called `begin` may be interrupted; while the caller
    is busy with its own work no clock runs against the provider.
    """

    __slots__ = ("_cancelling", "_deadlines", "_interrupted", "_task", "deadline_s", "phase")

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._interrupted = False
        self.deadline_s = inf
        self.phase: Phase = "connect"

    def begin(self, deadline_s: float, phase: Phase) -> None:
        """The caller is about to wait, until `deadline_s` on the loop's clock at most."""
        self._task = task = asyncio.current_task()
        self._cancelling = task.cancelling() if task is not None else 0
        self.deadline_s, self.phase = deadline_s, phase
        self._deadlines.add(self)

    def end(self) -> None:
        """The wait is over, however it ended."""
        self._task = None
        self._deadlines.discard(self)

    def interrupt(self) -> None:
        """Cancel the waiting task; the sweep calls this."""
        if self._task is not None:
            self._interrupted = True
            self._task.cancel()

    def timed_out(self) -> bool:
        """Asked where `CancelledError` was caught, before `end`: was it this watch, and nobody else, that cancelled?"""
        if not self._interrupted or self._task is None:
            return False
        self._interrupted = False
        return self._task.uncancel() <= self._cancelling
