"""Records of requests, as a gateway would leave them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pointsman.core.exchange import Attempt, Cost, Exchange
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.served import Served
from pointsman.core.usage import Usage

AT_S = 1_790_000_000.0


def failure(kind: str = "transient", **more: Any) -> Failure:
    return Failure(kind=FailureClass(kind), message=more.pop("message", "no"), **more)


def attempt(variant: str = "main", **more: Any) -> Attempt:
    return Attempt(**{"started_s": AT_S + 0.001, "duration_s": 0.25, "variant": variant, **more})


def served(number: int = 1, **more: Any) -> Served:
    """A good answer of `main` on route `r`, which cost 0.00125 dollars; `more` changes the record or, by name, the exchange."""
    exchange = {
        "variant": "hash",
        "request": "hash",
        "attempts": (attempt(),),
        "served_model": "m-2026",
        "finish": "stop",
        "usage": Usage(input_tokens=200, output_tokens=100),
        "cost": Cost(usd=Decimal("0.00125"), source="test"),
    }
    exchange |= {name: more.pop(name) for name in tuple(more) if name in exchange and name != "variant"}
    usual: dict[str, Any] = {
        "decision": f"run{number:07x}",
        "at_s": AT_S,
        "protocol": "openai_chat",
        "route": "r",
        "variant": "main",
        "tenant": "acme",
        "status": 200,
        "released": True,
        "total_s": 0.26,
        "first_byte_s": 0.252,
        "overhead_s": 0.0004,
        "exchange": Exchange(**exchange),
    }
    return Served(**{**usual, **more})
