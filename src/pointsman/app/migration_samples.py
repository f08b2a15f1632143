"""How migrations stand, as samples for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from pointsman.report.dashboard import MigrationNow
from pointsman.rollout.state import Status
from pointsman.telemetry.metrics import Samples

__all__ = ["migration_samples"]


def migration_samples(migrations: Mapping[str, MigrationNow]) -> Samples:
    """By metric and labels. A status has a sample for each thing it could be, so that a change leaves no stale one behind."""
    found: Samples = {}
    for route, now in migrations.items():
        where = (now.migration, route)
        for name, labels, value in _of_one(now):
            found.setdefault(f"pointsman_migration_{name}", {})[(*where, *labels)] = value
    return found


def _of_one(now: MigrationNow) -> Iterator[tuple[str, tuple[str, ...], float]]:
    yield "info", (now.baseline, now.candidate), 1
    for status in get_args(Status):
        yield "status", (status,), int(status == now.status)
    for reason, on in (("paused", now.paused), ("held", now.held), ("approval", now.asked)):
        yield "waiting", (reason,), int(on and not now.over)
    yield "phase", (), now.phase
    yield "candidate_ratio", (), now.weight
    for check in now.checks:
        if check.share is not None:
            yield "evidence_ratio", (check.name,), check.share
    yield "candidate_units", (), now.tally.candidate_units
    yield "candidate_requests", (), now.tally.candidate_requests
    yield "shadow_pairs", (), now.tally.pairs
    yield "spent_usd", (), now.spent_usd
    if now.silent_s is not None and not now.over:
        yield "silent_seconds", (), now.silent_s
