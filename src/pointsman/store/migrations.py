"""Migrations and all that happened in them, in one SQLite file that gateways and the command line share.

What happened is only ever appended, and each event carries the hash of the one before it, so a changed or
missing event shows. Whoever decides holds the lease: its token rises with every holder, and an event is
refused if its writer's token is no longer the newest, so a process that was taken for dead cannot write
when it wakes up.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from pointsman.core.failure import PointsmanError, StorageError

__all__ = ["Asked", "Entry", "Event", "LeaseLost", "Migration", "Migrations", "broken_at"]

_VERSION = 1
_SCHEMA = """
create table migrations (
    id text primary key, route text not null, baseline text not null, candidate text not null, plan blob not null,
    salt text not null, begun_s real not null, slots int not null,
    status text not null, weight real not null, state blob not null
) without rowid;
create table events (
    migration text not null, number int not null, at_s real not null, kind text not null, token int not null,
    data blob not null, rows blob, previous text not null, hash text not null, primary key (migration, number)
) without rowid;
create trigger events_stay before update on events begin select raise(abort, 'events are not changed'); end;
create trigger events_remain before delete on events begin select raise(abort, 'events are not deleted'); end;
create table commands (
    id integer primary key, migration text not null, command text not null, actor text not null, reason text not null,
    at_s real not null, answer text
);
create table lease (one int primary key check (one = 1), holder text not null, token int not null, expires_s real not null);
create table statuses (migration text primary key, document blob not null) without rowid;
"""
_ENDED = ("rolled_back", "aborted", "closed")


class LeaseLost(StorageError):  # noqa: N818  # named for what happened
    """Another process decides now; nothing was written."""


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One migration as it stands. `plan` and `state` are JSON that their owners read."""

    id: str
    route: str
    baseline: str
    candidate: str
    plan: bytes
    salt: str
    begun_s: float
    """Unix seconds; all other times of a rollout count from here."""
    slots: int
    """Size of its memory of conversations."""
    status: str
    weight: float
    state: bytes


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened."""

    migration: str
    number: int
    at_s: float
    kind: str
    token: int
    data: bytes
    rows: bytes | None
    """What was seen, where that is what happened."""
    previous: str
    hash: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An event to be."""

    kind: str
    data: bytes
    rows: bytes | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A person's command that waits."""

    id: int
    command: str
    actor: str
    reason: str


class Migrations:
    """Any process may read, start and ask; only the holder of the lease records. Raises `StorageError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._refusals():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            path.chmod(0o600)
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = normal")
            self._open()

    def start(self, migration: Migration, entry: Entry) -> None:
        """Write down a migration and its first event. Raises `PointsmanError` if its route is migrating already."""
        with self._refusals(), self._transaction():
            other = self._db.execute(
                f"select id from migrations where route = ? and status not in {_ENDED}",  # noqa: S608  # our own words
                (migration.route,),
            ).fetchone()
            if other is not None:
                hint = "end it first: `pointsman migrate abort`, `rollback` or `close`"
                raise PointsmanError(f"route {migration.route!r} is migrating already ({other[0]})", hint=hint)
            row = msgspec.structs.astuple(migration)
            self._db.execute(f"insert into migrations values ({', '.join('?' * len(row))})", row)  # noqa: S608  # marks only
            self._append(migration.id, 0, migration.begun_s, [entry])

    def all(self) -> list[Migration]:
        """Every migration, oldest first."""
        with self._refusals():
            return [Migration(**_named(_MIGRATION, row)) for row in self._db.execute(_ALL_MIGRATIONS)]

    def in_force(self) -> list[Migration]:
        """The newest of each route, if it says something about whom to ask: all but those that went back."""
        newest = {m.route: m for m in self.all()}
        return [m for m in newest.values() if m.status not in ("rolled_back", "aborted")]

    def events(self, migration: str, after: int = 0, most: int = -1) -> list[Event]:
        """What happened, in order, from the number after `after`; at most so many, unless that is negative."""
        with self._refusals():
            rows = self._db.execute(_EVENTS, (migration, after, most))
            return [Event(**_named(_EVENT, row)) for row in rows]

    def ask(self, migration: str, command: str, actor: str, reason: str, at_s: float) -> int:
        """Leave a command for whoever decides; returns its number."""
        with self._refusals(), self._transaction():
            row = (migration, command, actor, reason, at_s)
            given = "insert into commands (migration, command, actor, reason, at_s) values (?, ?, ?, ?, ?)"
            number = self._db.execute(given, row).lastrowid
            assert number is not None
            return number

    def asked(self, migration: str) -> list[Asked]:
        """Commands that wait, oldest first."""
        waiting = "select id, command, actor, reason from commands where migration = ? and answer is null order by id"
        with self._refusals():
            rows = self._db.execute(waiting, (migration,))
            return [Asked(id=i, command=c, actor=a, reason=r) for i, c, a, r in rows]

    def answer(self, asked: int) -> str | None:
        """What became of a command; None while it waits."""
        with self._refusals():
            row = self._db.execute("select answer from commands where id = ?", (asked,)).fetchone()
        return None if row is None else row[0]

    def lease(self, holder: str, now_s: float, lasts_s: float, *, over: str | None = None) -> int | None:
        """The lease's token: the same one if `holder` has it, a new one if nobody or `over` does; None if somebody else does."""
        with self._refusals(), self._transaction():
            row = self._db.execute("select holder, token, expires_s from lease").fetchone()
            if row is not None and row[0] == holder and row[2] > now_s:
                token: int = row[1]
            elif row is None or row[2] <= now_s or row[0] in (holder, over):
                token = 1 if row is None else row[1] + 1
            else:
                return None
            self._db.execute("insert or replace into lease values (1, ?, ?, ?)", (holder, token, now_s + lasts_s))
            return token

    def holder(self) -> tuple[str, float] | None:
        """Who decides, and until when (Unix seconds)."""
        with self._refusals():
            row = self._db.execute("select holder, expires_s from lease").fetchone()
        return None if row is None else (row[0], row[1])

    def release(self, token: int) -> None:
        """Let the lease go, so that the next one need not wait."""
        with self._refusals(), self._transaction():
            self._db.execute("update lease set expires_s = 0 where token = ?", (token,))

    def record(
        self,
        token: int,
        migration: str,
        at_s: float,
        entries: Sequence[Entry],
        *,
        status: str | None = None,
        weight: float = 0.0,
        state: bytes = b"",
        answered: tuple[int, str] | None = None,
    ) -> int:
        """Append events, and with a `status` what the migration has come to: all of it or nothing. Returns the last number.

        Raises `LeaseLost` if `token` is not the newest.
        """
        with self._refusals(), self._transaction():
            newest = self._db.execute("select token from lease").fetchone()
            if newest is None or newest[0] != token:
                raise LeaseLost(f"{self.path}: another gateway decides over this migration now")
            number = self._append(migration, token, at_s, entries)
            if status is not None:
                changed = "update migrations set status = ?, weight = ?, state = ? where id = ?"
                self._db.execute(changed, (status, weight, state, migration))
            if answered is not None:
                self._db.execute("update commands set answer = ? where id = ?", (answered[1], answered[0]))
            return number

    def show(self, migration: str, document: bytes) -> None:
        """Put down how things are, for those who watch; it is no part of the log."""
        with self._refusals():
            self._db.execute("insert or replace into statuses values (?, ?)", (migration, document))

    def shown(self, migration: str) -> bytes | None:
        """The last thing put down."""
        with self._refusals():
            row = self._db.execute("select document from statuses where migration = ?", (migration,)).fetchone()
        return None if row is None else row[0]

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _append(self, migration: str, token: int, at_s: float, entries: Sequence[Entry]) -> int:
        last = "select number, hash from events where migration = ? order by number desc limit 1"
        number, previous = self._db.execute(last, (migration,)).fetchone() or (0, "")
        for entry in entries:
            number += 1
            event = Event(
                migration=migration,
                number=number,
                at_s=at_s,
                kind=entry.kind,
                token=token,
                data=entry.data,
                rows=entry.rows,
                previous=previous,
                hash="",
            )
            previous = _hash(event)
            row = msgspec.structs.astuple(msgspec.structs.replace(event, hash=previous))
            self._db.execute(f"insert into events values ({', '.join('?' * len(row))})", row)  # noqa: S608  # marks only
        return int(number)

    def _open(self) -> None:
        with self._transaction():
            version = self._db.execute("pragma user_version").fetchone()[0]
            if version == 0:
                for statement in _SCHEMA.split(";\n"):
                    self._db.execute(statement)
                self._db.execute(f"pragma user_version = {_VERSION}")
        if version not in (0, _VERSION):
            raise StorageError(f"{self.path}: written by another version (format {version})", hint="use that version")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # SQLite ends a transaction by itself when the disk is full
                self._db.execute("rollback")
            raise
        self._db.execute("commit")

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"{self.path}: {error}", hint="see that the disk has room and the folder can be written"
            ) from error


def broken_at(events: Sequence[Event]) -> int | None:
    """Number of the first event that was changed or does not follow the one before it; None if the chain is whole."""
    previous = ""
    for expected, event in enumerate(events, 1):
        if event.number != expected or event.previous != previous or event.hash != _hash(event):
            return event.number
        previous = event.hash
    return None


def _hash(event: Event) -> str:
    """SHA-256 of everything an event says, and of what it was preceded by."""
    rows = None if event.rows is None else sha256(event.rows).hexdigest()
    said: list[Any] = [event.migration, event.number, event.at_s, event.kind, event.token, event.data.decode(), rows]
    return sha256(msgspec.json.encode([*said, event.previous])).hexdigest()


def _named(names: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(names, row, strict=True))


_MIGRATION = Migration.__struct_fields__
_EVENT = Event.__struct_fields__
_ALL_MIGRATIONS = f"select {', '.join(_MIGRATION)} from migrations order by begun_s, id"  # noqa: S608  # our own names
_EVENTS = f"select {', '.join(_EVENT)} from events where migration = ? and number > ? order by number limit ?"  # noqa: S608  # our own names
