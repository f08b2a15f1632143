"""Time as an argument: the shell passes a clock, so a test or a rehearsal can pass its own."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["SYSTEM_CLOCK", "Clock", "FakeClock", "SystemClock"]


class Clock(Protocol):
    """Two readings: `wall_s` says when (Unix seconds), `monotonic_s` says how long and never steps back."""

    def wall_s(self) -> float: ...
    def monotonic_s(self) -> float: ...


class SystemClock:
    """The machine's clocks."""

    def wall_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.perf_counter()


class FakeClock:
    """A clock that moves only when told."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s

    def wall_s(self) -> float:
        return self._now_s

    def monotonic_s(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Move forward; a clock never goes back, so a negative step raises ValueError."""
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds}")
        self._now_s += seconds


SYSTEM_CLOCK = SystemClock()
