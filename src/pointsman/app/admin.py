"""The administrators' listener, with a key and a port of its own: a live page, metrics, health, the configuration, reload."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import socket
from collections.abc import Generator
from hashlib import sha256
from typing import Any, Protocol

import msgspec
import uvicorn

from pointsman.app.admin_paths import ADMIN_PATHS, allowed_methods
from pointsman.app.gateway_spec import AdminSpec
from pointsman.app.openapi import admin_document, gateway_document
from pointsman.app.snapshots import hash_of_key, is_key_hash
from pointsman.core.failure import PointsmanError
from pointsman.gateway.server import server_config
from pointsman.report.dashboard_shell import policy, shell

__all__ = ["AdminServer", "Administered"]

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_JSON = "application/json"
_MOST_BODY_BYTES = 1 << 20
_PAGE = "text/html; charset=utf-8"
_KNOWN = "there are " + ", ".join(f"{method} {path}" for path, methods in ADMIN_PATHS.items() for method in methods)


class Administered(Protocol):
    """What the listener shows and steers."""

    @property
    def ready(self) -> bool: ...
    def status(self) -> dict[str, object]: ...
    def shown(self) -> object: ...
    async def reload(self) -> str: ...
    async def migrations(self, method: str, path: str, body: bytes) -> tuple[int, object]: ...
    async def live(self) -> bytes: ...
    async def exposition(self) -> str: ...


class AdminServer:
    """Not opened at all without a key."""

    def __init__(self, administered: Administered, spec: AdminSpec) -> None:
        self._administered = administered
        self._spec = spec
        key = spec.key
        self._hash = None if not key else hash_of_key(key) if is_key_hash(key) else sha256(key.encode()).digest()
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None

    async def start(self) -> str | None:
        """Listen; returns the address, or None without a key. Raises `PointsmanError` if the address is taken."""
        if self._hash is None:
            return None
        spec = self._spec
        try:
            family = socket.AF_INET6 if ":" in spec.host else socket.AF_INET
            self._socket = socket.create_server((spec.host, spec.port), family=family)
        except OSError as error:
            raise PointsmanError(f"the admin listener cannot listen on {spec.host}:{spec.port}: {error}") from None
        config = server_config(self, drain_s=1)
        self._server = _Quiet(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        return f"http://{spec.host}:{self._socket.getsockname()[1]}"

    async def stop(self) -> None:
        """Close it."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
        if self._socket is not None:
            self._socket.close()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        status, kind, body = await self._answer(scope, await _body(receive))
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body)), *_guards(kind)]
        if status == 405:
            headers.append((b"allow", ", ".join(allowed_methods(scope["path"])).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _answer(self, scope: dict[str, Any], body: bytes) -> tuple[int, str, bytes]:
        method, path = "GET" if scope["method"] == "HEAD" else scope["method"], scope["path"]
        if (method, path) == ("GET", "/dashboard"):  # it holds nothing: it asks for the key itself
            return 200, _PAGE, shell().encode()
        if not self._known(dict(scope["headers"]).get(b"authorization", b"")):
            return _json(401, {"error": "send the admin key as `Authorization: Bearer …`"})
        ours = self._administered
        allowed = allowed_methods(path)
        if method not in allowed:
            what = f"there is only {' and '.join(allowed)} at this path" if allowed else _KNOWN
            return _json(405 if allowed else 404, {"error": what})
        if path.startswith("/migrations"):
            return _json(*await ours.migrations(method, path, body))
        match method, path:
            case "GET", "/metrics":
                return 200, _TEXT, (await ours.exposition()).encode()
            case "GET", "/dashboard/live":
                return 200, _PAGE, await ours.live()
            case "GET", "/health":
                return _json(200, ours.status())
            case "GET", "/ready":
                return _json(200 if ours.ready else 503, ours.status())
            case "GET", "/snapshot":
                return _json(200, ours.shown())
            case "GET", "/openapi.json":
                return _json(200, gateway_document())
            case "GET", "/openapi-admin.json":
                return _json(200, admin_document())
            case "POST", "/reload":
                try:
                    return _json(200, {"snapshot": await ours.reload()})
                except PointsmanError as error:
                    return _json(409, {"error": error.message, "hint": error.hint, "kept": ours.status()["snapshot"]})
            case _:
                return _json(404, {"error": _KNOWN})

    def _known(self, authorization: bytes) -> bool:
        scheme, _, key = authorization.partition(b" ")
        return (
            scheme.lower() == b"bearer"
            and self._hash is not None
            and hmac.compare_digest(sha256(key.strip()).digest(), self._hash)
        )


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield  # signals are the supervisor's


async def _body(receive: Any) -> bytes:
    """The request's body; cut off beyond a megabyte, which no plan needs."""
    pieces = bytearray()
    more = True
    while more and len(pieces) < _MOST_BODY_BYTES:
        message = await receive()
        pieces += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
    return bytes(pieces[:_MOST_BODY_BYTES])


def _guards(kind: str) -> list[tuple[bytes, bytes]]:
    """What a browser must not do with a page of ours: keep it, frame it, guess its kind, run anything else."""
    guards = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
    if kind != _PAGE:
        return guards
    isolated = [(b"referrer-policy", b"no-referrer"), (b"cross-origin-resource-policy", b"same-origin")]
    return [*guards, *isolated, (b"content-security-policy", policy().encode())]


def _json(status: int, document: object) -> tuple[int, str, bytes]:
    return status, _JSON, msgspec.json.encode(document)
