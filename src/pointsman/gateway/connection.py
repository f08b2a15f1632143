"""One client's connection: what HTTP allows, how long each step of it may take, and how much of it we hold.

uvicorn's protocol does the parsing. It limits neither the size of a head nor the time it takes, waits
for ever until a client has read the end of its answer, loses the body of a request that offers an
upgrade, and answers garbage with plain text, even in the middle of a stream. All of that is settled here.

No request pays for a timer: one sweep per second looks at every connection, keep-alive included.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from pointsman.gateway.client import CONNECTION
from pointsman.gateway.reply_writer import ReplyWriter
from pointsman.gateway.snapshot import Limits

__all__ = ["ClientConnection", "Sweeper"]

_LINGER_S = 5.0
"""How long we go on reading, and throwing away, what a client sends after it had its answer."""
_LEAST_READ_BYTES = 65536
"""What a client must take of an answer within `write_s`, or all that is left of it."""
_MOST_PIPELINED = 32
_GARBLED = "this is not a request of HTTP/1.1"
_UPGRADING = (b"upgrade", b"http2-settings", b"connection")


class Sweeper:
    """Looks at all connections of one server, again and again while there are any."""

    def __init__(self, limits: Callable[[], Limits]) -> None:
        self._limits = limits
        self.limits = limits()
        """As they were at the last look."""
        self.now_s = 0.0
        """The loop's clock at the last look: exact enough for connections, and free to read."""
        self._connections: set[ClientConnection] = set()
        self._running = False

    def add(self, connection: ClientConnection) -> None:
        """Begin to look at it. It must end with `discard`."""
        self._connections.add(connection)
        if not self._running:
            self._running = True
            self._tick(connection.loop)

    def discard(self, connection: ClientConnection) -> None:
        """It is gone."""
        self._connections.discard(connection)

    def __len__(self) -> int:
        return len(self._connections)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._connections:
            self._running = False
            return
        limits, now_s = self._tick(loop), self.now_s
        for connection in tuple(self._connections):
            connection.look(limits, now_s)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> Limits:
        self.now_s = loop.time()
        self.limits = limits = self._limits()
        shortest_s = min(limits.header_s, limits.write_s, limits.keep_alive_s)
        loop.call_later(min(1.0, max(0.02, shortest_s / 4)), self._sweep, loop)
        return limits


class ClientConnection(HttpToolsProtocol):
    """One connection; it is the `Connection` its requests see."""

    sweeper: Sweeper
    """Set by the subclass that is made for a server."""

    on_gone: Callable[[], None] | None = None
    _step: Literal["head", "answer", "tail", "idle"] = "head"
    """Waiting for a request's head, being served, waiting for what is left of both bodies, between two requests."""
    _since_s = 0.0
    _unread_bytes = 0
    _in_head = False
    _in_message = False
    _message_bytes = 0
    """Of a message that is not complete, as far as it came before the present piece."""
    _piece_bytes = 0
    _offers_upgrade = False
    _deaf = False
    """Whatever still comes is thrown away."""
    _refused = False
    _served: RequestResponseCycle | None = None

    # What the server's event loop tells us

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn: it is always a Transport
        super().connection_made(transport)
        sweeper = self.sweeper
        sweeper.add(self)
        self._since_s = sweeper.now_s
        if len(sweeper) > sweeper.limits.max_connections:
            self._refuse(503, "too_many_connections", "the gateway has as many connections as it takes (gateway.max_connections)")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._tell_served()
        self.sweeper.discard(self)
        told, self.on_gone = self.on_gone, None
        if told is not None:
            told()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._piece_bytes = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._garbled()
        else:
            if self._in_message:
                self._count()

    # What the parser tells us

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[CONNECTION] = self  # type: ignore[literal-required]  # ASGI lets servers add keys of their own
        self._in_head = self._in_message = True
        self._message_bytes = 0
        if self._step == "idle":
            self._enter("head")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # the trailers of a chunked body are nothing to us
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        most_bytes = self.sweeper.limits.max_header_bytes
        if self._message_bytes + self._piece_bytes > most_bytes < sum(map(_size, self.headers)) + len(self.url):
            self._too_long()
        if self._deaf:
            return
        super().on_headers_complete()
        if self._step != "answer":
            if not self._offers_upgrade:
                self._step = "answer"
        elif len(self.pipeline) > _MOST_PIPELINED:
            self._drop()

    def on_body(self, body: bytes) -> None:
        if not self._deaf:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_message = False
        if not self._deaf:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        transport = self.transport
        if self._in_message and not self._in_head:
            self._enter("tail")
        elif self._in_head:
            self._enter("head")
        else:
            self._enter("tail" if transport.is_closing() or transport.get_write_buffer_size() else "idle")
        if transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._step = "answer"
            self._start_asgi_task(*self.pipeline.pop())

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._served = cycle
        cycle.send = ReplyWriter(cycle).send  # type: ignore[method-assign]  # see `reply_writer`
        super()._start_asgi_task(cycle, app)

    # What the sweep and the application do

    def look(self, limits: Limits, now_s: float) -> None:
        """End it if its present step has lasted too long."""
        lasted_s = now_s - self._since_s
        match self._step:
            case "answer":
                return
            case "idle" if lasted_s > limits.keep_alive_s:
                self.transport.close()
            case "head" if lasted_s > limits.header_s:
                self._refuse(408, "request_timeout", "the request's head did not arrive in time (gateway.header_timeout_s)")
            case "tail":
                self._look_at_tail(limits, lasted_s)
            case _:
                return

    def paused(self) -> bool:
        """See `Connection.paused`."""
        return self.flow.write_paused

    def whole(self) -> bool:
        """See `Connection.whole`. Once the next request has begun to arrive the one being served is whole, whatever this says."""
        return not self.cycle.more_body

    def lost(self) -> bool:
        """See `Connection.lost`."""
        return self._refused or self.transport.is_closing()

    def abort(self) -> None:
        """See `Connection.abort`."""
        self._drop()

    def _enter(self, step: Literal["head", "tail", "idle"]) -> None:
        self._step = step
        self._since_s = self.sweeper.now_s
        if step == "tail":
            self._unread_bytes = self.transport.get_write_buffer_size()

    def _look_at_tail(self, limits: Limits, lasted_s: float) -> None:
        unread = self.transport.get_write_buffer_size()
        if not unread:
            if not self._in_message and not self._refused:
                self._enter("idle")
            elif lasted_s > min(_LINGER_S, limits.header_s):
                self._drop()
        elif lasted_s > limits.write_s:
            if self._unread_bytes - unread < _LEAST_READ_BYTES:
                self._drop()
            else:
                self._enter("tail")

    def _count(self) -> None:
        """A message that is not complete: a head of any length, chunks that hold next to nothing, trailers without end."""
        self._message_bytes += self._piece_bytes
        limits = self.sweeper.limits
        if self._in_head:
            if self._message_bytes > limits.max_header_bytes:
                self._too_long()
        elif self._message_bytes > 2 * limits.max_body_bytes + limits.max_header_bytes:
            self._drop()

    def _too_long(self) -> None:
        if self._step == "answer":  # a second request before the first one's answer
            self._drop()
        else:
            self._refuse(431, "request_header_fields_too_large", "the request's head is too large (gateway.max_header_bytes)")

    def _garbled(self) -> None:
        """What came is not HTTP. Whoever is being served still gets a whole answer, if its own request was whole."""
        cycle = self.cycle
        if self._step != "answer":
            self._refuse(400, "bad_request", _GARBLED)
        elif self.pipeline or (cycle.more_body and cycle.response_started):
            self._drop()
        elif cycle.more_body:
            self._refuse(400, "bad_request", _GARBLED)
            self._tell_served()
        else:
            self._deaf = True
            cycle.keep_alive = False

    def _drop(self) -> None:
        self._deaf = True
        self._tell_served()
        self.transport.abort()

    def _tell_served(self) -> None:
        """Uvicorn tells the request that came last; the one being served may be an earlier one."""
        served = self._served
        if served is not None and not served.response_complete:
            served.disconnected = True
            served.waiting_for_100_continue = False
            served.message_event.set()

    def _refuse(self, status: int, code: str, message: str) -> None:
        """The last word. What the client still sends is read for a while: closing on it would take the answer from it."""
        self._deaf = self._refused = True
        self.transport.write(_refusal(status, code, message))
        self.transport.write_eof()
        self._enter("tail")

    def _should_upgrade(self) -> bool:
        self._offers_upgrade = True  # asked for such requests only: uvicorn now leaves this one to `_decline_upgrade`
        return True

    def _decline_upgrade(self, rest: bytes) -> None:
        """Java's client offers HTTP/2 with its first request. The parser then takes its body for another protocol:
        read the request again without the offer.
        """
        self._offers_upgrade = False
        method, version = self.scope["method"].encode(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            self._garbled()
            return
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        kept = [b"%b: %b\r\n" % pair for pair in self.headers if pair[0] not in _UPGRADING]
        self.data_received(b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(kept)) + rest)


def _size(header: tuple[bytes, bytes]) -> int:
    return len(header[0]) + len(header[1]) + 4


_PHRASES = {
    400: b"Bad Request",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
    503: b"Service Unavailable",
}


def _refusal(status: int, code: str, message: str) -> bytes:
    """A whole response for one of whom no path is known, so in the words most clients understand: OpenAI's."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    body = msgspec.json.encode({"error": {"message": message, "type": kind, "param": None, "code": code}})
    return b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (
        status,
        _PHRASES[status],
        len(body),
        body,
    )
