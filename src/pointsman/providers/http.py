"""A model behind HTTP: encode, send, retry, read, and record what happened."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from pointsman.core.chat import (
    ChatReply,
    ChatRequest,
    Delta,
    Finished,
    Loss,
    PartDelta,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from pointsman.core.clock import SYSTEM_CLOCK, Clock
from pointsman.core.exchange import Attempt, Exchange
from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.core.ids import content_hash
from pointsman.core.usage import Usage
from pointsman.core.variant import Variant
from pointsman.providers.assemble import Assembler
from pointsman.providers.authorization import authorized
from pointsman.providers.dialect import Dialect, HttpRequest
from pointsman.providers.endpoint import Endpoint
from pointsman.providers.estimated_usage import estimated_usage, estimated_usage_of_cut_reply
from pointsman.providers.keys import KeyChoice, KeyRing
from pointsman.providers.provider import Answer, Call
from pointsman.providers.quirks import bend_body, bend_request
from pointsman.providers.ratelimits import should_retry
from pointsman.providers.request_id import request_id
from pointsman.providers.retry import RetryPolicy, next_delay
from pointsman.providers.transport import BodyStream, Reply, Timeouts, Transport
from pointsman.providers.variant_request import VariantRequest

__all__ = ["HttpProvider", "OnAttempt"]

_NO_HEADERS: Mapping[str, str] = {}
_MOST_LOSSES = 100


class OnAttempt(Protocol):
    """Told after each try, also between retries, so that a concurrency controller sees every 429."""

    def __call__(self, failure: Failure | None, headers: Mapping[str, str], /) -> None:
        """`headers` compare names without regard to case; they are empty if no response arrived."""
        ...


class HttpProvider:
    """One variant at one endpoint. It owns neither the transport nor the keys: several variants share them."""

    def __init__(
        self,
        variant: Variant,
        endpoint: Endpoint,
        dialect: Dialect,
        transport: Transport,
        *,
        keys: KeyRing | None = None,
        timeouts: Timeouts | None = None,
        policy: RetryPolicy | None = None,
        clock: Clock = SYSTEM_CLOCK,
        draw: Callable[[], float] = random.random,
        on_attempt: OnAttempt | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`draw` gives the uniform numbers of the back-off. Raises `ConfigError` for parameters the variant cannot have."""
        self.variant = variant
        self.losses: frozenset[Loss] = frozenset()
        """What of the requests so far this endpoint's protocol could not say (the first hundred kinds)."""
        self._variant_hash = variant.hash
        self._prepare = VariantRequest(variant)
        self._endpoint = endpoint
        self._dialect = dialect
        self._transport = transport
        self._keys = keys
        self._timeouts = timeouts or Timeouts()
        self._policy = policy or RetryPolicy()
        self._clock = clock
        self._draw = draw
        self._on_attempt = on_attempt
        self._sleep = sleep

    async def answer(self, call: Call) -> Answer:
        """Answer one call, retries included; an upstream failure is returned, not raised.

        Cancelling the task closes the upstream connection at once. First-token time runs to the first
        piece of text, refusal, visible reasoning or tool call, whichever comes first; None without a stream.
        """
        request = self._prepare.apply(call.request)
        attempts: list[Attempt] = []
        try:
            wire = self._write(request)
        except ProviderError as error:
            attempts.append(Attempt(started_s=self._clock.wall_s(), duration_s=0.0, timed=False, failure=error.failure))
            return Answer(exchange=self._exchange(call, request, attempts, None, None))
        began_s = self._clock.monotonic_s()
        backoff_s = 0.0
        while True:
            key = self._keys.pick(self._clock.monotonic_s()) if self._keys is not None else None
            outcome = await self._attempt(request, wire, key, backoff_s)
            attempts.append(outcome.attempt)
            delay_s = self._delay_s(outcome, key, len(attempts), began_s)
            if delay_s is None:
                break
            attempts[-1] = msgspec.structs.replace(outcome.attempt, usage=outcome.usage)
            if delay_s > 0:
                await self._sleep(delay_s)
            backoff_s = delay_s
        return Answer(exchange=self._exchange(call, request, attempts, outcome.reply, outcome.usage), reply=outcome.reply)

    async def close(self) -> None:
        """Nothing to release: the transport belongs to whoever made it."""

    def _write(self, request: ChatRequest) -> HttpRequest:
        """The request in the wire's form, bent to this server's quirks."""
        quirks = self._endpoint.quirks
        bent, bent_losses = bend_request(request, quirks)
        wire = self._dialect.write_request(bent)
        losses = (*bent_losses, *wire.losses)
        if losses and len(self.losses) < _MOST_LOSSES:
            self.losses |= set(losses)
        body = bend_body(wire.body, quirks)
        return wire if body is wire.body else msgspec.structs.replace(wire, body=body)

    async def _attempt(self, request: ChatRequest, wire: HttpRequest, key: KeyChoice | None, backoff_s: float) -> _Outcome:
        """Send once and read what comes."""
        clock, reading = self._clock, _Reading(self._dialect, self._clock, request)
        url, headers = authorized(self._endpoint, self._dialect, wire, request, key.secret if key is not None else None)
        reply: ChatReply | None = None
        failure: Failure | None = None
        started_s, sent_s = clock.wall_s(), clock.monotonic_s()
        try:
            got = await self._transport.send(url, wire.body, headers, stream=request.stream, timeouts=self._timeouts)
            reading.headers = got.headers
            reply = await reading.read(got)
        except ProviderError as error:
            failure = _without_key(error.failure, key)
        ended_s = clock.monotonic_s()
        named = request_id(reading.headers)
        self._tell(failure, reading.headers, key)
        attempt = Attempt(
            started_s=started_s,
            duration_s=ended_s - sent_s,
            ttft_s=None if reading.first_s is None else reading.first_s - sent_s,
            failure=failure,
            key=key.name if key is not None else None,
            request_id=named or (failure.request_id if failure is not None else None),
            backoff_s=backoff_s,
        )
        return _Outcome(attempt, reply, reading.usage(reply), should_retry(reading.headers) if failure is not None else None)

    def _tell(self, failure: Failure | None, headers: Mapping[str, str], key: KeyChoice | None) -> None:
        if self._keys is not None and key is not None:
            if failure is None:
                self._keys.worked(key.number)
            else:
                self._keys.failed(key.number, failure.kind, self._clock.monotonic_s(), failure.retry_after_s)
        if self._on_attempt is not None:
            self._on_attempt(failure, headers)

    def _delay_s(self, outcome: _Outcome, key: KeyChoice | None, tries: int, began_s: float) -> float | None:
        """Seconds until the next try; None if this was the last."""
        failure = outcome.attempt.failure
        if failure is None:
            return None
        now_s = self._clock.monotonic_s()
        elapsed_s = now_s - began_s
        if self._another_key(failure, key, now_s):
            # The wait that was asked for, and the advice not to try again, concern the key that failed.
            return 0.0 if tries < self._policy.max_attempts and elapsed_s <= self._policy.total_s else None
        return next_delay(tries, failure, self._draw(), self._policy, elapsed_s=elapsed_s, should_retry=outcome.should_retry)

    def _another_key(self, failure: Failure, key: KeyChoice | None, now_s: float) -> bool:
        """Whether the failure was the key's own and a fresh one is at hand."""
        its_own = failure.kind.fault == "account" or failure.kind is FailureClass.RATE_LIMIT
        return its_own and key is not None and self._keys is not None and self._keys.has_free(now_s)

    def _exchange(
        self, call: Call, request: ChatRequest, attempts: list[Attempt], reply: ChatReply | None, usage: Usage | None
    ) -> Exchange:
        return Exchange(
            variant=self._variant_hash,
            request=content_hash(request),
            attempts=tuple(attempts),
            queued_s=call.queued_s,
            served_model=reply.model if reply is not None else None,
            finish=reply.finish if reply is not None else None,
            usage=usage,
        )


class _Outcome:
    """How one try ended."""

    __slots__ = ("attempt", "reply", "should_retry", "usage")

    def __init__(self, attempt: Attempt, reply: ChatReply | None, usage: Usage | None, should_retry: bool | None) -> None:  # noqa: FBT001  # positional, four lines away from its one caller
        self.attempt, self.reply, self.usage, self.should_retry = attempt, reply, usage, should_retry


class _Reading:
    """Reads one reply, whole or streamed, and keeps what had arrived if it breaks off."""

    __slots__ = ("_assembler", "_clock", "_dialect", "_finished", "_request", "first_s", "headers")

    def __init__(self, dialect: Dialect, clock: Clock, request: ChatRequest) -> None:
        self.headers = _NO_HEADERS
        self.first_s: float | None = None
        self._dialect = dialect
        self._clock = clock
        self._request = request
        self._assembler: Assembler | None = None
        self._finished = 0

    async def read(self, got: Reply) -> ChatReply:
        """The reply in our form. Raises `ProviderError` with a classified failure."""
        dialect = self._dialect
        if got.status >= 300:
            headers = {name.lower(): value for name, value in got.headers.items()}
            raise ProviderError(dialect.classify(got.status, headers, got.body))
        if got.stream is not None:
            return await self._read_stream(got.stream)
        if got.content_type == dialect.stream_content_type:  # streamed although nobody asked for it
            reader = dialect.stream_reader()
            return self._stream_ended([*reader.feed(got.body), *reader.close()])
        return dialect.read_reply(got.body)

    def usage(self, reply: ChatReply | None) -> Usage | None:
        """The provider's figure, or an estimate; None if nothing was answered."""
        if reply is not None:
            return reply.usage if reply.usage is not None else estimated_usage(self._request, reply)
        if self._assembler is None:
            return None
        partial = self._assembler.reply()
        if not partial.choices and partial.usage is None:
            return None
        return estimated_usage_of_cut_reply(self._request, partial)

    async def _read_stream(self, stream: BodyStream) -> ChatReply:
        reader = self._dialect.stream_reader()
        try:
            while piece := await stream.read():
                self._take(reader.feed(piece))
        except ProviderError:
            # A connection that dies after the last word has cost nothing of the answer.
            if self._finished < (self._request.n or 1):
                raise
        finally:
            stream.close()
        return self._stream_ended(reader.close())

    def _stream_ended(self, deltas: list[Delta]) -> ChatReply:
        self._take(deltas)
        assembler = self._assembler or Assembler()
        if assembler.failure is not None:
            raise ProviderError(assembler.failure)
        return assembler.reply()

    def _take(self, deltas: list[Delta]) -> None:
        if self._assembler is None:
            self._assembler = Assembler()
        for delta in deltas:
            if self.first_s is None and _shows(delta):
                self.first_s = self._clock.monotonic_s()
            if isinstance(delta, Finished):
                self._finished += 1
            self._assembler.add(delta)


def _without_key(failure: Failure, key: KeyChoice | None) -> Failure:
    """Some providers quote the key they refuse, or the whole request."""
    if key is None or key.secret.reveal() not in failure.message:
        return failure
    return msgspec.structs.replace(failure, message=failure.message.replace(key.secret.reveal(), str(key.secret)))


def _shows(delta: Delta) -> bool:
    """Whether a reader would see something: text, a refusal, visible thought, a tool call, an image."""
    match delta:
        case TextDelta(text=text) | RefusalDelta(text=text) | ReasoningDelta(text=text):
            return bool(text)
        case ToolCallStarted() | ToolCallDelta() | PartDelta():
            return True
        case _:
            return False
