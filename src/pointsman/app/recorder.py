"""Where workers' records end: the ledger and the access log, written in batches by a thread of its own."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pointsman.app.config import ProjectSpec
from pointsman.core.failure import StorageError
from pointsman.core.served import Served
from pointsman.store.ledger import Ledger
from pointsman.telemetry.access_log import access_line
from pointsman.telemetry.metrics import Metrics

__all__ = ["Recorder"]

_WRITE_EVERY_S = 0.25
_PRUNE_EVERY_S = 3600.0
_MOST_WAITING = 200_000
_BATCH = 2_000


class Recorder:
    """Takes records in and writes them. While the disk refuses, they wait; too many, and workers are made to wait,
    whose rings then drop and count.
    """

    def __init__(self, project: ProjectSpec, folder: Path, metrics: Metrics, say: Callable[[str], None]) -> None:
        """Raises `StorageError` if the ledger or the log cannot be opened."""
        store = project.store
        self._metrics = metrics
        self._say = say
        self._retention_s = None if store.retention_days is None else store.retention_days * 86_400
        self._ledger = Ledger(folder / store.ledger) if store.ledger is not None else None
        self._log = _open_log(project.gateway.access_log, folder)
        self._waiting: deque[Served] = deque()
        self._room = asyncio.Event()
        self._room.set()
        self._thread = ThreadPoolExecutor(1, "recorder")
        self._pruned_s = 0.0
        self.trouble: str | None = None
        """Why nothing can be written at the moment; None if it can."""

    async def take(self, served: Sequence[Served]) -> None:
        """Take records in; waits while there is no room."""
        if not served or (self._ledger is None and self._log is None):
            return
        await self._room.wait()
        self._waiting.extend(served)
        self._metrics.unwritten = len(self._waiting)
        if len(self._waiting) > _MOST_WAITING:
            self._room.clear()

    async def run(self) -> None:
        """Write now and then, until cancelled."""
        while True:
            await asyncio.sleep(_WRITE_EVERY_S)
            await self._write()
            if time.monotonic() - self._pruned_s > _PRUNE_EVERY_S:
                await self._prune()

    async def finish(self) -> None:
        """Write everything that is left, or say how much was lost."""
        while self._waiting and await self._write():
            pass
        if self._waiting:
            self._say(f"{len(self._waiting)} records could not be written: {self.trouble}")

    async def _write(self) -> bool:
        """Write what waits; False if the disk refused."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = [self._waiting[i] for i in range(min(_BATCH, len(self._waiting)))]
            try:
                await loop.run_in_executor(self._thread, self._append, batch)
            except (StorageError, OSError) as error:
                if self.trouble is None:
                    self._say(f"records cannot be written and wait: {error}")
                self.trouble = str(error)
                return False
            self.trouble = None
            for _ in batch:
                self._waiting.popleft()
            self._metrics.unwritten = len(self._waiting)
            if len(self._waiting) <= _MOST_WAITING:
                self._room.set()
        return True

    def _append(self, batch: list[Served]) -> None:
        if self._ledger is not None:
            self._ledger.append(batch)
        if self._log is not None:
            self._log.write(b"".join(access_line(served) for served in batch))
            self._log.flush()

    async def _prune(self) -> None:
        self._pruned_s = time.monotonic()
        if self._ledger is None or self._retention_s is None:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._ledger.prune, time.time() - self._retention_s)
        except StorageError as error:
            self._say(f"old records cannot be deleted: {error}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._thread.shutdown()
        if self._ledger is not None:
            self._ledger.close()
        if self._log is not None and self._log is not sys.stderr.buffer:
            self._log.close()


def _open_log(name: str | None, folder: Path) -> IO[bytes] | None:
    if name is None:
        return None
    if name == "-":
        return sys.stderr.buffer
    try:
        return (folder / name).open("ab")
    except OSError as error:
        raise StorageError(f"the access log cannot be opened: {error}", hint="see gateway.access_log") from error
