"""From a worker's bodies to rows on disk: redacted in the recorder's thread, before anything is written."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pointsman.app.gateway_spec import BodiesSpec
from pointsman.core.bodies import Bodies
from pointsman.core.failure import ConfigError, StorageError
from pointsman.store.bodies import BodyFile, KeptBodies
from pointsman.telemetry.metrics import Metrics
from pointsman.telemetry.redact import Redactor

__all__ = ["BodyKeeper", "checked_bodies"]

_MOST_WAITING_BYTES = 64 << 20
_AT_ONCE = 16
_PRUNED_AT_ONCE = 500


def checked_bodies(spec: BodiesSpec | None, routes: Mapping[str, object]) -> None:
    """Raises `ConfigError` for a pattern that cannot be used and a route that does not exist."""
    if spec is None:
        return
    redactor_of(spec)
    for name in spec.routes or ():
        if name not in routes:
            hint = f"routes: {', '.join(sorted(routes))}"
            raise ConfigError("there is no such route", key="store.bodies.routes", value=name, hint=hint)


def redactor_of(spec: BodiesSpec) -> Redactor:
    """What the spec wants hidden. Raises `ConfigError`."""
    try:
        return Redactor(spec.redact, spec.patterns)
    except ConfigError as error:
        raise error.under("store.bodies") from None


class BodyKeeper:
    """Takes bodies in and writes them. While the disk refuses they wait; what is too much is dropped and counted: nobody is
    held back for their sake. One that cannot be redacted is not kept.
    """

    def __init__(
        self, spec: BodiesSpec, folder: Path, thread: ThreadPoolExecutor, metrics: Metrics, say: Callable[[str], None]
    ) -> None:
        """Raises `StorageError` if the file cannot be opened, `ConfigError` for a pattern that cannot be used."""
        self._redactor = redactor_of(spec)
        self._max_bytes = spec.max_bytes
        self._retention_s = spec.retention_days * 86_400
        self._thread = thread
        self._metrics = metrics
        self._say = say
        self._waiting: deque[Bodies] = deque()
        self._waiting_bytes = 0
        self._writing = asyncio.Lock()
        self._trouble = False
        self._file = BodyFile(folder / spec.file)

    def take(self, taken: Sequence[Bodies]) -> None:
        """Take them in, or drop what there is no room for."""
        for bodies in taken:
            if self._waiting_bytes + bodies.size_bytes > _MOST_WAITING_BYTES:
                self._metrics.dropped_bodies += 1
                continue
            self._waiting.append(bodies)
            self._waiting_bytes += bodies.size_bytes

    async def write(self) -> None:
        """Write what waits, a few at a time, so that the ledger need not wait long for the thread."""
        async with self._writing:
            while self._waiting:
                batch = list(itertools.islice(self._waiting, _AT_ONCE))
                try:
                    await asyncio.get_running_loop().run_in_executor(self._thread, self._keep, batch)
                except StorageError as error:
                    if not self._trouble:
                        self._say(f"bodies cannot be written and wait: {error}")
                    self._trouble = True
                    return
                self._trouble = False
                for bodies in batch:
                    self._waiting.popleft()
                    self._waiting_bytes -= bodies.size_bytes

    async def prune(self) -> None:
        """Delete what is older than it may get."""
        before_s = time.time() - self._retention_s
        try:
            while await asyncio.get_running_loop().run_in_executor(self._thread, self._file.prune, before_s, _PRUNED_AT_ONCE):
                await self.write()  # old ones go in pieces, so that new ones need not wait for all of them
        except StorageError as error:
            self._say(f"old bodies cannot be deleted: {error}")

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def _keep(self, batch: list[Bodies]) -> None:
        rows = [row for bodies in batch if (row := self._redacted(bodies)) is not None]
        self._file.append(rows)
        self._metrics.kept_bodies += len(rows)

    def _redacted(self, bodies: Bodies) -> KeptBodies | None:
        try:
            request, request_cut = self._bounded(bodies.request, cut=bodies.request_cut)
            answer, answer_cut = None, False
            if bodies.answer is not None:
                answer, answer_cut = self._bounded(bodies.answer, cut=bodies.answer_cut)
        except Exception as fault:  # noqa: BLE001  # whatever a stranger's text did to us, it must not be kept unredacted
            self._metrics.dropped_bodies += 1
            self._say(f"bodies of {bodies.decision} cannot be redacted and are not kept: {type(fault).__qualname__}")
            return None
        return KeptBodies(
            decision=bodies.decision,
            at_s=bodies.at_s,
            route=bodies.route,
            variant=bodies.variant,
            tenant=bodies.tenant,
            request=request,
            answer=answer,
            cut=request_cut or answer_cut,
        )

    def _bounded(self, data: bytes, *, cut: bool) -> tuple[str, bool]:
        """Redacted first and cut then, so that no half of a secret is left over at the end."""
        text = self._redactor.body(data, cut=cut)
        encoded = text.encode("utf-8", "replace")
        if len(encoded) <= self._max_bytes:
            return encoded.decode(), cut
        return encoded[: self._max_bytes].decode("utf-8", "ignore"), True
