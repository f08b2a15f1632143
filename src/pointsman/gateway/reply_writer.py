"""Writes responses onto a connection of uvicorn's, in place of its own `send`.

uvicorn looks at each header of each response with two patterns and writes head and body apart. Ours have ten
headers, so that was a tenth of all the gateway's work. Here a head is put together once and leaves with the
first piece of its body.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

__all__ = ["ReplyWriter"]


class ReplyWriter:
    """One response. It keeps the state of uvicorn's cycle, which decides on the connection's further life."""

    __slots__ = ("_chunked", "_cycle", "_head", "_left_bytes", "_silent")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._head = b""
        self._chunked = True
        self._left_bytes = 0
        self._silent = cycle.scope["method"] == "HEAD"

    async def send(self, message: Any) -> None:
        """ASGI's `send`. Raises RuntimeError for a header with a line end in it, and for a body of another length than stated."""
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        if message["type"] == "http.response.start":
            self._start(message["status"], message["headers"])
        else:
            self._body(message["body"], more=message["more_body"])

    def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        cycle = self._cycle
        cycle.response_started, cycle.waiting_for_100_continue = True, False
        lines = [STATUS_LINE[status][:-2]]
        for name, value in headers:
            lines.append(b"%b: %b" % (name, value))
            if name == b"content-length":
                self._chunked, self._left_bytes = False, int(value)
            elif name == b"connection" and value == b"close":
                cycle.keep_alive = False
        if self._chunked:
            lines.append(b"transfer-encoding: chunked")
        if not cycle.keep_alive:
            lines.append(b"connection: close")
        lines.append(b"\r\n")
        self._head = head = b"\r\n".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
            raise RuntimeError("a header holds a line end")

    def _body(self, body: bytes, *, more: bool) -> None:
        cycle, head = self._cycle, self._head
        self._head = b""
        if self._silent:
            data = head
        elif self._chunked:
            end = b"" if more else b"0\r\n\r\n"
            data = b"%b%x\r\n%b\r\n%b" % (head, len(body), body, end) if body else head + end
        else:
            self._left_bytes -= len(body)
            if self._left_bytes < 0 or (self._left_bytes and not more):
                raise RuntimeError("the body is not as long as its header says")
            data = head + body
        if data:
            cycle.transport.write(data)
        if not more:
            cycle.response_complete = True
            cycle.message_event.set()
            if not cycle.keep_alive:
                cycle.transport.close()
            cycle.on_response()
            del cycle.send  # which held us, and we it: nothing is left for the garbage collector to find
