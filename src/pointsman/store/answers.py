"""Answers kept across runs, by the hash of what was asked of whom."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pointsman.core.clock import Clock
from pointsman.core.failure import StorageError

__all__ = ["AnswerCache"]

_SCHEMA = "CREATE TABLE IF NOT EXISTS answer (key TEXT PRIMARY KEY, stored_s REAL NOT NULL, body BLOB NOT NULL) WITHOUT ROWID"
_GET = "SELECT body FROM answer WHERE key = ? AND stored_s >= ?"
_PUT = "INSERT OR REPLACE INTO answer (key, stored_s, body) VALUES (?, ?, ?)"
_FORGET = "DELETE FROM answer WHERE stored_s < ?"


class AnswerCache:
    """One SQLite file. Answers older than `max_age_s` are never given and are deleted on opening.

    Raises `StorageError` if the file cannot be made or written.
    """

    def __init__(self, path: Path, max_age_s: float, clock: Clock) -> None:
        self._clock = clock
        self._max_age_s = max_age_s
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(_SCHEMA)
            self._db.execute(_FORGET, (clock.wall_s() - max_age_s,))
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{path}: {error}", hint="choose another folder under `cache: {dir: …}`") from error
        self._path = path

    def get(self, key: str) -> bytes | None:
        """The answer stored under `key`, or None if there is none young enough."""
        row = self._db.execute(_GET, (key, self._clock.wall_s() - self._max_age_s)).fetchone()
        return None if row is None else bytes(row[0])

    def put(self, key: str, body: bytes) -> None:
        """Keep an answer; a newer one replaces it."""
        try:
            self._db.execute(_PUT, (key, self._clock.wall_s(), body))
        except sqlite3.Error as error:
            raise StorageError(f"{self._path}: {error}", hint="free some space, or drop `cache:` from eval.yaml") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()
