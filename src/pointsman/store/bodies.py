"""What a sample of requests and answers said, redacted before it gets here: one SQLite file that only its owner may read.

It is apart from the ledger, so that it can be kept for a shorter time, handed on or deleted by itself. What is
deleted is overwritten, and the file shrinks.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from pointsman.core.failure import StorageError

__all__ = ["BodyFile", "KeptBodies", "read_bodies"]

_VERSION = 1
_OURS = 0x504D_4244
"""SQLite's `application_id` of such a file: "PMBD"."""
_TABLE = """
create table bodies (
    decision text primary key, at_s real not null, route text not null, variant text, tenant text,
    request text not null, answer text, cut int not null
) without rowid
"""
_COLUMNS = "decision, at_s, route, variant, tenant, request, answer, cut"


class KeptBodies(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    decision: str
    """Id of the request: the ledger's `requests.decision`, the reply's `x-pointsman-decision`."""
    at_s: float
    """When it arrived, Unix seconds."""
    route: str
    variant: str | None
    """None: nobody was asked."""
    tenant: str | None
    request: str
    """As the client sent it, redacted."""
    answer: str | None
    """`{"choices": […]}` in the same form for every protocol, redacted; None: the client got none, or no text."""
    cut: bool
    """Whether either went on."""


class BodyFile:
    """The writing end. Raises `StorageError` if the disk or the file refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._refusals():
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # before SQLite makes it readable for others
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise

    def append(self, rows: Iterable[KeptBodies]) -> None:
        """Write rows in one transaction: all or none. One that is there already is left as it is."""
        with self._refusals():
            self._db.execute("begin immediate")
            try:
                self._db.executemany(
                    "insert into bodies values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (decision) do nothing",
                    (msgspec.structs.astuple(row) for row in rows),
                )
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # SQLite ends a transaction by itself when the disk is full
                    self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def prune(self, before_s: float, most: int = -1) -> int:
        """Delete what arrived before this time (Unix seconds), and give its room back; returns how many rows.

        `most` at once, the oldest first; all of them if it is negative.
        """
        old = "select decision from bodies where at_s < ? order by at_s limit ?"
        with self._refusals():
            gone = self._db.execute(f"delete from bodies where decision in ({old})", (before_s, most)).rowcount  # noqa: S608  # our own words
            if gone:
                self._db.executescript("pragma incremental_vacuum")  # `execute` gives back one page and stops
                self._db.execute("pragma wal_checkpoint(truncate)").fetchall()  # the log holds what was written, too
        return gone

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _open(self) -> None:
        version, owner, tables = self._found()  # before anything is changed in a file that may not be ours
        if tables and (owner, version) != (_OURS, _VERSION):
            whose = f"a later version of pointsman (its format is {version})" if owner == _OURS else "something else"
            raise StorageError(
                f"{self.path}: written by {whose}; nothing was changed in it",
                hint="name another file as store.bodies.file, or run the version that wrote it",
            )
        self.path.chmod(0o600)
        if not tables:
            self._db.execute("pragma auto_vacuum = incremental")
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.execute("pragma secure_delete = on")
        if not tables:
            self._db.execute("begin immediate")
            self._db.execute(_TABLE)
            self._db.execute("create index bodies_at on bodies (at_s)")
            self._db.execute(f"pragma application_id = {_OURS}")
            self._db.execute(f"pragma user_version = {_VERSION}")
            self._db.execute("commit")

    def _found(self) -> tuple[int, int, int]:
        """Format, owner and number of tables of the file as it is."""
        try:
            return _one(self._db, "pragma user_version"), _one(self._db, "pragma application_id"), _one(self._db, _COUNT_TABLES)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise StorageError(f"{self.path}: is no SQLite file", hint="name another file as store.bodies.file") from None
            raise

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        with _refusals(self.path):
            yield


def read_bodies(path: Path, *, since_s: float = 0.0, route: str | None = None) -> Iterator[KeptBodies]:
    """What is kept, oldest first, while a gateway may be writing. Raises `StorageError`."""
    with _refusals(path), contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as db:
        query = f"select {_COLUMNS} from bodies where at_s >= ? and ? in (route, '') order by at_s, decision"  # noqa: S608  # our own column names
        for row in db.execute(query, (since_s, route or "")):
            fields = dict(zip(KeptBodies.__struct_fields__, row, strict=True))
            yield KeptBodies(**{**fields, "cut": bool(fields["cut"])})


_COUNT_TABLES = "select count(*) from sqlite_master"


def _one(db: sqlite3.Connection, query: str) -> int:
    found: int = db.execute(query).fetchone()[0]
    return found


@contextlib.contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"{path}: {error}", hint="see that the disk has room and the folder can be written") from error
