"""The application: path to endpoint, key to tenant, model to route, one record at the end."""

from __future__ import annotations

import asyncio
import difflib
import itertools
import random
import secrets
import sys
import traceback
from typing import Any

from pointsman.core.clock import SYSTEM_CLOCK, Clock
from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.core.feedback import Feedback
from pointsman.core.ids import hash_bytes
from pointsman.core.served import Served
from pointsman.gateway.auth import authenticate
from pointsman.gateway.body_sample import BodySample
from pointsman.gateway.client import Client
from pointsman.gateway.endpoints import Endpoint, find_endpoint, has_answers, model_in_path, read_asked, request_start
from pointsman.gateway.feedback import read_feedback
from pointsman.gateway.own_answers import count_reply, health_reply, models_reply
from pointsman.gateway.serve import refuse, serve
from pointsman.gateway.shadow import Shadow
from pointsman.gateway.snapshot import Route, Snapshot
from pointsman.gateway.visit import Visit
from pointsman.providers.deadlines import Deadlines
from pointsman.providers.dialect import DIALECTS, Dialect
from pointsman.routing.assign import conversation_number, sticky_u
from pointsman.routing.features import Features
from pointsman.telemetry.ring import Ring

__all__ = ["Gateway"]

_CLIENT_DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
_NO_PATH = Endpoint("chat", "openai_chat")
_MOST_FEEDBACK = 10_000
_NO_FEEDBACK = Failure(
    kind=FailureClass.CLIENT_FAULT, status=404, code="unknown_url", message="this gateway keeps no ledger, and so no feedback"
)
_COMPRESSED = Failure(
    kind=FailureClass.CLIENT_FAULT,
    status=415,
    code="unsupported_content_encoding",
    message="content-encoding: request bodies are taken as they are, not compressed; send this one without",
)
_BROKEN = Failure(kind=FailureClass.TRANSIENT, status=500, message="the gateway has a fault of its own; it has been noted")


class Gateway:
    """The ASGI application. Its server must put a `Connection` into the scope."""

    def __init__(
        self, snapshot: Snapshot, ring: Ring[Served], loop: asyncio.AbstractEventLoop, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.snapshot = snapshot
        """Swap it to change what is served; requests under way keep the one they began with."""
        self.ring = ring
        self.feedback: Ring[Feedback] = Ring(_MOST_FEEDBACK)
        self.shadow: Shadow | None = None
        """Mirrors what routes want mirrored; nobody does if None."""
        self.bodies: BodySample | None = None
        """Keeps a sample of what is said; nobody does if None."""
        self.takes_feedback = True
        """Whether there is a ledger to keep it in."""
        self.in_flight = 0
        self.draining = False
        """Told by `/ready`, so that no balancer sends more."""
        self.faults = 0
        """Requests that met a fault of our own."""
        self._clock = clock
        self._deadlines = Deadlines(loop)
        self._dialects: dict[str, Dialect] = {name: DIALECTS.load(name) for name in _CLIENT_DIALECTS}
        self._run = secrets.token_hex(5)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        client = Client(scope, receive, send, self._deadlines)
        endpoint = find_endpoint(scope["path"])
        shape = endpoint or _NO_PATH
        visit = Visit(
            f"{self._run}{next(self._numbers):07x}", client, shape, self._dialects[shape.dialect], self.snapshot, self._clock
        )
        if endpoint is None or (endpoint.method != scope["method"] and not _only_its_head(endpoint, scope["method"])):
            await refuse(visit, _not_here(scope["method"], scope["path"], known=endpoint is not None))
            return
        if endpoint.kind in ("health", "ready"):
            await self._own(visit, health_reply(self.snapshot, ready=not self.draining), status=503 if self.draining else 200)
            return
        self.in_flight += 1
        try:
            await self._guarded(visit, scope)
        finally:
            self.in_flight -= 1
            client.forget()
            if endpoint.kind in ("chat", "embeddings"):
                self.ring.offer(visit.record())
                if self.bodies is not None:
                    self.bodies.offer(visit)

    async def _guarded(self, visit: Visit, scope: dict[str, Any]) -> None:
        """Serve, and turn whatever is raised into an answer of the client's protocol."""
        try:
            await self._visit(visit, scope)
        except ProviderError as error:
            visit.refused = error.failure
            await refuse(visit, error.failure)
        except asyncio.CancelledError:
            if not visit.client.gone:
                raise  # the server is being stopped
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        except Exception as fault:  # noqa: BLE001  # a fault of our own ends one request, and must be seen by whoever runs us
            self.faults += 1
            _print_fault(fault)
            visit.refused = _BROKEN
            await self._apologise(visit)

    async def _apologise(self, visit: Visit) -> None:
        if visit.released:
            visit.client.break_off()
        else:
            await refuse(visit, _BROKEN)

    async def _visit(self, visit: Visit, scope: dict[str, Any]) -> None:
        snapshot, client = visit.snapshot, visit.client
        visit.headers = headers = dict(scope["headers"])
        query: bytes = scope["query_string"]
        visit.tenant = tenant = authenticate(snapshot, headers, query)
        if visit.endpoint.kind == "models":
            only = model_in_path(scope["path"])
            models = models_reply(snapshot, tenant, visit.dialect.name, headers, only)
            if models is None:
                raise ProviderError(_no_route(snapshot, only or "", tenant.routes))
            await self._own(visit, models)
            return
        if b"content-encoding" in headers and headers[b"content-encoding"].strip().lower() not in (b"", b"identity"):
            raise ProviderError(_COMPRESSED)
        visit.body = body = await client.body(snapshot.limits.max_body_bytes, snapshot.limits.body_s)
        visit.path = scope["path"]
        client.watch()
        if visit.endpoint.kind == "feedback":
            await self._take_feedback(visit)
            return
        visit.asked = asked = read_asked(visit.endpoint, body, visit.path, query)
        route = snapshot.routes.get(asked.model)
        if route is None or (tenant.routes is not None and route.name not in tenant.routes):
            raise ProviderError(_no_route(snapshot, asked.model, tenant.routes))
        visit.route = route
        if self.bodies is not None:
            visit.keeps = self.bodies.draws(visit.id, route.name)
        u = self._draw(visit, route) if route.uses_draw else 0.0
        visit.decision = decision = route.policy.choose(_features(visit, route), u)
        if visit.endpoint.kind == "count":
            target = route.chains[decision.variant][0]
            if target.dialect is not visit.dialect:
                await self._own(visit, count_reply(visit), estimated=True)
                return
        if route.mirror is None or self.shadow is None or visit.endpoint.kind != "chat" or not self.shadow.draws(route.mirror):
            await serve(visit, route)
            return
        visit.keeps = True
        await serve(visit, route)
        self.shadow.offer(visit, route.mirror)

    def _draw(self, visit: Visit, route: Route) -> float:
        """The number of the unit that keeps its variant; a fresh one where there is no unit."""
        unit = _unit(visit, route)
        if not unit:
            return random.random()  # noqa: S311  # splits traffic, guards nothing
        visit.unit = hash_bytes(unit)
        return sticky_u(route.salt, unit)

    async def _take_feedback(self, visit: Visit) -> None:
        """What it is about is looked up elsewhere, so a wrong decision's id is not told here."""
        if not self.takes_feedback:
            raise ProviderError(_NO_FEEDBACK)
        assert visit.tenant is not None
        self.feedback.offer(read_feedback(visit.body, visit.tenant.name, visit.at_s))
        await self._own(visit, b'{"accepted":true}', status=202)

    async def _own(self, visit: Visit, body: bytes, *, status: int = 200, estimated: bool = False) -> None:
        """Answer by ourselves."""
        headers = visit.reply_headers(b"application/json")
        if estimated:
            headers.append((b"x-pointsman-estimated", b"true"))
        headers.append((b"content-length", b"%d" % len(body)))
        await visit.client.reply(status, headers, body)


def _unit(visit: Visit, route: Route) -> bytes:
    """What must stay together: a conversation, an end user, or all that one tenant asks. Empty if the request does not tell."""
    tenant = visit.tenant.name.encode() if visit.tenant is not None else b""
    match route.sticky:
        case "conversation":
            said = visit.headers.get(b"x-pointsman-conversation") or request_start(visit.body)
            return tenant + b"\0" + said if said else b""
        case "user":
            user = visit.headers.get(b"x-pointsman-user") or (visit.asked.user or "").encode("utf-8", "surrogatepass")
            return tenant + b"\0" + user if user else b""
        case "key":
            return tenant
        case _:
            return b""


def _features(visit: Visit, route: Route) -> Features:
    size, stream = len(visit.body), visit.asked.stream
    if not route.uses_conversation:
        return Features(body_bytes=size, stream=stream)
    name = visit.headers.get(b"x-pointsman-conversation")
    tenant = visit.tenant.name.encode() if visit.tenant is not None else b""
    return Features(
        body_bytes=size,
        stream=stream,
        conversation=conversation_number(tenant, name or request_start(visit.body)),
        continues=has_answers(visit.body),
        named=bool(name),
    )


def _print_fault(fault: BaseException) -> None:
    """Where it happened and what kind it was. Its words are left out: they may quote somebody's request, or a key."""
    frames = "".join(traceback.format_tb(fault.__traceback__, limit=-8))
    print(f"a fault of the gateway:\n{frames}{type(fault).__qualname__}", file=sys.stderr)  # noqa: T201  # whoever runs the worker reads its stderr


def _only_its_head(endpoint: Endpoint, method: str) -> bool:
    """Balancers ask for health this way; the server leaves the body out."""
    return method == "HEAD" and endpoint.method == "GET"


def _not_here(method: str, path: str, *, known: bool) -> Failure:
    what = f"{method} is not served at this path" if known else f"nothing is served at {path[:200]!r}"
    return Failure(kind=FailureClass.CLIENT_FAULT, status=405 if known else 404, code="unknown_url", message=what)


def _no_route(snapshot: Snapshot, model: str, allowed: frozenset[str] | None) -> Failure:
    names = [name for name in snapshot.routes if allowed is None or name in allowed]
    near = difflib.get_close_matches(model[:200], names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    message = f"there is no model called {model[:200]!r} here{hint}"
    return Failure(kind=FailureClass.HARD_DOWN, status=404, code="model_not_found", message=message)
