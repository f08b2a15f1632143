"""Our ledger and the scripted provider's, put side by side attempt by attempt.

They are joined by what was asked: the gateway's row by the hash of the client's body, the provider's entry by
the marker in the text it was asked. A row's n-th attempt of a variant is its marker's n-th entry of that model.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from pointsman.core.ids import hash_bytes
from pointsman.core.usage import Usage
from pointsman.providers.scripted.answer_book import last_user_text
from pointsman.providers.scripted.director import Director
from pointsman.providers.scripted.ledger import Entry
from pointsman.providers.scripted.running import in_thread
from pointsman.providers.scripted.script_file import scripts_of
from pointsman.providers.scripted.server import ScriptedServer
from support.mixed_load import Sent

_COUNTS = tuple(f for f in Usage.__struct_fields__ if f.endswith("_tokens"))


class Watched(ScriptedServer):
    """A scripted provider that keeps every entry, and which text it belongs to."""

    def __init__(self, scripts: Mapping[str, Any], seed: int) -> None:
        super().__init__(Director(scripts_of(dict(scripts)), seed=seed))
        self.ledger.log = deque()
        self.markers: dict[int, str] = {}

    async def _serve(self, visit: Any) -> None:
        self.markers[visit.entry.number] = last_user_text(visit.question.request).partition(":")[0] + ":"
        await super()._serve(visit)

    def entries(self) -> dict[str, list[Entry]]:
        """By marker, in the order they came; under "" those whose client left before the question was read."""
        found: dict[str, list[Entry]] = {}
        for entry in sorted(self.ledger.log, key=lambda e: e.number):
            found.setdefault(self.markers.get(entry.number, ""), []).append(entry)
        return found


@contextlib.contextmanager
def watched(scripts: Mapping[str, Any], seed: int = 0):  # type: ignore[no-untyped-def]  # a fixture's generator
    app = Watched(scripts, seed)
    with in_thread(app) as base_url:
        yield app, base_url


class Tried(msgspec.Struct, frozen=True):
    """One attempt as our ledger has it."""

    variant: str | None
    failure: str | None
    usage: Usage | None


class Row(msgspec.Struct, frozen=True):
    """One request as our ledger has it."""

    decision: str
    status: int
    variant: str | None
    snapshot: str
    usd: Decimal | None
    tried: tuple[Tried, ...]


def rows(path: Path) -> dict[str, list[Row]]:
    """Our ledger, by the hash of the request's body."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        db.row_factory = sqlite3.Row
        names = dict(db.execute("select id, text from names").fetchall())
        attempts: dict[str, list[sqlite3.Row]] = {}
        for attempt in db.execute("select * from attempts order by decision, number"):
            attempts.setdefault(attempt["decision"], []).append(attempt)
        found: dict[str, list[Row]] = {}
        for row in db.execute("select * from requests order by at_s"):
            tried = [_tried(a, names) for a in attempts.get(row["decision"], [])]
            if tried:
                tried[-1] = msgspec.structs.replace(tried[-1], usage=_usage(row))
            usd = None if row["usd"] is None else Decimal(row["usd"])
            one = Row(row["decision"], row["status"], names.get(row["variant"]), names[row["snapshot"]], usd, tuple(tried))
            found.setdefault(row["request_hash"], []).append(one)
    return found


def _tried(attempt: sqlite3.Row, names: Mapping[int, str]) -> Tried:
    usage = None if attempt["usage"] is None else msgspec.json.decode(attempt["usage"], type=Usage)
    return Tried(names.get(attempt["variant"]), names.get(attempt["failure"]), usage)


def _usage(row: sqlite3.Row) -> Usage | None:
    if row["usage_estimated"] is None:
        return None
    return Usage(**{c: row[c] for c in _COUNTS}, source="estimated" if row["usage_estimated"] else "provider")


Price = Mapping[str, str]


def of_usage(price: Price, usage: Usage) -> Decimal:
    """What a usage costs, worked out apart from the product's own arithmetic."""
    read, cached = usage.input_tokens or 0, usage.cache_read_tokens or 0
    return _dollars(price, read, cached, (usage.output_tokens or 0) + (usage.reasoning_tokens or 0))


def of_entry(price: Price, entry: Entry) -> Decimal:
    """What the provider bills for an entry."""
    return _dollars(price, entry.input_tokens, entry.cache_read_tokens, entry.output_tokens + entry.reasoning_tokens)


def _dollars(price: Price, read: int, cached: int, written: int) -> Decimal:
    millionths = Decimal(price["input"]) * read + Decimal(price["cache_read"]) * cached + Decimal(price["output"]) * written
    return millionths / 1_000_000


class Result(msgspec.Struct):
    """What the comparison found; every figure is exact."""

    requests: int = 0
    attempts: int = 0
    exact: int = 0
    """Attempts whose usage is the provider's word; each equals the provider's entry in every count."""
    estimated: int = 0
    """Attempts whose answer broke off or never came."""
    free: int = 0
    """Attempts that neither side bills."""
    unseen: int = 0
    """Attempts that the provider did not see: the client left, or time ran out, before they were read."""
    ledger_usd: Decimal = Decimal(0)
    provider_usd: Decimal = Decimal(0)
    exact_usd: Decimal = Decimal(0)
    estimated_usd: Decimal = Decimal(0)
    estimated_billed_usd: Decimal = Decimal(0)
    """What the provider bills for the attempts that we could only estimate."""
    statuses: Counter[int] = msgspec.field(default_factory=Counter)
    endings: Counter[str] = msgspec.field(default_factory=Counter)


def reconcile(
    sent: Iterable[Sent],
    ledger: Mapping[str, list[Row]],
    provider: Watched,
    prices: Mapping[str, Price],
    model_of: Mapping[str, str],
) -> Result:
    """Compare everything; raises AssertionError where a request has no row, or a count differs that must not.

    `prices` by variant, `model_of` the model a variant asks for.
    """
    entries, result = provider.entries(), Result()
    for one in sent:
        found = ledger.get(hash_bytes(one.body), [])
        assert len(found) == 1, f"{one.marker} has {len(found)} rows"
        row = found[0]
        assert one.decision in (None, row.decision)
        assert one.status in (None, row.status) or row.status == 499, (one, row)
        result.requests += 1
        result.statuses[row.status] += 1
        _attempts(one, row, entries.pop(one.marker, []), prices, model_of, result)
    unread = entries.pop("", [])
    assert all(e.ended == "client_gone" and not e.input_tokens for e in unread)
    assert entries == {}, "the provider was asked what nobody asked us"
    result.endings = Counter(e.why or e.ended for e in provider.ledger.log)
    return result


def _attempts(
    one: Sent, row: Row, entries: list[Entry], prices: Mapping[str, Price], model_of: Mapping[str, str], result: Result
) -> None:
    tried = [t for t in row.tried if t.variant is not None]
    left = {model: [e for e in entries if e.model == model] for model in model_of.values()}
    worth = Decimal(0)
    for t in tried:
        assert t.variant is not None
        result.attempts += 1
        price, theirs = prices[t.variant], left[model_of[t.variant]]
        noted = of_usage(price, t.usage) if t.usage is not None else Decimal(0)
        worth += noted
        if not theirs:  # only our own clock or a client that left can have stopped a call before the provider saw it
            assert t.failure == "timeout" or (row.status == 499 and t is tried[-1]), (one, row)
            assert t.usage is None or t.usage.source == "estimated"
            result.unseen += 1
        entry = theirs.pop(0) if theirs else None
        billed = of_entry(price, entry) if entry is not None else Decimal(0)
        result.provider_usd += billed
        if t.usage is None:
            assert billed == 0, (one, row, entry)
            result.free += 1
        elif t.usage.source == "provider":
            assert entry is not None
            _same(t.usage, entry)
            result.exact += 1
            result.exact_usd += noted
        else:
            result.estimated += 1
            result.estimated_usd += noted
            result.estimated_billed_usd += billed
    assert not any(left.values()), (one, row, left)
    assert (row.usd or Decimal(0)) == worth, (one, row)
    result.ledger_usd += row.usd or Decimal(0)


def _same(usage: Usage, entry: Entry) -> None:
    ours = tuple(c or 0 for c in (usage.input_tokens, usage.cache_read_tokens, usage.output_tokens, usage.reasoning_tokens))
    theirs = (entry.input_tokens, entry.cache_read_tokens, entry.output_tokens, entry.reasoning_tokens)
    assert ours == theirs, (usage, entry)
