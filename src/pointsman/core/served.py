"""One request as the gateway served it: the Exchange, and what the gateway itself knew and did."""

from __future__ import annotations

import msgspec

from pointsman.core.exchange import Exchange

__all__ = ["CLIENT_GONE", "Served"]

CLIENT_GONE = 499
"""Status noted where the client left before it had its answer; nobody ever receives it."""


class Served(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is remembered of one request. It holds no text of anybody, no key and no address."""

    decision: str
    """Id of the request, the one the reply's `x-pointsman-decision` carries."""
    at_s: float
    """When it arrived, Unix seconds."""
    tenant: str | None = None
    protocol: str
    """What the client spoke: a dialect's name, or `openai_embeddings`."""
    route: str | None = None
    """None: the request never got as far as one."""
    variant: str | None = None
    """Name of the variant that gave the answer, or failed last."""
    chosen: str | None = None
    """Name of the variant the policy chose; None: the one that gave the answer, or there was no choice yet."""
    reason: str | None = None
    """Why the policy chose as it did."""
    propensity: float | None = None
    """Chance the first chosen variant had before the draw."""
    unit: str | None = None
    """Hash of the sticky unit; None if there was none or nobody needed it."""
    fell_back: bool = False
    """Whether the answer came from another variant than the chosen one."""
    status: int = 200
    """What the client was told; `CLIENT_GONE` if it left, and 200 for a stream that broke off later."""
    stream: bool = False
    released: bool = False
    """Whether any byte of the answer went to the client: after that no other provider can be asked."""
    total_s: float = 0.0
    """From the request's arrival to the last byte of the answer."""
    first_byte_s: float | None = None
    """To the first byte of the answer."""
    overhead_s: float | None = None
    """What of the time to the first byte was not spent waiting for providers."""
    request_bytes: int = 0
    reply_bytes: int = 0
    losses: tuple[str, ...] = ()
    """Fields of the request the provider's protocol could not say, by name."""
    traceparent: str | None = None
    """The client's `traceparent`, if it sent a valid one: its trace goes on in ours."""
    snapshot: str | None = None
    """Hash of the configuration that served it."""
    exchange: Exchange
