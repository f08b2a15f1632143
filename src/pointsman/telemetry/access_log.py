"""One JSON line per request, for people and their log collectors. It holds no key and nothing anybody wrote."""

from __future__ import annotations

import msgspec

from pointsman.core.served import Served
from pointsman.core.units import usd_text

__all__ = ["access_line"]

_ENCODER = msgspec.json.Encoder()


def access_line(served: Served) -> bytes:
    """The line, with its end. Times are seconds; `failure` is the class of what went wrong last."""
    exchange = served.exchange
    usage, failure = exchange.usage, exchange.failure
    line = {
        "at_s": round(served.at_s, 6),
        "decision": served.decision,
        "tenant": served.tenant,
        "protocol": served.protocol,
        "route": served.route,
        "variant": served.variant,
        "status": served.status,
        "stream": served.stream,
        "failure": failure.kind if failure is not None else None,
        "attempts": len(exchange.attempts),
        "fell_back": served.fell_back,
        "total_s": round(served.total_s, 6),
        "first_byte_s": None if served.first_byte_s is None else round(served.first_byte_s, 6),
        "overhead_s": None if served.overhead_s is None else round(served.overhead_s, 6),
        "input_tokens": usage.total_input_tokens if usage is not None else None,
        "output_tokens": usage.total_output_tokens if usage is not None else None,
        "usd": usd_text(exchange.cost.usd) if exchange.cost is not None else None,
        "losses": served.losses,
    }
    return _ENCODER.encode(line) + b"\n"
