"""Where workers' records end: ledger, access log and, if wanted, bodies, written in batches by a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from pointsman.app.body_keeper import BodyKeeper
from pointsman.app.config import ProjectSpec
from pointsman.app.log_file import LogFile
from pointsman.core.bodies import Bodies
from pointsman.core.failure import StorageError
from pointsman.core.served import Served
from pointsman.core.units import add_usd, usd_text
from pointsman.store.ledger import Ledger, UnfitRecordError
from pointsman.telemetry.access_log import access_line
from pointsman.telemetry.metrics import Metrics

__all__ = ["Recorder"]

_WRITE_EVERY_S = 0.25
_PRUNE_EVERY_S = 3600.0
_MOST_WAITING = 200_000
_BATCH = 2_000


class Recorder:
    """Takes records in and writes them. While the disk refuses, they wait; too many, and workers are made to wait,
    whose rings then drop and count. The log never keeps the ledger waiting: what it refuses is not logged, and counted.
    """

    def __init__(self, project: ProjectSpec, folder: Path, metrics: Metrics, say: Callable[[str], None]) -> None:
        """Raises `StorageError` if the ledger or the log cannot be opened."""
        store, log = project.store, project.gateway.access_log
        self._metrics = metrics
        self._say = say
        self._retention_s = None if store.retention_days is None else store.retention_days * 86_400
        self._waiting: deque[Served] = deque()
        self._room = asyncio.Event()
        self._room.set()
        self._hurries = False
        self._writing = asyncio.Lock()
        self._pruned_s: float | None = None
        self.trouble: str | None = None
        """Why the ledger cannot be written at the moment; None if it can."""
        self._log_trouble: str | None = None
        with contextlib.ExitStack() as opened:
            self._ledger = Ledger(folder / store.ledger) if store.ledger is not None else None
            if self._ledger is not None:
                opened.callback(self._ledger.close)
            self._log = LogFile(log, folder) if log is not None else None
            if self._log is not None:
                opened.callback(self._log.close)
            self._thread = ThreadPoolExecutor(1, "recorder")
            opened.callback(self._thread.shutdown)
            wanted = store.bodies
            self._bodies = BodyKeeper(wanted, folder, self._thread, metrics, say) if wanted is not None else None
            if self._bodies is not None:
                opened.callback(self._bodies.close)
                opened.callback(self._thread.shutdown)  # before the file is closed: it may still be written
            self._opened = opened.pop_all()

    async def take(self, served: Sequence[Served]) -> None:
        """Take records in; waits while there is no room."""
        if not served or (self._ledger is None and self._log is None):
            return
        await self._room.wait()
        self._waiting.extend(served)
        self._metrics.unwritten = len(self._waiting)
        if len(self._waiting) > _MOST_WAITING and not self._hurries:
            self._room.clear()

    def take_bodies(self, taken: Sequence[Bodies]) -> None:
        """Take in what a sample of requests said. Never waits."""
        if self._bodies is not None:
            self._bodies.take(taken)

    def hurry(self) -> None:
        """The end is near: nobody waits any more, for what is not taken in now is lost."""
        self._hurries = True
        self._room.set()

    async def run(self) -> None:
        """Write now and then, until cancelled."""
        while True:
            await asyncio.sleep(_WRITE_EVERY_S)
            await self._write()
            if self._bodies is not None:
                await self._bodies.write()
            if self._pruned_s is None or time.monotonic() - self._pruned_s > _PRUNE_EVERY_S:
                await self._prune()

    async def finish(self) -> None:
        """Write everything that is left, or say how much was lost."""
        written = await self._write()
        if self._bodies is not None:
            await self._bodies.write()
        if written:
            return
        lost = [s.exchange.cost.usd for s in self._waiting if s.exchange.cost is not None]
        self._say(
            f"{len(self._waiting)} records of {usd_text(add_usd(*lost))} USD in all could not be written and are lost: "
            f"{self.trouble}"
        )

    async def _write(self) -> bool:
        """Write what waits; False if the disk refused. One at a time: a batch leaves the queue when it is written."""
        loop = asyncio.get_running_loop()
        async with self._writing:
            while self._waiting:
                batch = list(itertools.islice(self._waiting, _BATCH))
                try:
                    await loop.run_in_executor(self._thread, self._append, batch)
                except StorageError as error:
                    if self.trouble is None:
                        self._say(f"records cannot be written and wait: {error}" + (f" ({error.hint})" if error.hint else ""))
                    self.trouble = str(error)
                    return False
                if self.trouble is not None:
                    self._say("records can be written again")
                self.trouble = None
                for _ in batch:
                    self._waiting.popleft()
                self._metrics.unwritten = len(self._waiting)
                if len(self._waiting) <= _MOST_WAITING:
                    self._room.set()
        return True

    def _append(self, batch: list[Served]) -> None:
        if self._ledger is not None:
            self._enter(self._ledger, batch)
        if self._log is None:
            return
        try:
            self._log.append(b"".join(access_line(served) for served in batch))
            self._log_trouble = None
        except StorageError as error:
            self._metrics.unlogged += len(batch)
            if self._log_trouble is None:
                self._say(f"requests are not logged: {error}")
            self._log_trouble = str(error)

    def _enter(self, ledger: Ledger, batch: list[Served]) -> None:
        try:
            ledger.append(batch)
        except UnfitRecordError as error:
            if len(batch) > 1:  # one bad record must not cost the others
                for one in batch:
                    self._enter(ledger, [one])
                return
            self._metrics.unfit += 1
            self._say(f"request {batch[0].decision} is lost to the ledger: {error}")

    async def _prune(self) -> None:
        self._pruned_s = time.monotonic()
        if self._bodies is not None:
            await self._bodies.prune()
        if self._ledger is None or self._retention_s is None:
            return
        before_s = time.time() - self._retention_s
        try:
            while await asyncio.get_running_loop().run_in_executor(self._thread, self._ledger.prune, before_s, _BATCH):
                await self._write()  # old ones go in pieces, so that new ones need not wait for all of them
        except StorageError as error:
            self._say(f"old records cannot be deleted: {error}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened.close()
