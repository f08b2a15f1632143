"""A client that writes bytes by hand, so that it can misbehave in any way."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Answer", "answers", "connect", "read_all", "request"]


class Answer(NamedTuple):
    """One response as it stood on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> object:
        return json.loads(self.body)


def connect(base_url: str, *, within_s: float = 10.0, receive_bytes: int | None = None) -> socket.socket:
    """A connection to a server of ours; a small `receive_bytes` makes a client that soon holds up its server."""
    host, _, port = base_url.removeprefix("http://").partition(":")
    found = socket.socket()
    found.settimeout(within_s)
    if receive_bytes is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    found.connect((host, int(port)))
    return found


def request(
    path: str = "/v1/chat/completions", body: object = None, *, method: str = "POST", headers: tuple[str, ...] = ()
) -> bytes:
    """A request; `body` is bytes or a document, and none at all if None."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "host: x", *headers]
    if body is not None and not any(h.lower().startswith(("content-length", "transfer-encoding")) for h in headers):
        lines.append(f"content-length: {len(data)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def read_all(sock: socket.socket) -> bytes:
    """All that comes until the server ends the connection, by whichever end."""
    found = bytearray()
    try:
        while piece := sock.recv(65536):
            found += piece
    except ConnectionError:
        pass
    return bytes(found)


def answers(data: bytes) -> Iterator[Answer]:
    """The responses in what was read. Raises `ValueError` if there is anything else in it, or a half one."""
    while data:
        head, mark, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, *_ = first.split(" ", 2)
        if not mark or version != "HTTP/1.1":
            raise ValueError(f"not a response: {first!r}")
        headers = {n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            body, data = _chunks(data)
        else:
            length = int(headers["content-length"])
            body, data = data[:length], data[length:]
            if len(body) < length:
                raise ValueError("a half body")
        yield Answer(int(status), headers, body)


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    found = bytearray()
    while True:
        size, mark, data = data.partition(b"\r\n")
        length = int(size, 16)
        if not mark or data[length : length + 2] != b"\r\n":
            raise ValueError("a half chunk")
        found += data[:length]
        data = data[length + 2 :]
        if not length:
            return bytes(found), data
