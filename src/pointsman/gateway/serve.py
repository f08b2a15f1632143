"""One request: whom to ask, again or elsewhere after a failure, and what the client is told in the end.

Nobody else retries: providers are asked through the bare transport. As long as no byte of an answer has
been released a failed provider is replaced in silence; after that the stream ends with an honest error.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import msgspec

from pointsman.core.exchange import Attempt
from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.gateway.call import BrokenStream, Call
from pointsman.gateway.relay import PassingCall
from pointsman.gateway.side_calls import CountingCall, EmbeddingCall
from pointsman.gateway.snapshot import Route, Target
from pointsman.gateway.translate import TranslatingCall
from pointsman.gateway.visit import Visit
from pointsman.gateway.wire_errors import failure_reply, without_secrets
from pointsman.providers.keys import KeyChoice
from pointsman.providers.ratelimits import should_retry
from pointsman.providers.request_id import request_id
from pointsman.providers.retry import RetryPolicy, next_delay
from pointsman.providers.transport import Reply
from pointsman.routing.fallback import GiveUp, after_failure
from pointsman.telemetry.trace_context import outgoing_traceparent

__all__ = ["refuse", "serve"]

Sleep = Callable[[float], Awaitable[None]]


async def serve(visit: Visit, route: Route, *, sleep: Sleep = asyncio.sleep) -> None:
    """Answer one request by the chain of its chosen variant. Cancelled where its client leaves."""
    assert visit.decision is not None
    chosen = visit.decision.variant
    chain, stops = route.chains[chosen], route.stops[chosen]
    at = 0
    while True:
        target = chain[at]
        visit.target = target
        visit.fell_back = at > 0
        last = at + 1 == len(chain)
        failure = await _ask(visit, route, target, route.patient if last else route.hasty, sleep)
        if failure is None or visit.client.gone:
            return
        step = after_failure(stops, at, failure)
        if isinstance(step, GiveUp):
            await refuse(visit, failure)
            return
        at = step.index


async def refuse(visit: Visit, failure: Failure) -> None:
    """Tell the client, in its protocol, that there is no answer."""
    if visit.released or visit.client.gone:
        return
    await visit.client.reply(*failure_reply(visit, failure))


async def _ask(visit: Visit, route: Route, target: Target, policy: RetryPolicy, sleep: Sleep) -> Failure | None:
    """Ask one target, retries included. None: the client has its answer, or was told that it broke off."""
    clock, breaker = visit.clock, target.breaker
    began_s = clock.monotonic_s()
    if not breaker.allow(began_s):
        return _resting(visit, breaker.reopens_in_s(began_s))
    try:
        call = _call(visit, target)
    except ProviderError as error:
        breaker.left()
        return error.failure
    visit.losses = call.losses
    if call.losses and route.on_loss == "refuse":
        breaker.left()
        return _lossy(call.losses)
    client = visit.client
    backoff_s = 0.0
    tries = 0
    while True:
        key = target.keys.pick(clock.monotonic_s()) if target.keys is not None else None
        client.cancels = target.cancels
        try:
            failure, hint = await _attempt(visit, target, call, key, backoff_s)
        except asyncio.CancelledError:
            breaker.left()
            raise
        client.cancels = True
        if failure is None or visit.released or client.gone:
            return None
        tries += 1
        delay_s = _delay_s(failure, hint, target, key, policy, tries, clock.monotonic_s() - began_s, clock.monotonic_s())
        if delay_s is None or not breaker.allow(clock.monotonic_s()):
            return failure
        if delay_s > 0:
            visit.waited_s += delay_s
            await sleep(delay_s)
        backoff_s = delay_s


def _call(visit: Visit, target: Target) -> Call:
    match visit.endpoint.kind:
        case "embeddings":
            return EmbeddingCall(visit, target)
        case "count":
            return CountingCall(visit, target)
        case _ if target.plain and target.dialect is visit.dialect and not visit.asked.json_list:
            return PassingCall(visit, target)
        case _:
            return TranslatingCall(visit, target)


async def _attempt(
    visit: Visit, target: Target, call: Call, key: KeyChoice | None, backoff_s: float
) -> tuple[Failure | None, bool | None]:
    """Send once and bring the answer to the client. The failure, and the server's own word on trying again."""
    clock = visit.clock
    url, headers = call.address(key)
    if target.traced:
        headers = {**headers, **_trace_headers(visit)}
    started_s, sent_s = clock.wall_s(), clock.monotonic_s()
    failure: Failure | None = None
    reply: Reply | None = None
    hint: bool | None = None
    timed = True
    if visit.usage is not None:  # the try before broke off in mid-answer
        visit.attempts[-1] = msgspec.structs.replace(visit.attempts[-1], usage=visit.usage)
    visit.usage, visit.sent_s, visit.key = None, sent_s, key
    try:
        reply = await target.transport.send(url, call.body, headers, stream=visit.asked.stream, timeouts=target.timeouts)
        if reply.stream is None:
            visit.arrived()
            _check_status(target, reply)
        await call.answer(visit, reply)
    except ProviderError as error:
        failure = without_secrets(error.failure, key, target.endpoint.base_url)
        hint = should_retry(reply.headers) if reply is not None else None
    except BrokenStream as broken:
        failure = broken.failure
    except asyncio.CancelledError:
        timed = False
        raise
    finally:
        visit.arrived()
        ended_s = clock.monotonic_s()
        if _is_unbilled(visit) and _may_be_billed(failure, reply):
            visit.unanswered()
        if visit.client.gone:
            timed = False  # how long the provider would have taken, nobody knows
        visit.attempts.append(
            Attempt(
                started_s=started_s,
                duration_s=ended_s - sent_s,
                variant=target.name,
                timed=timed,
                ttft_s=_ttft_s(visit, sent_s),
                failure=failure,
                key=key.name if key is not None else None,
                request_id=_named(reply, failure),
                backoff_s=backoff_s,
            )
        )
    _tell(target, key, failure, ended_s, gone=visit.client.gone)
    return failure, hint


def _trace_headers(visit: Visit) -> dict[str, str]:
    """The call's own span as the parent of what the provider does, in the client's trace if it sent one."""
    ratio, attempt = visit.snapshot.trace_ratio, len(visit.attempts) + 1
    state = visit.headers.get(b"tracestate") if visit.traceparent is not None else None
    named = {"traceparent": outgoing_traceparent(visit.id, visit.traceparent, ratio, attempt)}
    return named if state is None else {**named, "tracestate": state.decode("latin-1")}


def _is_unbilled(visit: Visit) -> bool:
    return visit.usage is None and visit.endpoint.kind == "chat"


def _may_be_billed(failure: Failure | None, reply: Reply | None) -> bool:
    """Whether a provider that gave no usable answer may have read the request all the same.

    Not if it refused, could not be reached, or hung up before a byte; a web page is no model's answer.
    """
    if reply is not None:
        return reply.status < 300 and reply.content_type != "text/html"
    if failure is None or failure.kind is FailureClass.TIMEOUT:
        return failure is None or failure.phase != "connect"
    return failure.kind is FailureClass.TRANSIENT and failure.phase == "body" and (failure.status or 200) < 300


def _ttft_s(visit: Visit, sent_s: float) -> float | None:
    if not visit.asked.stream or visit.first_byte_s is None:
        return None
    ttft_s = visit.started_s + visit.first_byte_s - sent_s
    return ttft_s if ttft_s >= 0 else None


def _tell(target: Target, key: KeyChoice | None, failure: Failure | None, now_s: float, *, gone: bool) -> None:
    """What this attempt taught about the provider's health and the key."""
    if failure is None:
        if gone:
            target.breaker.left()
            return
        target.breaker.worked(now_s)
        if key is not None and target.keys is not None:
            target.keys.worked(key.number)
        return
    target.breaker.failed(failure, now_s)
    if key is not None and target.keys is not None:
        target.keys.failed(key.number, failure.kind, now_s, failure.retry_after_s)


def _delay_s(
    failure: Failure,
    hint: bool | None,  # noqa: FBT001  # the header's own three values
    target: Target,
    key: KeyChoice | None,
    policy: RetryPolicy,
    tries: int,
    elapsed_s: float,
    now_s: float,
) -> float | None:
    """Seconds until this target is asked again; None if it is not."""
    its_own = failure.kind.fault == "account" or failure.kind is FailureClass.RATE_LIMIT
    if its_own and key is not None and target.keys is not None and target.keys.has_free(now_s):
        return 0.0 if tries < max(policy.max_attempts, len(target.keys)) else None  # another key may do what this one could not
    if failure.kind is FailureClass.TIMEOUT and failure.phase != "connect":
        return None  # who was silent for minutes will be silent again, and the client has waited long enough
    return next_delay(tries, failure, random.random(), policy, elapsed_s=elapsed_s, should_retry=hint)  # noqa: S311  # spreads retries, guards nothing


def _named(reply: Reply | None, failure: Failure | None) -> str | None:
    own = request_id(reply.headers) if reply is not None else None
    return own or (failure.request_id if failure is not None else None)


def _check_status(target: Target, reply: Reply) -> None:
    if reply.status >= 300:
        headers = {name.lower(): value for name, value in reply.headers.items()}
        raise ProviderError(target.dialect.classify(reply.status, headers, reply.body))


def _resting(visit: Visit, wait_s: float) -> Failure:
    last = next((a.failure for a in reversed(visit.attempts) if a.failure is not None), None)
    if last is not None:
        return last  # what went wrong says more than that this one is not asked
    return Failure(
        kind=FailureClass.TRANSIENT,
        status=503,
        message="the provider failed repeatedly and is not asked for the moment",
        retry_after_s=max(wait_s, 0.001),
    )


def _lossy(losses: tuple[str, ...]) -> Failure:
    named = ", ".join(losses)
    message = f"{losses[0]}: this model's provider cannot express {named}; the route refuses requests that would lose something"
    return Failure(kind=FailureClass.CLIENT_FAULT, status=400, phase="send", message=message)
