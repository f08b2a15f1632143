"""What the gateway serves at a moment: one frozen object, compiled from the configuration and swapped as a whole.

Everything that can be known before a request comes is worked out here: addresses, headers with their
keys, chains of fallbacks, policies. A request keeps the snapshot it began with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from pointsman.core.chat import ChatRequest, user_says
from pointsman.core.variant import Variant
from pointsman.cost.meter import Meter
from pointsman.providers.authorization import authorized
from pointsman.providers.dialect import Dialect, HttpRequest
from pointsman.providers.endpoint import Endpoint
from pointsman.providers.keys import KeyChoice, KeyRing
from pointsman.providers.provider import Provider
from pointsman.providers.retry import RetryPolicy
from pointsman.providers.transport import Timeouts, Transport
from pointsman.providers.variant_request import VariantRequest
from pointsman.routing.fallback import Stop
from pointsman.routing.health import Breaker
from pointsman.routing.policy import Policy

__all__ = ["Kind", "Limits", "Mirror", "OnLoss", "Route", "Snapshot", "Sticky", "Target", "Tenant"]

Kind = Literal["whole", "stream", "embeddings", "count"]
OnLoss = Literal["refuse", "report"]
Sticky = Literal["conversation", "user", "key", "none"]
_MOST_ADDRESSES = 64


class Target:
    """One variant, ready to be asked. Keys and breaker are shared with the snapshots before and after."""

    def __init__(
        self,
        name: str,
        variant: Variant,
        endpoint: Endpoint,
        dialect: Dialect,
        transport: Transport,
        *,
        keys: KeyRing | None,
        timeouts: Timeouts,
        meter: Meter | None,
        breaker: Breaker,
        cancels: bool = True,
        context_tokens: int | None = None,
        traced: bool = False,
    ) -> None:
        """`cancels`: whether a call whose client left is broken off; `traced`: whether it carries a `traceparent`.

        Raises `ConfigError` for a wrong parameter.
        """
        self.name = name
        self.variant = variant
        self.header = name.encode()
        self.variant_hash = variant.hash
        self.model = variant.model
        self.endpoint = endpoint
        self.dialect = dialect
        self.transport = transport
        self.keys = keys
        self.timeouts = timeouts
        self.meter = meter
        self.breaker = breaker
        self.cancels = cancels
        self.context_tokens = context_tokens
        self.traced = traced
        self.prepare = VariantRequest(variant)
        quirks = endpoint.quirks
        bends = (
            quirks.max_tokens_field is not None
            or quirks.developer_role is False
            or quirks.json_schema is False
            or quirks.parallel_tool_calls is False
        )
        self.plain = not (variant.params or variant.system is not None or variant.adapter is not None or bends)
        """Whether a request in this target's protocol may go out as it came, but for the model's name."""
        self._addresses: dict[tuple[Kind, int], tuple[str, dict[str, str]]] = {}

    def address(self, kind: Kind, key: KeyChoice | None) -> tuple[str, dict[str, str]]:
        """Where to and with which headers, key included; worked out once. The headers are shared: copy before changing."""
        slot = (kind, key.number if key is not None else 0)
        found = self._addresses.get(slot)
        if found is None:
            if len(self._addresses) >= _MOST_ADDRESSES:
                self._addresses.clear()
            found = self._addresses[slot] = self._address(kind, key)
        return found

    def _address(self, kind: Kind, key: KeyChoice | None) -> tuple[str, dict[str, str]]:
        probe = ChatRequest(model=self.model, messages=(user_says("?"),), stream=kind == "stream")
        wire = self.dialect.write_request(probe)
        path = wire.path
        if kind == "embeddings":
            path = "/embeddings"
        elif kind == "count":
            path = path.replace(":generateContent", ":countTokens") if ":" in path else f"{path}/count_tokens"
        wire = HttpRequest(path=path, body=b"", headers=wire.headers)
        return authorized(self.endpoint, self.dialect, wire, probe, key.secret if key is not None else None)


class Mirror(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked as well, and for how many requests."""

    migration: str
    variant: str
    provider: Provider
    meter: Meter | None
    share: float
    """Of the requests, from 0 to 1."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A name clients call as if it were a model."""

    name: str
    policy: Policy
    uses_draw: bool
    uses_conversation: bool = False
    mirror: Mirror | None = None
    chains: Mapping[str, tuple[Target, ...]]
    """For each variant the policy can choose: it, then who is asked if it fails."""
    stops: Mapping[str, tuple[Stop, ...]]
    """The same chains, as far as choosing the next one needs them."""
    sticky: Sticky = "conversation"
    salt: str = ""
    on_loss: OnLoss = "report"
    patient: RetryPolicy = RetryPolicy()
    """Retries of the last of a chain."""
    hasty: RetryPolicy = RetryPolicy()
    """Retries while there is somebody else to ask."""


class Tenant(msgspec.Struct, frozen=True):
    """Who may ask. Known by the hashes of its keys alone."""

    name: str
    routes: frozenset[str] | None = None
    """Routes it may call; None: all."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may take of us."""

    max_body_bytes: int = 32 * 1024 * 1024
    body_s: float = 60.0
    """Longest time a request's body may take to arrive."""
    write_s: float = 60.0
    """Longest time a client may leave a piece of its answer unread."""
    max_header_bytes: int = 64 * 1024
    header_s: float = 30.0
    """Longest time a request's head may take to arrive, from a connection's beginning or the head's first byte."""
    keep_alive_s: float = 75.0
    """Longest time a connection may stay open between two requests."""
    max_connections: int = 10_000


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of it."""

    id: str
    """Hash of the configuration, secrets left out."""
    routes: Mapping[str, Route]
    tenants: Mapping[bytes, Tenant] | None
    """By SHA-256 of the key; None: nobody needs a key."""
    limits: Limits = Limits()
    trace_ratio: float = 1.0
    """Share of the traces that begin here and are marked as sampled."""

    @property
    def targets(self) -> dict[str, Target]:
        """Every target by its variant's name."""
        return {t.name: t for route in self.routes.values() for chain in route.chains.values() for t in chain}
