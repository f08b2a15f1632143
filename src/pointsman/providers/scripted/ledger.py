"""The server's own exact count of what it was asked, what it sent, and what that costs.

Its billing rule is a provider's: an error response costs nothing; an answer costs its whole input
and the output that was sent, also if the stream was cut or the client left. A client that leaves
before the first token pays the input. Hidden thoughts are billed once the first token is out.
Dollars are computed from the summed counts, so they are exact.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from pointsman.core.units import ZERO_USD, Usd, add_usd, per_million, usd_text
from pointsman.providers.local_provider import LocalPrice

__all__ = ["Ended", "Entry", "Ledger", "cost_usd"]

Ended = Literal["ok", "error", "cut", "client_gone"]
"""`ok`: the whole answer was sent. `error`: an error response, or an error in the stream. `cut`: the
server ended the answer early. `client_gone`: the client left first."""


class Entry(msgspec.Struct, kw_only=True):
    """How one request ended."""

    number: int
    at_s: float
    protocol: str
    model: str
    key: str | None
    request_hash: str
    stream: bool
    ended: Ended = "ok"
    why: str | None = None
    """Fault or failure class, if there was one."""
    status: int = 200
    input_tokens: int = 0
    cache_read_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    bytes_sent: int = 0
    headers: list[tuple[bytes, bytes]] = []
    """As they came; `log_report` leaves out those that carry keys."""


_SUMMED = ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens", "bytes_sent")
_RowKey = tuple[str, str | None, Ended, str | None]


class Ledger:
    """Sums per (model, key, ending, why), and the last requests one by one."""

    def __init__(self, keep: int = 1000) -> None:
        self._rows: dict[_RowKey, list[int]] = {}
        self.log: deque[Entry] = deque(maxlen=keep)
        self.in_flight = 0

    def add(self, entry: Entry) -> None:
        """Book one finished request."""
        row = self._rows.setdefault((entry.model, entry.key, entry.ended, entry.why), [0] * (1 + len(_SUMMED)))
        row[0] += 1
        row[1] += entry.input_tokens
        row[2] += entry.cache_read_tokens
        row[3] += entry.output_tokens
        row[4] += entry.reasoning_tokens
        row[5] += entry.bytes_sent
        self.log.append(entry)

    def clear(self) -> None:
        """Forget everything but the requests still in flight."""
        self._rows.clear()
        self.log.clear()

    def log_report(self) -> list[dict[str, Any]]:
        """The last requests, oldest first, without headers that carry keys."""
        return [{**msgspec.structs.asdict(e), "headers": _without_keys(e.headers)} for e in self.log]

    def report(self, price_of: Callable[[str], LocalPrice | None]) -> dict[str, Any]:
        """Everything as JSON: the rows, and their sums in all, per model, per key and per ending.

        `usd` is None where a model without a price took part.
        """
        rows = [_as_row(key, row, price_of(key[0])) for key, row in self._rows.items()]
        return {
            "in_flight": self.in_flight,
            **_sum(rows),
            "models": _by(rows, "model"),
            "keys": _by(rows, "key"),
            "ended": _by(rows, "ended"),
            "rows": [{**r, "usd": _text(r["usd"])} for r in rows],
        }


def cost_usd(price: LocalPrice, input_tokens: int, cache_read_tokens: int, output_tokens: int, reasoning_tokens: int) -> Usd:
    """Exact dollars; `input_tokens` are those not read from a cache."""
    cached_rate = price.cache_read_usd_per_million
    return add_usd(
        per_million(price.input_usd_per_million, input_tokens),
        per_million(price.input_usd_per_million if cached_rate is None else cached_rate, cache_read_tokens),
        per_million(price.output_usd_per_million, output_tokens + reasoning_tokens),
    )


_SECRET = frozenset({b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key", b"cookie", b"proxy-authorization"})


def _without_keys(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {k.decode("latin-1"): v.decode("latin-1") for k, v in headers if k not in _SECRET}


def _as_row(key: _RowKey, row: list[int], price: LocalPrice | None) -> dict[str, Any]:
    model, api_key, ended, why = key
    counts = dict(zip(("requests", *_SUMMED), row, strict=True))
    free = not any(row[1:5])
    cost = ZERO_USD if free else None if price is None else cost_usd(price, *row[1:5])
    return {"model": model, "key": api_key, "ended": ended, "why": why, **counts, "usd": cost}


def _by(rows: list[dict[str, Any]], field: str) -> dict[str, dict[str, Any]]:
    names = dict.fromkeys(r[field] for r in rows)
    return {"(none)" if n is None else n: _sum(r for r in rows if r[field] == n) for n in names}


def _sum(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    rows = list(rows)
    costs = [r["usd"] for r in rows]
    total = None if None in costs else add_usd(*costs)
    return {**{f: sum(r[f] for r in rows) for f in ("requests", *_SUMMED)}, "usd": _text(total)}


def _text(amount: Usd | None) -> str | None:
    return None if amount is None else usd_text(amount)
