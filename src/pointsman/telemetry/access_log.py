"""One JSON line per request, for people and their log collectors. It holds no key and nothing anybody wrote."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from pointsman.core.served import Served
from pointsman.core.units import usd_text

__all__ = ["FIELDS", "access_line"]

_ENCODER = msgspec.json.Encoder()


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _trace_id(traceparent: str | None) -> str | None:
    return None if traceparent is None else traceparent.split("-")[1]


def _failure(served: Served) -> str | None:
    failure = served.exchange.failure
    return None if failure is None else failure.kind


def _tokens(served: Served, direction: str) -> int | None:
    usage = served.exchange.usage
    if usage is None:
        return None
    return usage.total_input_tokens if direction == "input" else usage.total_output_tokens


def _usage_source(served: Served) -> str | None:
    usage = served.exchange.usage
    return None if usage is None else usage.source


def _usd(served: Served) -> str | None:
    cost = served.exchange.cost
    return None if cost is None else usd_text(cost.usd)


FIELDS: dict[str, tuple[str, Callable[[Served], object]]] = {
    "at_s": ("When the request arrived, in Unix seconds.", lambda s: round(s.at_s, 6)),
    "decision": ("Its id, as in `x-pointsman-decision`.", lambda s: s.decision),
    "trace": ("Id of the client's trace, if it sent a `traceparent`.", lambda s: _trace_id(s.traceparent)),
    "tenant": ("Who asked.", lambda s: s.tenant),
    "protocol": ("What the client spoke.", lambda s: s.protocol),
    "route": ("The model it asked for; null if there is none of that name.", lambda s: s.route),
    "variant": ("Who answered, or failed last.", lambda s: s.variant),
    "status": ("HTTP status; 499 if the client left first.", lambda s: s.status),
    "stream": ("Whether the client asked for a stream.", lambda s: s.stream),
    "finish": ("Why the model stopped.", lambda s: s.exchange.finish),
    "failure": ("Class of what went wrong last; also of a stream that broke off after status 200.", _failure),
    "attempts": ("Calls to providers.", lambda s: sum(a.variant is not None for a in s.exchange.attempts)),
    "fell_back": ("Whether another variant than the chosen one answered.", lambda s: s.fell_back),
    "total_s": ("From arrival to the last byte.", lambda s: round(s.total_s, 6)),
    "first_byte_s": ("From arrival to the first byte.", lambda s: _rounded(s.first_byte_s)),
    "overhead_s": ("The part of that not spent waiting for providers.", lambda s: _rounded(s.overhead_s)),
    "input_tokens": ("Tokens read, cached ones included.", lambda s: _tokens(s, "input")),
    "output_tokens": ("Tokens written, reasoning included.", lambda s: _tokens(s, "output")),
    "usage": ("`provider`, or `estimated` where the provider did not say.", _usage_source),
    "usd": ("Cost, exactly, as text; null if no price is known.", _usd),
    "losses": ("Fields the provider's protocol could not say.", lambda s: s.losses),
    "snapshot": ("Hash of the configuration that served it.", lambda s: s.snapshot),
}
"""Name, meaning and value of each field, in the line's order. What is not known is null."""


def access_line(served: Served) -> bytes:
    """The line, with its end."""
    return _ENCODER.encode({name: value(served) for name, (_, value) in FIELDS.items()}) + b"\n"
