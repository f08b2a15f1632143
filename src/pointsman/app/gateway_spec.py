"""What `pointsman.yaml` says of serving: routes, the gateway itself, and what it keeps."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from pointsman.core.bodies import SensitiveKind

__all__ = ["AdminSpec", "BodiesSpec", "GatewaySpec", "OtelSpec", "RouteSpec", "StoreSpec", "TenantSpec"]

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class RouteSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A name clients call as if it were a model. Give `variant`, or a `policy` that chooses among several."""

    variant: str | None = None
    """The one variant that answers."""
    policy: dict[str, dict[str, Any]] | None = None
    """`{weighted: {weights: {old: 95, new: 5}}}`: a policy's name, and its options."""
    fallbacks: tuple[str, ...] = ()
    """Variants to ask, in this order, if the chosen one fails before its first byte."""
    sticky: Literal["conversation", "user", "key", "none"] = "conversation"
    """What keeps its variant: a conversation (header `x-pointsman-conversation`, or how it begins), an end user
    (header `x-pointsman-user`, or the request's own field), a tenant, or nothing."""
    salt: str | None = None
    """Splits the same units differently from other routes; the route's name if not given."""
    on_loss: Literal["refuse", "report"] = "report"
    """What the provider's protocol cannot express: refuse the request with 400, or name it in `x-pointsman-lost`."""
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 1
    """Further tries of one variant."""
    max_retry_after_s: Seconds = 20
    """Longest wait a provider may ask for before a retry; with another variant left to ask, 2 seconds at most."""


class TenantSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who may ask."""

    keys: tuple[str, ...]
    """`sha256:…` each (`pointsman serve --new-key` makes one). The key itself is never stored."""
    routes: tuple[str, ...] | None = None
    """Routes it may call; all if not given."""


class AdminSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The listener for people who run the gateway: metrics, health, configuration. Without a key it is not opened."""

    key: str | None = None
    """`sha256:…`, or `${NAME}` of a variable that holds the key."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Port = 8081
    """0 takes a free one."""


class OtelSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Spans and `gen_ai.*` metrics for an OpenTelemetry collector, by OTLP over HTTP. Needs `pip install 'pointsman[otel]'`.

    Without it, the standard's `OTEL_EXPORTER_OTLP_ENDPOINT` alone switches it on.
    """

    endpoint: str | None = None
    """The collector's base address, such as `http://localhost:4318`; as `OTEL_EXPORTER_OTLP_ENDPOINT` says if not given."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """Sent to the collector, such as `authorization: ${OTEL_KEY}`."""
    service_name: str | None = None
    """How the service is called; `pointsman`, or what `OTEL_SERVICE_NAME` says, if not given."""
    sample: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    """Share of requests that become spans, where the client did not decide by its `traceparent`. Metrics count all."""
    metrics_every_s: Seconds = 60
    """How often metrics are sent."""


class GatewaySpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The gateway itself."""

    host: str = "127.0.0.1"
    """Address to listen on. Anything but this machine's own needs tenants."""
    port: Port = 8080
    """0 takes a free one."""
    workers: Annotated[int, msgspec.Meta(ge=1, le=512)] | None = None
    """Processes; one per core if not given."""
    tenants: dict[str, TenantSpec] = msgspec.field(default_factory=dict)
    """By name. None at all: whoever reaches the gateway may ask."""
    admin: AdminSpec = AdminSpec()
    """The administrators' listener."""
    max_body_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 32 * 1024 * 1024
    """Largest request accepted."""
    max_header_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 64 * 1024
    """Largest head of a request (its address and headers) accepted."""
    max_connections: Annotated[int, msgspec.Meta(ge=1)] = 10_000
    """Clients' connections one worker holds at a time; more are answered with 503."""
    header_timeout_s: Seconds = 30
    """Longest time a request's head may take to arrive."""
    keep_alive_s: Seconds = 75
    """Longest time a connection may stay open between two requests."""
    body_timeout_s: Seconds = 60
    """Longest time a request's body may take to arrive."""
    write_timeout_s: Seconds = 60
    """Longest time a client may leave a piece of its answer unread before it is cut off."""
    drain_s: Seconds = 30
    """How long requests under way may go on after a stop."""
    ring: Annotated[int, msgspec.Meta(ge=100)] = 20_000
    """Records a worker holds while they cannot be written; more are dropped, and counted."""
    otel: OtelSpec | None = None
    """Where traces go; nowhere if not given."""
    access_log: str | None = None
    """A file for one JSON line per request, or `-` for stderr; no log if not given."""


class BodiesSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A sample of what requests and answers say, redacted before it reaches the disk. `{}` takes every default."""

    sample: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.01
    """Share of requests whose bodies are kept; the decision's id decides, so more of them include those of fewer."""
    routes: tuple[str, ...] | None = None
    """Routes it holds for; all if not given."""
    redact: tuple[SensitiveKind, ...] = ("key", "email", "iban", "card", "phone")
    """What is replaced by its kind: keys, tokens and passwords; addresses; account numbers whose checksum holds; card numbers
    that pass Luhn's test; telephone numbers."""
    patterns: tuple[str, ...] = ()
    """Regular expressions (Python's) for more, replaced by `‹pattern›`. What could match for ever is refused."""
    max_bytes: Annotated[int, msgspec.Meta(ge=256)] = 65_536
    """Longest body kept, after redaction; what goes on is cut, and marked."""
    retention_days: Annotated[float, msgspec.Meta(gt=0)] = 7
    """Older ones are deleted and overwritten."""
    file: str = ".pointsman/bodies.sqlite"
    """SQLite file that only its owner may read, relative to `pointsman.yaml`."""


class StoreSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is kept, and how long."""

    ledger: str | None = ".pointsman/ledger.sqlite"
    """SQLite file of requests and their cost, relative to `pointsman.yaml`; null keeps none."""
    retention_days: Annotated[float, msgspec.Meta(gt=0)] | None = 90
    """Older requests are deleted; null keeps all."""
    bodies: BodiesSpec | None = None
    """Keeps a sample of prompts and answers too; none if not given."""
