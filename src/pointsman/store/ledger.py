"""Requests and what they cost, in one SQLite file that one process writes and anybody may read.

Names repeat in every request, so they are kept once and referred to by number; money is decimal text,
exact. Nothing anybody wrote is kept: no prompt, no answer, no error message that might quote one.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from pointsman.core.exchange import Attempt
from pointsman.core.failure import PointsmanError, StorageError
from pointsman.core.served import Served
from pointsman.core.units import Usd, add_usd, usd_text
from pointsman.core.usage import Usage

__all__ = ["Ledger", "LedgerSums", "UnfitRecordError"]

_VERSION = 2
_WITHOUT_VARIANTS = 1
_COUNTS = tuple(f for f in Usage.__struct_fields__ if f.endswith("_tokens"))
_SCHEMA = f"""
create table names (id integer primary key, text text not null unique);
create table requests (
    decision text primary key, at_s real not null,
    tenant int, protocol int, route int, variant int, variant_hash int, served_model int, reason int, snapshot int,
    finish int, price_source int, price_checked_on int,
    propensity real, unit text, fell_back int not null, status int not null, stream int not null, released int not null,
    total_s real not null, first_byte_s real, overhead_s real, request_bytes int not null, reply_bytes int not null,
    losses text, request_hash text, {" int, ".join(_COUNTS)} int, usage_estimated int, usd text, usd_complete int
) without rowid;
create index requests_at on requests (at_s);
create table attempts (
    decision text not null, number int not null, started_s real not null, duration_s real not null, timed int not null,
    ttft_s real, failure int, status int, phase int, code int, api_key int, request_id text, backoff_s real not null,
    usage text, variant int, primary key (decision, number)
) without rowid;
"""


class UnfitRecordError(PointsmanError):
    """A record holds something no column takes, such as a count beyond 64 bits. Trying again does not help."""


class LedgerSums(msgspec.Struct, frozen=True, kw_only=True):
    """What a stretch of the ledger adds up to."""

    requests: int
    attempts: int
    usd: Usd
    """Of the requests whose cost is known."""
    without_cost: int
    """Requests that used something whose price nobody knows."""
    estimated: int
    """Requests whose usage is our estimate and not the provider's word."""
    tokens: dict[str, int]
    """Sums by field of `Usage`, those of tries that broke off and were followed by another included."""


class Ledger:
    """The writing end. Raises `StorageError` if the disk or the file refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: dict[str, int] = {}
        with self._refusals():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise

    def append(self, served: Iterable[Served]) -> None:
        """Write records in one transaction: all or none. One that is there already is left as it is.

        Raises `UnfitRecordError` if the fault lies with a record and not with the disk.
        """
        with self._refusals(), self._transaction():
            for one in served:
                self._db.execute(_INSERT_REQUEST, self._request_row(one))
                rows = [self._attempt_row(one.decision, n, a) for n, a in enumerate(one.exchange.attempts, 1)]
                self._db.executemany(_INSERT_ATTEMPT, rows)

    def prune(self, before_s: float, most: int = -1) -> int:
        """Delete requests that arrived before this time (Unix seconds), and what belongs to them; returns how many.

        `most` at once, the oldest first; all of them if it is negative.
        """
        old = "select decision from requests where at_s < ? order by at_s limit ?"
        with self._refusals(), self._transaction():
            self._db.execute(f"delete from attempts where decision in ({old})", (before_s, most))  # noqa: S608  # our own words
            return self._db.execute(f"delete from requests where decision in ({old})", (before_s, most)).rowcount  # noqa: S608  # our own words

    def sums(self, since_s: float = 0.0) -> LedgerSums:
        """Exact sums of what arrived since then; of nothing, zeros."""
        with self._refusals():
            counts = ", ".join(f"coalesce(sum({c}), 0)" for c in _COUNTS)
            row = self._db.execute(f"select {_ALL_COUNTS}, {counts} from requests where at_s >= ?", (since_s,)).fetchone()  # noqa: S608  # our own column names
            money = self._db.execute(
                "select usd, count(*) from requests where at_s >= ? and usd is not null group by usd", (since_s,)
            )
            total = add_usd(*(Decimal(text) * count for text, count in money))
            attempts = self._db.execute(
                "select count(*) from attempts join requests using (decision) where at_s >= ?", (since_s,)
            ).fetchone()[0]
            broken = self._db.execute(
                "select attempts.usage from attempts join requests using (decision)"
                " where at_s >= ? and attempts.usage is not null",
                (since_s,),
            )
            tokens = dict(zip(_COUNTS, row[3:], strict=True))
            for (text,) in broken:
                for field, count in msgspec.json.decode(text).items():
                    if field in tokens:
                        tokens[field] += count or 0
        return LedgerSums(
            requests=row[0],
            without_cost=row[1],
            estimated=row[2],
            tokens=tokens,
            usd=total,
            attempts=attempts,
        )

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _open(self) -> None:
        version, tables = self._found()  # before anything is changed in a file that may not be ours
        if (version == 0 and tables) or version not in (0, _WITHOUT_VARIANTS, _VERSION):
            whose = f"a later version of pointsman (its format is {version})" if version > _VERSION else "something else"
            raise StorageError(
                f"{self.path}: written by {whose}; nothing was changed in it",
                hint="name another file as store.ledger, or run the version that wrote it",
            )
        self.path.chmod(0o600)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        if version == 0:
            with self._transaction():
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"pragma user_version = {_VERSION}")
        elif version == _WITHOUT_VARIANTS:
            with self._transaction():
                self._db.execute("alter table attempts add column variant int")
                self._db.execute(f"pragma user_version = {_VERSION}")
        self._names = dict(self._db.execute("select text, id from names"))

    def _found(self) -> tuple[int, int]:
        """Format and number of tables of the file as it is."""
        try:
            version: int = self._db.execute("pragma user_version").fetchone()[0]
            tables: int = self._db.execute("select count(*) from sqlite_master").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise StorageError(f"{self.path}: is no SQLite file", hint="name another file as store.ledger") from None
            raise
        return version, tables

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        known = dict(self._names)
        try:
            yield
        except BaseException:
            self._names = known
            with contextlib.suppress(sqlite3.Error):  # SQLite ends a transaction by itself when the disk is full
                self._db.execute("rollback")
            raise
        self._db.execute("commit")

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeEncodeError) as error:
            raise UnfitRecordError(f"{self.path}: a record cannot be kept: {error}") from error
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"{self.path}: {error}", hint="see that the disk has room and the folder can be written"
            ) from error

    def _name(self, text: str | None) -> int | None:
        if text is None:
            return None
        found = self._names.get(text)
        if found is None:
            found = self._db.execute("insert into names (text) values (?)", (text,)).lastrowid
            assert found is not None
            self._names[text] = found
        return found

    def _request_row(self, one: Served) -> tuple[Any, ...]:
        name, exchange = self._name, one.exchange
        usage, cost = exchange.usage, exchange.cost
        counts = [None] * len(_COUNTS) if usage is None else [getattr(usage, c) for c in _COUNTS]
        return (
            one.decision, one.at_s,
            name(one.tenant), name(one.protocol), name(one.route), name(one.variant), name(exchange.variant),
            name(exchange.served_model), name(one.reason), name(one.snapshot), name(exchange.finish),
            name(cost.source if cost else None), name(cost.checked_on if cost else None),
            one.propensity, one.unit, one.fell_back, one.status, one.stream, one.released,
            one.total_s, one.first_byte_s, one.overhead_s, one.request_bytes, one.reply_bytes,
            ", ".join(one.losses) or None, exchange.request, *counts,
            None if usage is None else usage.source == "estimated",
            None if cost is None else usd_text(cost.usd), None if cost is None else cost.complete,
        )  # fmt: skip

    def _attempt_row(self, decision: str, number: int, attempt: Attempt) -> tuple[Any, ...]:
        name, failure = self._name, attempt.failure
        usage = None if attempt.usage is None else msgspec.json.encode(attempt.usage).decode()
        return (
            decision, number, attempt.started_s, attempt.duration_s, attempt.timed, attempt.ttft_s,
            name(failure.kind if failure else None), failure.status if failure else None,
            name(failure.phase if failure else None), name(failure.code if failure else None),
            name(attempt.key), attempt.request_id, attempt.backoff_s, usage, name(attempt.variant),
        )  # fmt: skip


_ALL_COUNTS = "count(*), coalesce(sum(usd is null and usage_estimated is not null), 0), coalesce(sum(usage_estimated), 0)"
# Not `insert or ignore`: that would pass over a record that lacks something as if it were there already.
_INSERT_REQUEST = f"insert into requests values ({', '.join('?' * (26 + len(_COUNTS) + 3))}) on conflict (decision) do nothing"  # noqa: S608  # marks only
_INSERT_ATTEMPT = f"insert into attempts values ({', '.join('?' * 15)}) on conflict (decision, number) do nothing"  # noqa: S608  # marks only
