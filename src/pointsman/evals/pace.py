"""Keeps lanes that run at different speeds near one another in the schedule."""

from __future__ import annotations

import asyncio

__all__ = ["Pace"]


class Pace:
    """Each lane reports where it is; one that is more than `window` slots ahead of the slowest waits.

    A run is over when its slowest lane is, so holding the fast ones back costs no time, and every
    variant meets a case in the same minutes as the others.
    """

    def __init__(self, lanes: int, window: int) -> None:
        self._wanted = dict.fromkeys(range(lanes), 0)
        self._window = window
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def alone(self) -> bool:
        """Whether there is no other lane to keep near to."""
        return len(self._wanted) < 2

    async def keep(self, lane: int, order: int) -> None:
        """Wait until slot `order` is near enough to the slowest of the other lanes."""
        if order > self._wanted.get(lane, order):
            self._wanted[lane] = order
            if self._waiting:
                self._wake()
        while self._ahead(lane, order) > self._window:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    def _ahead(self, lane: int, order: int) -> int:
        # A lane counts by what it wants, not by what it did, so no two lanes can wait for each other.
        others = [at for other, at in self._wanted.items() if other != lane]
        return order - min(others) if others else 0

    def leave(self, lane: int) -> None:
        """Take out a lane that is done: it holds nobody back any more."""
        self._wanted.pop(lane, None)
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
