"""One HTTP exchange as the server sees it: sending, waiting, noticing that the client left, breaking off."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

__all__ = ["TRANSPORT", "Headers", "Wire"]

TRANSPORT = "pointsman.transport"
"""Key under which the server process puts the connection's transport into the ASGI scope."""

Headers = Iterable[tuple[bytes, bytes]]
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_LET_GO_S = 0.005


class Wire:
    """Counts what is handed to the network. Nothing here raises when the client has left: `gone` says it."""

    __slots__ = ("_receive", "_send", "_transport", "bytes_sent", "gone", "status")

    def __init__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        self._receive = receive
        self._send = send
        self._transport: asyncio.Transport | None = scope.get(TRANSPORT)
        self.bytes_sent = 0
        self.gone = False
        self.status = 0

    async def body(self) -> bytes:
        """The request's whole body; what had arrived if the client left."""
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            whole: bytes = message.get("body", b"")
            return whole
        pieces = []
        while message["type"] == "http.request":
            pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(pieces)
            message = await self._receive()
        self.gone = True
        return b"".join(pieces)

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        self.status = status
        if not self._left():
            await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})

    async def write(self, data: bytes, *, more: bool = True) -> None:
        """Send a piece of the body; the last one with `more=False`."""
        if not self._left():
            await self._send({"type": "http.response.body", "body": data, "more_body": more})
            self.bytes_sent += len(data)

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole response."""
        await self.start(status, [*headers, (b"content-length", str(len(body)).encode())])
        await self.write(body, more=False)

    async def wait(self, seconds: float | None) -> bool:
        """Wait so long (None: until the client leaves); False as soon as the client has left."""
        if seconds is not None and seconds <= 0:
            return not self._left()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
                self.gone = True
        return not self._left()

    async def reset(self) -> None:
        """Break the connection with a TCP reset, after what was written has left."""
        transport = self._transport
        if transport is None:
            raise ConnectionResetError("the server has no hold of its connection")
        await asyncio.sleep(_LET_GO_S)
        with contextlib.suppress(
            OSError, ValueError
        ):  # the client may have closed it in the meantime; uvloop then says ValueError
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def fail(self) -> None:
        """Answer 500 where nothing has been answered yet, otherwise break off."""
        if self.status == 0:
            await self.reply(500, [(b"content-type", b"text/plain")], b"the scripted server has a fault of its own")
        else:
            await self.reset()

    def _left(self) -> bool:
        if not self.gone and self._transport is not None and self._transport.is_closing():
            self.gone = True
        return self.gone
