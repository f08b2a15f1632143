"""The client's side of one request: reading its body, writing its answer, noticing that it left.

The server tells us at once when a connection is lost (`CONNECTION` in the scope), so no request needs
a second task that waits for it. Nothing here raises because the client left: `gone` says it, and the
task that serves it is cancelled if it asked for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.providers.deadlines import Deadlines, Watch

__all__ = ["CONNECTION", "Client", "Connection", "Headers"]

CONNECTION = "pointsman.connection"
"""Key under which the server puts the connection into the ASGI scope."""

Headers = list[tuple[bytes, bytes]]


class Connection(Protocol):
    """What a server's connection must offer."""

    on_gone: Callable[[], None] | None
    """Called once if the client leaves while it is set."""

    def paused(self) -> bool:
        """Whether the client reads more slowly than we write."""
        ...

    def whole(self) -> bool:
        """Whether all of the request's body has arrived."""
        ...

    def lost(self) -> bool:
        """Whether the client has left already."""
        ...

    def abort(self) -> None:
        """Drop the connection without another word."""
        ...


class Client:
    """One request's client."""

    __slots__ = (
        "_connection",
        "_deadlines",
        "_receive",
        "_send",
        "_task",
        "bytes_sent",
        "cancels",
        "gone",
        "status",
    )

    def __init__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
        deadlines: Deadlines,
    ) -> None:
        self._receive = receive
        self._send = send
        self._deadlines = deadlines
        self._connection: Connection = scope[CONNECTION]
        self._task: asyncio.Task[Any] | None = None
        self.cancels = True
        """Whether the serving task is to be cancelled when the client leaves."""
        self.gone = False
        self.status = 0
        """Status sent; 0 while none was."""
        self.bytes_sent = 0

    def watch(self) -> None:
        """From now on the current task is told when the client leaves. Raises `ProviderError` if it has left."""
        if self._connection.lost():
            self.gone = True
            raise ProviderError(_LEFT)
        self._task = asyncio.current_task()
        self._connection.on_gone = self._left

    def forget(self) -> None:
        """The request is over: the connection may carry the next one."""
        self._connection.on_gone = None
        self._task = None

    def _left(self) -> None:
        self.gone = True
        if self.cancels and self._task is not None:
            self._task.cancel()

    async def body(self, most_bytes: int, within_s: float) -> bytes:
        """The request's whole body. Raises `ProviderError` (client fault) if it is too large or too slow."""
        if self._connection.whole():
            message = await self._receive()
            if message["type"] == "http.request":
                whole: bytes = message["body"]
                _check_size(whole, most_bytes)
                return whole
            self.gone = True
            raise ProviderError(_LEFT)
        watch = Watch(self._deadlines)
        watch.begin(self._deadlines.now_s() + within_s, "send")
        try:
            message = await self._receive()
            pieces = bytearray()
            while message["type"] == "http.request":
                pieces += message["body"]
                _check_size(pieces, most_bytes)
                if not message["more_body"]:
                    return bytes(pieces)
                message = await self._receive()
        except asyncio.CancelledError:
            if watch.timed_out():
                raise ProviderError(_TOO_SLOW) from None
            raise
        finally:
            watch.end()
        self.gone = True
        raise ProviderError(_LEFT)

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        self.status = status
        if not self.gone:
            await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes, *, more: bool = True, within_s: float = 60.0) -> None:
        """Send a piece of the body. A client that does not take it within `within_s` is cut off."""
        if self.gone:
            return
        self.bytes_sent += len(data)
        message = {"type": "http.response.body", "body": data, "more_body": more}
        if not self._connection.paused() and len(data) < 65536:
            await self._send(message)
            return
        watch = Watch(self._deadlines)
        watch.begin(self._deadlines.now_s() + within_s, "body")
        try:
            await self._send(message)
        except asyncio.CancelledError:
            if not watch.timed_out():
                raise
            self.gone = True
            self._connection.abort()
            if self.cancels:
                raise
        finally:
            watch.end()

    def break_off(self) -> None:
        """End in the middle of an answer, so that nobody takes what was sent for the whole."""
        self._connection.abort()

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole response; `headers` must state its length."""
        await self.start(status, headers)
        await self.write(body, more=False)


_TOO_SLOW = Failure(
    kind=FailureClass.CLIENT_FAULT, status=408, code="request_timeout", message="the request's body did not arrive in time"
)
_LEFT = Failure(kind=FailureClass.CLIENT_FAULT, status=400, message="the client left before its request was complete")


def _check_size(body: bytes | bytearray, most_bytes: int) -> None:
    if len(body) > most_bytes:
        raise ProviderError(_too_large(most_bytes))


def _too_large(most_bytes: int) -> Failure:
    return Failure(
        kind=FailureClass.CLIENT_FAULT,
        status=413,
        code="request_too_large",
        message=f"the request's body is larger than {most_bytes} bytes (gateway.max_body_bytes)",
    )
