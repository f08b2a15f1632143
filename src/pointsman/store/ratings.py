"""Feedback in the ledger's file, one row per rated request: a later word takes the place of an earlier one."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from pointsman.core.failure import StorageError
from pointsman.core.feedback import Feedback, Rated

__all__ = ["Ratings"]

_TABLE = """
create table if not exists feedback (
    decision text primary key, at_s real not null, score real not null, labels text not null
) without rowid
"""
_REQUEST = """
select t.text, r.text, v.text, requests.unit, requests.propensity, requests.fell_back from requests
left join names t on t.id = requests.tenant
left join names r on r.id = requests.route
left join names v on v.id = requests.variant
where decision = ?
"""


class Ratings:
    """The writing end, beside the ledger's own. Raises `StorageError`."""

    def __init__(self, path: Path) -> None:
        """The ledger must have been opened before."""
        self.path = path
        with self._refusals():
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            self._db.execute(_TABLE)

    def put(self, feedback: Feedback) -> Rated | Literal["unknown", "foreign"]:
        """Keep it, and tell what it is about.

        `unknown`: no such request is in the ledger, or not yet; `foreign`: it is another tenant's. Neither is kept.
        """
        with self._refusals():
            row = self._db.execute(_REQUEST, (feedback.decision,)).fetchone()
            if row is None:
                return "unknown"
            tenant, route, variant, unit, propensity, fell_back = row
            if tenant != feedback.tenant:
                return "foreign"
            labels = msgspec.json.encode(feedback.labels).decode()
            kept = (feedback.decision, feedback.at_s, feedback.score, labels)
            self._db.execute("insert or replace into feedback values (?, ?, ?, ?)", kept)
        return Rated(
            at_s=feedback.at_s,
            score=feedback.score,
            route=route,
            variant=variant,
            unit=unit,
            propensity=propensity,
            fell_back=bool(fell_back),
        )

    def prune(self) -> None:
        """Drop what is about requests that are no longer kept."""
        with self._refusals():
            self._db.execute("delete from feedback where decision not in (select decision from requests)")

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
            raise StorageError(f"{self.path}: {error}", hint="see that the disk has room") from error
