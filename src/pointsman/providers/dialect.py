"""What a wire protocol must be able to do, on both sides of it.

The provider side (we are the client): `write_request`, `read_reply`, `stream_reader`, `classify`.
The client side (we are the server): `read_request`, `write_reply`, `stream_writer`, `write_failure`.
Everything here is pure: bytes in, our chat form out, and back. No dialect opens a socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import msgspec

from pointsman.core.chat import ChatReply, ChatRequest, Delta, Loss
from pointsman.core.failure import Failure
from pointsman.core.plugin import Family

__all__ = ["DIALECTS", "Dialect", "HttpReply", "HttpRequest", "StreamReader", "StreamWriter"]


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request ready for the transport, without its credentials."""

    path: str
    """Appended to the provider's base URL; starts with `/`."""
    body: bytes
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    losses: tuple[Loss, ...] = ()
    """What of the request this protocol cannot say and therefore was left out."""


class HttpReply(msgspec.Struct, frozen=True, kw_only=True):
    """A reply ready for a client."""

    status: int
    body: bytes
    headers: dict[str, str] = msgspec.field(default_factory=dict)


class StreamReader(Protocol):
    """Reads one streamed reply from bytes, wherever the network cut them."""

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas completed by `data`. Raises `ProviderError` (class `malformed`) for bytes that are not the protocol."""
        ...

    def close(self) -> list[Delta]:
        """Called at end of stream. A stream that ended without its finish signal yields `Failed`
        (class `transient`), even if the connection closed cleanly: a cut answer is never a whole one.
        """
        ...


class StreamWriter(Protocol):
    """Writes one streamed reply in the client's protocol."""

    def feed(self, delta: Delta) -> bytes:
        """Bytes for this delta; empty if it says nothing in this protocol."""
        ...

    def close(self) -> bytes:
        """The protocol's own ending (such as `data: [DONE]`); after a `Failed` delta, nothing that looks like success."""
        ...


@runtime_checkable
class Dialect(Protocol):
    """One wire protocol."""

    name: str
    stream_content_type: str
    """Content type of a streamed reply: `text/event-stream` or `application/x-ndjson`."""
    telling: tuple[bytes, ...]
    """One of these stands in every server-sent event, after the first two, that bears on usage, finish or failure, so that
    one who only forwards a stream need not open the others; empty: every event must be opened.
    """

    def auth_headers(self, key: str) -> dict[str, str]:
        """Headers that carry a key in this protocol."""
        ...

    def write_request(self, request: ChatRequest) -> HttpRequest:
        """Our form → wire; `request.stream` decides path and flags. Losses are listed, never silent."""
        ...

    def read_reply(self, body: bytes) -> ChatReply:
        """A whole reply → our form. Raises `ProviderError` (class `malformed`) if it is not one, and
        with the classified failure if the body is the protocol's error object despite a status of 200.
        """
        ...

    def stream_reader(self) -> StreamReader: ...

    def read_end(self, data: bytes) -> ChatReply | None:
        """A whole stream's model, finish and usage without its content, if they can be told more cheaply than by a
        reader. None: they cannot, or anything is unusual, and a reader must say. Never raises.
        """
        ...

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """An error response → its class. Total: any status and any bytes get a class. Header names are lower case."""
        ...

    def read_request(self, body: bytes, path: str) -> ChatRequest:
        """A client's request → our form. Raises `ProviderError` (class `client_fault`) that names the bad field."""
        ...

    def write_reply(self, reply: ChatReply, request: ChatRequest) -> HttpReply:
        """Our form → the client's protocol."""
        ...

    def stream_writer(self, request: ChatRequest) -> StreamWriter: ...

    def lost_in_reply(self, reply: ChatReply, *, streamed: bool = False) -> tuple[Loss, ...]:
        """What of a reply a client of this protocol does not get to see, told whole or as a stream."""
        ...

    def write_failure(self, failure: Failure) -> HttpReply:
        """A failure in the protocol's own error shape and status, with `retry-after` where one is known."""
        ...


DIALECTS: Family[Dialect] = Family("pointsman.providers.dialects", Dialect, "dialect")  # type: ignore[type-abstract]  # a runtime-checkable protocol is the contract
