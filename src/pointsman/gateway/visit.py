"""One request on its way through: what is known of it so far, and the record it leaves."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping

import msgspec

from pointsman.core.chat import ChatReply, ChatRequest, FinishReason, Loss
from pointsman.core.clock import Clock
from pointsman.core.exchange import Attempt, Cost, Exchange
from pointsman.core.failure import Failure, ProviderError
from pointsman.core.ids import hash_bytes
from pointsman.core.served import CLIENT_GONE, Served
from pointsman.core.units import add_usd, usd_text
from pointsman.core.usage import Usage
from pointsman.gateway.client import Client, Headers
from pointsman.gateway.endpoints import Asked, Endpoint
from pointsman.gateway.snapshot import Route, Snapshot, Target, Tenant
from pointsman.providers.dialect import Dialect
from pointsman.providers.estimated_usage import estimated_usage, estimated_usage_of_cut_reply
from pointsman.providers.keys import KeyChoice
from pointsman.routing.decision import Decision
from pointsman.telemetry.trace_context import read_traceparent

__all__ = ["Visit"]

_PASSED_ON = frozenset(
    {"x-request-id", "request-id", "retry-after", "retry-after-ms", "openai-processing-ms", "openai-version", "x-should-retry"}
)
_MOST_TRACEPARENT = 200
_NOT_IN_A_HEADER = re.compile(rb"[\x00-\x1f\x7f]")
_PASSED_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")


class Visit:
    """Mutable, and private to the task that serves it."""

    __slots__ = (
        "_request",
        "asked",
        "at_s",
        "attempts",
        "body",
        "client",
        "clock",
        "cost",
        "decision",
        "dialect",
        "endpoint",
        "fell_back",
        "finish",
        "first_byte_s",
        "headers",
        "id",
        "keeps",
        "key",
        "losses",
        "overhead_s",
        "path",
        "refused",
        "reply",
        "route",
        "sent_s",
        "served_model",
        "snapshot",
        "started_s",
        "target",
        "tenant",
        "unit",
        "unpriced",
        "usage",
        "waited_s",
    )

    def __init__(self, id: str, client: Client, endpoint: Endpoint, dialect: Dialect, snapshot: Snapshot, clock: Clock) -> None:  # noqa: A002  # it is what it is
        self.id = id
        self.client = client
        self.endpoint = endpoint
        self.dialect = dialect
        self.snapshot = snapshot
        self.clock = clock
        self.started_s = clock.monotonic_s()
        self.at_s = clock.wall_s()
        self.path = ""
        self.headers: Mapping[bytes, bytes] = {}
        self.body = b""
        self.asked = Asked(model="")
        self.tenant: Tenant | None = None
        self.route: Route | None = None
        self.decision: Decision | None = None
        self.unit: str | None = None
        self.target: Target | None = None
        self.key: KeyChoice | None = None
        """The provider's key of the attempt under way: it must stand in nothing that is said."""
        self.fell_back = False
        self.attempts: list[Attempt] = []
        self.losses: tuple[str, ...] = ()
        self.usage: Usage | None = None
        self.cost: Cost | None = None
        self.unpriced = False
        """Whether an attempt used something of a variant without a price, so that `cost` is not the whole."""
        self.finish: FinishReason | None = None
        self.served_model: str | None = None
        self.first_byte_s: float | None = None
        self.overhead_s: float | None = None
        self.waited_s = 0.0
        """Time spent waiting for providers, up to the first byte."""
        self.sent_s: float | None = None
        """When the attempt under way was sent; None once something came back."""
        self.refused: Failure | None = None
        """How it ended before any provider was asked."""
        self.keeps = False
        """Whether somebody wants the whole answer afterwards."""
        self.reply: ChatReply | None = None
        """The answer, as far as it was read; of a stream that passed through, all of it only where `keeps` asks for it."""
        self._request: ChatRequest | None = None

    @property
    def released(self) -> bool:
        """Whether anything of an answer has been sent."""
        return self.client.status != 0

    @property
    def traceparent(self) -> str | None:
        """The client's, if it is a valid one."""
        given = self.headers.get(b"traceparent")
        if given is None:
            return None
        text = given.decode("latin-1")
        return text if len(text) < _MOST_TRACEPARENT and read_traceparent(text) is not None else None

    def request(self) -> ChatRequest:
        """The request in our form, read on first need. Raises `ProviderError` (client fault) naming the bad field."""
        if self._request is None:
            self._request = self.dialect.read_request(self.body, self.path)
        return self._request

    def arrived(self) -> None:
        """Something came back from the provider: from here on the time is ours."""
        if self.sent_s is not None:
            self.waited_s += self.clock.monotonic_s() - self.sent_s
            self.sent_s = None

    def answered(self, reply: ChatReply, *, cut: bool = False) -> None:
        """Note what a reply, whole or as far as it came, says of model, finish and usage; estimate what it does not say."""
        self.served_model = reply.model
        self.reply = reply
        if reply.choices:
            self.finish = reply.choices[0].finish
        self.used(self._usage_of(reply, cut=cut))

    def lost(self, losses: Iterable[Loss]) -> None:
        """Note what of the answer this client does not get to see; of a stream it is known only at its end."""
        self.losses = tuple(dict.fromkeys((*self.losses, *(loss.field for loss in losses))))

    def _usage_of(self, reply: ChatReply, *, cut: bool) -> Usage | None:
        if reply.usage is not None and not cut:
            return reply.usage
        if cut and reply.usage is None and not reply.choices:
            return None
        try:
            estimate = estimated_usage_of_cut_reply if cut else estimated_usage
            return estimate(self.request(), reply)
        except ProviderError:  # the provider understood a request that we cannot read, so its input cannot be estimated
            return reply.usage

    def unanswered(self) -> None:
        """The provider has the request and nothing of an answer came: it may bill what it read, and we can only estimate that."""
        with contextlib.suppress(ProviderError):  # passed through unread, and we cannot read it
            self.used(estimated_usage(self.request(), ChatReply(choices=())))

    def used(self, usage: Usage | None) -> None:
        """Note the usage of the attempt under way, and what it costs beside what earlier attempts cost."""
        self.usage = usage
        target = self.target
        if usage is None or target is None:
            return
        before = self.cost
        if target.meter is None:
            self.unpriced = True
            if before is not None:
                self.cost = msgspec.structs.replace(before, complete=False)
            return
        cost = target.meter.cost(usage, self.at_s)
        if self.unpriced:
            cost = msgspec.structs.replace(cost, complete=False)
        if before is not None:
            cost = Cost(
                usd=add_usd(before.usd, cost.usd),
                source=cost.source,
                checked_on=cost.checked_on,
                complete=cost.complete and before.complete,
            )
        self.cost = cost

    def reply_headers(self, content_type: bytes, upstream: Mapping[str, str] | None = None) -> Headers:
        """Headers of the answer. Called when its first byte is about to leave: the overhead is taken here."""
        now_s = self.clock.monotonic_s()
        self.first_byte_s = now_s - self.started_s
        self.overhead_s = overhead_s = max(0.0, self.first_byte_s - self.waited_s)
        decision = self.id.encode()
        headers: Headers = [
            (b"content-type", content_type),
            (b"x-pointsman-decision", decision),
            (b"x-pointsman-overhead-ms", b"%.3f" % (overhead_s * 1000)),
        ]
        if self.target is not None:
            headers.append((b"x-pointsman-variant", self.target.header))
        if self.cost is not None and self.usage is not None:
            headers.append((b"x-pointsman-cost-usd", usd_text(self.cost.usd).encode()))
        if self.losses:
            headers.append((b"x-pointsman-lost", _header_text(", ".join(self.losses))))
        named = False
        if upstream is not None:
            for given, value in upstream.items():
                name = given.lower()
                if name in _PASSED_ON or name.startswith(_PASSED_PREFIXES):
                    named = named or name.endswith("request-id")
                    headers.append((name.encode("latin-1"), _passed_text(value)))
        if not named:
            headers.append((b"request-id" if self.dialect.name == "anthropic_messages" else b"x-request-id", decision))
        return headers

    def record(self) -> Served:
        """What is remembered of it. Call it once, when it is over."""
        client, target = self.client, self.target
        attempts = tuple(self.attempts)
        if self.refused is not None and not attempts:
            attempts = (Attempt(started_s=self.at_s, duration_s=0.0, timed=False, failure=self.refused),)
        return Served(
            decision=self.id,
            at_s=self.at_s,
            tenant=self.tenant.name if self.tenant is not None else None,
            protocol="openai_embeddings" if self.endpoint.kind == "embeddings" else self.dialect.name,
            route=self.route.name if self.route is not None else None,
            variant=target.name if target is not None else None,
            chosen=self.decision.variant if self.decision is not None and self.fell_back else None,
            reason=self.decision.reason if self.decision is not None else None,
            propensity=self.decision.propensity if self.decision is not None else None,
            unit=self.unit,
            fell_back=self.fell_back,
            status=CLIENT_GONE if client.gone else client.status,
            stream=self.asked.stream,
            released=client.bytes_sent > 0,
            total_s=self.clock.monotonic_s() - self.started_s,
            first_byte_s=self.first_byte_s,
            overhead_s=self.overhead_s,
            request_bytes=len(self.body),
            reply_bytes=client.bytes_sent,
            losses=self.losses,
            traceparent=self.traceparent,
            snapshot=self.snapshot.id,
            exchange=Exchange(
                variant=target.variant_hash if target is not None else "",
                request=hash_bytes(self.body),
                attempts=attempts,
                served_model=self.served_model,
                finish=self.finish,
                usage=self.usage,
                cost=self.cost,
            ),
        )


def _passed_text(value: str) -> bytes:
    """A provider's header value, in which its server may have let through what ours refuses to send."""
    encoded = value.encode("latin-1", "replace")
    return encoded if value.isprintable() else _NOT_IN_A_HEADER.sub(b" ", encoded)


def _header_text(text: str) -> bytes:
    return _NOT_IN_A_HEADER.sub(b" ", text[:2000].encode("ascii", "replace"))
