"""Where feedback ends: matched with its request, kept, and told to the migration of its route."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pointsman.core.failure import StorageError
from pointsman.core.feedback import Feedback, Rated
from pointsman.store.ratings import Ratings

__all__ = ["FeedbackDesk"]

_EVERY_S = 0.25
_PATIENCE_S = 60.0
"""A request is in the ledger a moment after it ended; feedback on one that never comes is dropped after this."""
_MOST_WAITING = 50_000
_PRUNE_EVERY_S = 3600.0


class FeedbackDesk:
    """Takes feedback in; a thread of its own looks up what it is about. `tell` gets what was found."""

    def __init__(self, ledger: Path, tell: Callable[[list[Rated]], None]) -> None:
        """Raises `StorageError`."""
        self._ratings = Ratings(ledger)
        self._tell = tell
        self._thread = ThreadPoolExecutor(1, "feedback")
        self._storing = asyncio.Lock()
        self._waiting: deque[Feedback] = deque()
        self._pruned_s = time.monotonic()
        self.dropped = 0
        """Feedback about no request, another tenant's, or too much of it at once."""

    def take(self, feedback: Sequence[Feedback]) -> None:
        """Take it in."""
        room = max(0, _MOST_WAITING - len(self._waiting))
        self._waiting.extend(feedback[:room])
        self.dropped += max(0, len(feedback) - room)

    async def run(self) -> None:
        """Store what came now and then, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.store()

    async def store(self) -> None:
        """Store what came; what cannot be stored now waits. Cancelling it does not interrupt the writing."""
        await asyncio.shield(self._store())

    async def _store(self) -> None:
        async with self._storing:
            await self._store_batch()

    async def _store_batch(self) -> None:
        if not self._waiting:
            return
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        rated, again = await asyncio.get_running_loop().run_in_executor(self._thread, self._put, batch, time.time())
        self._waiting.extendleft(reversed(again))
        if rated:
            self._tell(rated)

    def close(self) -> None:
        """Let go of the file."""
        self._thread.shutdown()
        self._ratings.close()

    def _put(self, batch: list[Feedback], now_s: float) -> tuple[list[Rated], list[Feedback]]:
        rated: list[Rated] = []
        again: list[Feedback] = []
        for number, one in enumerate(batch):
            try:
                found = self._ratings.put(one)
            except StorageError:
                again += batch[number:]
                break
            if isinstance(found, Rated):
                rated.append(found)
            elif found == "unknown" and now_s - one.at_s < _PATIENCE_S:
                again.append(one)
            else:
                self.dropped += 1
        if time.monotonic() - self._pruned_s > _PRUNE_EVERY_S and not again:
            self._pruned_s = time.monotonic()
            self._ratings.prune()
        return rated, again
