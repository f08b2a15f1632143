"""How late the event loop runs what is due: the first thing to look at when a gateway feels slow."""

from __future__ import annotations

import asyncio

__all__ = ["LagGauge"]


class LagGauge:
    """Asks to be called every `every_s` seconds and notes by how much it was called too late."""

    def __init__(self, loop: asyncio.AbstractEventLoop, every_s: float = 0.1) -> None:
        self._loop = loop
        self._every_s = every_s
        self._largest_s = 0.0
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; call it on the loop."""
        self._due_s = self._loop.time() + self._every_s
        self._timer = self._loop.call_at(self._due_s, self._tick)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def take_s(self) -> float:
        """The largest lateness since the last call, in seconds."""
        largest, self._largest_s = self._largest_s, 0.0
        return largest

    def _tick(self) -> None:
        self._largest_s = max(self._largest_s, self._loop.time() - self._due_s)
        self.start()
