"""What the live page shows, gathered beside the supervisor's work and drawn in a thread, at most once a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import msgspec

from pointsman.app.config import ProjectSpec
from pointsman.app.controller import Replica
from pointsman.app.migration_watch import MigrationWatch
from pointsman.app.snapshots import routes_of
from pointsman.core.failure import StorageError
from pointsman.report.dashboard import (
    Dashboard,
    Firing,
    MigrationNow,
    ReplicaNow,
    RouteNow,
    VariantLately,
    fragment,
)
from pointsman.telemetry.windows import Windows

__all__ = ["DashboardDesk", "Watched"]

_FRESH_S = 1.0
_SHORT_S, _LONG_S = 300.0, 3_600.0


class Watched(Protocol):
    """The gateway as far as the page tells of it."""

    @property
    def project(self) -> ProjectSpec: ...
    @property
    def ready(self) -> bool: ...
    def status(self) -> Mapping[str, Any]: ...
    def replicas(self) -> Sequence[Replica | None]: ...
    @property
    def windows(self) -> Windows: ...
    @property
    def firing(self) -> Sequence[tuple[str, str, str]]: ...


class DashboardDesk:
    """Answers everybody who looks within a second with the same words."""

    def __init__(self, watched: Watched, watch: MigrationWatch | None, wall_s: Callable[[], float] = time.time) -> None:
        """`watch` is None where the store of migrations cannot be read."""
        self._watched = watched
        self._watch = watch
        self._wall_s = wall_s
        self._thread = ThreadPoolExecutor(1, "dashboard")
        self._drawing = asyncio.Lock()
        self._drawn: tuple[float, bytes] | None = None

    async def live(self) -> bytes:
        """The moment, as a piece of HTML."""
        async with self._drawing:
            if self._drawn is None or time.monotonic() - self._drawn[0] >= _FRESH_S:
                variants = await self._lately()
                drawn = await asyncio.get_running_loop().run_in_executor(self._thread, self._draw, self._frame(), variants)
                self._drawn = time.monotonic(), drawn
            return self._drawn[1]

    async def migrations(self) -> dict[str, MigrationNow]:
        """By route, how migrations stand, for the metrics; none if the store cannot be read."""
        if self._watch is None:
            return {}
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._numbers, self._watch)

    def close(self) -> None:
        """Wait for what is being drawn, and release the store."""
        self._thread.shutdown()
        if self._watch is not None:
            self._watch.close()

    def _numbers(self, watch: MigrationWatch) -> dict[str, MigrationNow]:
        try:
            return watch.look(stories=False)
        except (StorageError, msgspec.MsgspecError):
            return {}

    async def _lately(self) -> dict[str, tuple[VariantLately, ...]]:
        """Every route's variants over both windows; others get their turn after each, because an hour is many sums."""
        windows, now_s = self._watched.windows, self._wall_s()
        found: dict[str, tuple[VariantLately, ...]] = {}
        for route in routes_of(self._watched.project):
            variants: list[VariantLately] = []
            for name in windows.variants(route):
                short, long = (windows.lately(route, name, over_s, now_s) for over_s in (_SHORT_S, _LONG_S))
                variants.append(VariantLately(name=name, short=short, long=long))
                await asyncio.sleep(0)
            found[route] = tuple(variants)
        return found

    def _frame(self) -> Dashboard:
        """All but the routes."""
        status = self._watched.status()
        workers = self._watched.replicas()
        serving = sum(w is not None and w.snapshot == status["snapshot"] for w in workers)
        waiting = tuple(status["waiting_for_restart"])
        breakers = sorted({v for w in status["workers"] for v in w["open_breakers"]})
        facts = (
            ("Workers", f"{serving} of {len(workers)} serve {status['snapshot']}", serving == len(workers)),
            ("Requests in flight", str(sum(w["in_flight"] for w in status["workers"])), True),
            ("Configuration", str(status["config"]), status["config"] == "ok"),
            ("Ledger", str(status["ledger"]), status["ledger"] == "ok"),
            *((("Waits for a restart", ", ".join(waiting), False),) if waiting else ()),
            *((("Left alone, because they kept failing", ", ".join(breakers), False),) if breakers else ()),
        )
        firing = tuple(Firing(*one) for one in self._watched.firing)
        return Dashboard(at_s=self._wall_s(), ready=self._watched.ready, facts=facts, firing=firing)

    def _draw(self, frame: Dashboard, variants: Mapping[str, tuple[VariantLately, ...]]) -> bytes:
        trouble, migrations = "", dict[str, MigrationNow]()
        try:
            if self._watch is None:
                trouble = "their store could not be opened"
            else:
                migrations = self._watch.look()
        except (StorageError, msgspec.MsgspecError) as error:
            trouble = str(error)
        workers = self._watched.replicas()
        routes = tuple(_route(name, variants.get(name, ()), migrations.get(name), workers) for name in {**variants, **migrations})
        return fragment(msgspec.structs.replace(frame, routes=routes, trouble=trouble)).encode()


def _route(
    name: str, variants: tuple[VariantLately, ...], migration: MigrationNow | None, workers: Sequence[Replica | None]
) -> RouteNow:
    if migration is None:
        return RouteNow(name=name, variants=variants)
    given = tuple(ReplicaNow(n, None if w is None else w.weights.get(migration.migration, 0.0)) for n, w in enumerate(workers))
    return RouteNow(
        name=name,
        variants=tuple(sorted((_in_role(v, migration) for v in variants), key=lambda v: _ORDER[v.role])),
        migration=msgspec.structs.replace(migration, replicas=given),
    )


_ORDER = {"baseline": 0, "candidate": 1, "": 2}


def _in_role(variant: VariantLately, migration: MigrationNow) -> VariantLately:
    if migration.over:
        return variant
    role = "baseline" if variant.name == migration.baseline else "candidate" if variant.name == migration.candidate else ""
    return msgspec.structs.replace(variant, role=role)
