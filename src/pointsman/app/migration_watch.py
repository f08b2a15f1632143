"""How every route's newest migration stands, read from the store: for the live page and for Prometheus.

A log is read on from where the last look ended, and a long one in portions, so that no look takes long
however much has happened.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from pointsman.app.live_rollout import plan_of
from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.verdict import VerdictName, verdict_name
from pointsman.report.dashboard import CheckNow, MigrationNow, PhaseNow
from pointsman.rollout.check import Rung
from pointsman.rollout.chronicle import Chronicle, Chronicler, Point
from pointsman.rollout.history import Logged
from pointsman.rollout.plan import Plan
from pointsman.rollout.state import State, weight_of
from pointsman.rollout.witness import Tally
from pointsman.store.migrations import Migration, Migrations

__all__ = ["MigrationWatch"]

_LATELY_S = 86_400.0
"""How long a migration that is over is still shown."""
_PORTION, _LOOK_S = 250, 0.3
_ENDED = ("rolled_back", "aborted", "closed")


class _Check(msgspec.Struct):
    role: Literal["guardrail", "signal"]
    verdict: VerdictName
    reason: str
    rung: Rung
    log_e: float | None
    log_threshold: float | None
    estimate: dict[str, float | int | str | None]


class _Shown(msgspec.Struct):
    """What the controller says now and then (`LiveRollout.document`), as far as it is drawn."""

    at_s: float
    since_begin_s: float
    in_phase_s: float
    says: str
    tally: Tally
    spent_usd: float
    checks: dict[str, _Check]


class MigrationWatch:
    """One process's look at the store. Not for two threads at once."""

    def __init__(self, path: Path, wall_s: Callable[[], float] = time.time) -> None:
        """Raises `StorageError`."""
        self._store = Migrations(path)
        self._wall_s = wall_s
        self._readers: dict[str, _Reader] = {}

    def look(self, *, stories: bool = True) -> dict[str, MigrationNow]:
        """By route, the newest migration, if it is under way or ended lately. Raises `StorageError`.

        Without `stories` the logs are left alone, which is enough for whoever wants numbers.
        """
        now_s = self._wall_s()
        newest = {m.route: m for m in self._store.all()}
        found: dict[str, MigrationNow] = {}
        for route, migration in newest.items():
            raw = self._store.shown(migration.id)
            shown = None if raw is None else msgspec.json.decode(raw, type=_Shown)
            heard_s = migration.begun_s if shown is None else shown.at_s
            if migration.status not in _ENDED or now_s - heard_s < _LATELY_S:
                found[route] = self._now(migration, shown, now_s, stories=stories)
        kept = {m.migration for m in found.values()}
        self._readers = {id_: reader for id_, reader in self._readers.items() if id_ in kept}
        return found

    def close(self) -> None:
        """Release the file."""
        self._store.close()

    def _now(self, migration: Migration, shown: _Shown | None, now_s: float, *, stories: bool) -> MigrationNow:
        plan, state = plan_of(migration), msgspec.json.decode(migration.state, type=State)
        story, unread = self._story(migration, plan) if stories else (None, False)
        checks = () if shown is None else tuple(_check(n, c) for n, c in shown.checks.items())
        if story is not None:
            checks = checks or _told(story)
            story = story if shown is None or unread else _up_to_now(story, checks, shown, over=migration.status in _ENDED)
        tally = shown.tally if shown is not None else story.tally if story is not None else Tally()
        spent_usd = shown.spent_usd if shown is not None else story.spent_usd if story is not None else 0.0
        return MigrationNow(
            migration=migration.id,
            baseline=migration.baseline,
            candidate=migration.candidate,
            status=state.status,
            phase=state.phase,
            phases=tuple(PhaseNow(kind=p.kind, weight=p.weight, least_s=p.least_s) for p in plan.phases),
            weight=weight_of(plan, state),
            in_phase_s=max(0.0, now_s - migration.begun_s - state.entered_s),
            tally=tally,
            spent_usd=spent_usd,
            paused=state.paused,
            held=state.held,
            asked=state.asked,
            says="" if shown is None else shown.says,
            checks=checks,
            story=story,
            unread=unread,
            silent_s=None if shown is None else max(0.0, now_s - shown.at_s),
        )

    def _story(self, migration: Migration, plan: Plan) -> tuple[Chronicle | None, bool]:
        reader = self._readers.setdefault(migration.id, _Reader(migration, plan))
        unread = reader.read(self._store)
        return reader.story, unread


class _Reader:
    """One log, read on with every look."""

    def __init__(self, migration: Migration, plan: Plan) -> None:
        self._id, self._begun_s = migration.id, migration.begun_s
        self._chronicler = Chronicler(plan)
        self._last = 0
        self.story: Chronicle | None = None

    def read(self, store: Migrations) -> bool:
        """Read on for a moment; whether there is still more."""
        end_s = time.monotonic() + _LOOK_S
        before, more = self._last, True
        while more and time.monotonic() < end_s:
            events = store.events(self._id, self._last, _PORTION)
            for event in events:
                self._chronicler.take(event.at_s - self._begun_s, Logged(event.kind, event.data, event.rows))
                self._last = event.number
            more = len(events) == _PORTION
        if self._last != before:
            self.story = self._chronicler.story()
        return more


def _up_to_now(story: Chronicle, checks: Sequence[CheckNow], shown: _Shown, *, over: bool) -> Chronicle:
    """The story with what the controller knows beyond the log's last entry."""
    lasted_s = story.lasted_s if over else max(story.lasted_s, shown.since_begin_s)
    share = {c.name: c.share for c in checks if c.share is not None}
    points = story.points if over else (*story.points, Point(at_s=lasted_s, share=share))
    return msgspec.structs.replace(story, lasted_s=lasted_s, points=points)


def _check(name: str, check: _Check) -> CheckNow:
    return CheckNow(
        name=name,
        role=check.role,
        measured=_measured(check.estimate),
        verdict=check.verdict,
        reason=check.reason,
        rung=check.rung,
        share=_share(check.log_e, check.log_threshold, check.rung),
    )


def _told(story: Chronicle) -> tuple[CheckNow, ...]:
    return tuple(
        CheckNow(
            name=name,
            role="guardrail" if name in story.plan.guardrails else "signal",
            measured=judged.estimate,
            verdict=verdict_name(judged.verdict),
            reason=judged.verdict.reason,
            rung=judged.rung,
            share=_share(judged.log_e, judged.log_threshold, judged.rung),
        )
        for name, judged in story.judgements.items()
    )


def _share(log_e: float | None, log_threshold: float | None, rung: Rung) -> float | None:
    """Infinite evidence is written as null; only its rung then tells which way."""
    if log_e is None or not math.isfinite(log_e):
        return 1.0 if rung == "rollback" else None
    return log_e / log_threshold if log_threshold else None


def _measured(said: dict[str, float | int | str | None]) -> Measured:
    """`measured_json`, read back."""
    if "unknown" in said:
        return Unknown(str(said["unknown"]))
    low, high = said.get("low"), said.get("high")
    return Estimate(
        value=_number(said["value"]),
        low=-math.inf if low is None else _number(low),
        high=math.inf if high is None else _number(high),
        n=int(_number(said["n"])),
        method=str(said["method"]),
        level=_number(said["level"]),
    )


def _number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
