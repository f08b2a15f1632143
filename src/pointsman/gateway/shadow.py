"""Mirroring: a sample of the baseline's requests is asked of a candidate as well, after the client has its answer.

Nothing here is waited for. The queue is bounded and drops; the candidate has keys of its own rotation, so
that its refusals rest no key of the primary's; its tool calls are looked at and go nowhere. A request that
could do something at the provider (hosted tools, stored conversations) is not mirrored at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable

import msgspec

from pointsman.core.chat import ChatReply, ChatRequest
from pointsman.core.clock import SYSTEM_CLOCK, Clock
from pointsman.core.exchange import Exchange
from pointsman.core.failure import FailureClass, ProviderError
from pointsman.core.served import Served
from pointsman.core.shadow_pair import Compared, ShadowPair
from pointsman.gateway.snapshot import Mirror
from pointsman.gateway.visit import Visit
from pointsman.providers.provider import Answer, Call
from pointsman.telemetry.ring import Ring

__all__ = ["Compare", "Shadow", "has_effects"]

Compare = Callable[[ChatRequest, ChatReply | None, ChatReply | None], Compared]

_MOST_WAITING = 64
_MOST_BODY_BYTES = 1 << 20
_AT_ONCE = 4
_REST_S = 30.0
"""How long a provider that said "too many requests" is left alone."""
_EFFECTS = frozenset(
    {"background", "container", "conversation", "mcp_servers", "plugins", "previous_response_id", "web_search_options"}
)
_KEEPS = ("store", "metadata", "prompt_cache_key")


class _Job(msgspec.Struct, frozen=True):
    visit: Visit
    mirror: Mirror
    waits_since_s: float


class Shadow:
    """One worker's mirroring."""

    def __init__(self, compare: Compare, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.pairs: Ring[ShadowPair] = Ring(10_000)
        self.skipped: dict[str, int] = {}
        """Requests that were drawn and not mirrored, by reason."""
        self.left_usd: dict[str, float | None] = {}
        """By migration, what may still be spent until somebody says otherwise; None: no limit. Not named: nothing."""
        self._compare = compare
        self._clock = clock
        self._waiting: deque[_Job] = deque()
        self._news = asyncio.Event()
        self._rests_until_s = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    def draws(self, mirror: Mirror) -> bool:
        """Whether this request is one of the sample; asked before it is served, so that its answer is kept."""
        return random.random() < mirror.share  # noqa: S311  # takes a sample, guards nothing

    def offer(self, visit: Visit, mirror: Mirror) -> None:
        """Take a request in that was drawn and has been served, if there is room. Never waits."""
        if reason := self._refusal(visit, mirror):
            self.skipped[reason] = self.skipped.get(reason, 0) + 1
            return
        self._waiting.append(_Job(visit, mirror, self._clock.monotonic_s()))
        self._news.set()

    def start(self) -> None:
        """Begin to work through what is offered."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(_AT_ONCE)]

    async def stop(self) -> None:
        """Drop what waits, and cancel what is under way."""
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _refusal(self, visit: Visit, mirror: Mirror) -> str:
        left = self.left_usd.get(mirror.migration, 0.0)
        if left is not None and left <= 0.0:
            return "budget"
        if visit.client.gone or visit.fell_back or visit.unit is None:
            return "no answer"
        if len(visit.body) > _MOST_BODY_BYTES:
            return "too large"
        if self._clock.monotonic_s() < self._rests_until_s:
            return "rate limit"
        return "queue full" if len(self._waiting) >= _MOST_WAITING else ""

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._news.clear()
                await self._news.wait()
            try:
                await self._mirror(self._waiting.popleft())
            except Exception:  # noqa: BLE001  # one job must not end the worker, and all mirroring in silence
                self.skipped["fault"] = self.skipped.get("fault", 0) + 1

    async def _mirror(self, job: _Job) -> None:
        try:
            request = job.visit.request()
        except ProviderError:
            request = None
        if request is None or has_effects(request):
            self.skipped["effects"] = self.skipped.get("effects", 0) + 1
            return
        at_s = self._clock.wall_s()
        queued_s = self._clock.monotonic_s() - job.waits_since_s
        answer = await job.mirror.provider.answer(Call(request=_without_traces(request), queued_s=queued_s))
        self._rest_if_told(answer)
        exchange = self._priced(job.mirror, answer.exchange, at_s)
        self.pairs.offer(self._pair(job, request, answer, exchange, at_s))

    def _priced(self, mirror: Mirror, exchange: Exchange, at_s: float) -> Exchange:
        if exchange.usage is None or mirror.meter is None:
            return exchange
        cost = mirror.meter.cost(exchange.usage, at_s)
        left = self.left_usd.get(mirror.migration)
        if left is not None:
            self.left_usd[mirror.migration] = left - float(cost.usd)
        return msgspec.structs.replace(exchange, cost=cost)

    def _rest_if_told(self, answer: Answer) -> None:
        failure = answer.exchange.failure
        if failure is not None and failure.kind in (FailureClass.RATE_LIMIT, FailureClass.QUOTA):
            self._rests_until_s = self._clock.monotonic_s() + max(_REST_S, failure.retry_after_s or 0.0)

    def _pair(self, job: _Job, request: ChatRequest, answer: Answer, exchange: Exchange, at_s: float) -> ShadowPair:
        visit, failure = job.visit, answer.exchange.failure
        assert visit.unit is not None
        theirs = visit.attempts[-1] if visit.attempts and visit.attempts[-1].failure is None else None
        return ShadowPair(
            migration=job.mirror.migration,
            unit=visit.unit,
            at_s=self._clock.wall_s(),
            compared=self._compare(request, None if theirs is None else visit.reply, answer.reply),
            baseline_latency_s=theirs.duration_s if theirs is not None and theirs.timed else None,
            baseline_cost_usd=None if visit.cost is None else float(visit.cost.usd),
            mirrored=Served(
                decision=f"{visit.id}-shadow",
                at_s=at_s,
                tenant=visit.tenant.name if visit.tenant is not None else None,
                protocol=visit.dialect.name,
                route=visit.route.name if visit.route is not None else None,
                variant=job.mirror.variant,
                reason="shadow",
                unit=visit.unit,
                status=200 if failure is None else failure.status or 503,
                stream=visit.asked.stream,
                total_s=self._clock.wall_s() - at_s,
                request_bytes=len(visit.body),
                snapshot=visit.snapshot.id,
                exchange=exchange,
            ),
        )


def has_effects(request: ChatRequest) -> bool:
    """Whether asking it twice could do something twice: tools the provider runs itself, state it keeps."""
    return any(tool.opaque is not None for tool in request.tools) or not _EFFECTS.isdisjoint(request.extra)


def _without_traces(request: ChatRequest) -> ChatRequest:
    """The request without wishes to be kept at the provider."""
    if not any(name in request.extra for name in _KEEPS):
        return request
    extra = {k: v for k, v in request.extra.items() if k not in _KEEPS}
    if "store" in request.extra:
        extra["store"] = msgspec.Raw(b"false")
    return msgspec.structs.replace(request, extra=extra)
