"""Failures in the words of the protocol the client speaks, as a response or inside a stream, with nothing of ours in them."""

from __future__ import annotations

import re

import msgspec

from pointsman.core.chat import ChatRequest, Failed, user_says
from pointsman.core.failure import Failure, FailureClass
from pointsman.gateway.client import Headers
from pointsman.gateway.key_mask import without_key
from pointsman.gateway.visit import Visit
from pointsman.providers.dialect import Dialect
from pointsman.providers.keys import KeyChoice

__all__ = ["error_in_stream", "failure_reply", "without_secrets"]

_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")


def without_secrets(failure: Failure, key: KeyChoice | None, base_url: str) -> Failure:
    """A provider may quote the key it refuses, or the address it was called at: neither is the client's to know."""
    message, code = failure.message, failure.code
    if key is not None:
        message = without_key(message, key.secret)
        code = None if code is not None and without_key(code, key.secret) != code else code
    host = base_url.partition("://")[2].partition("/")[0]
    if host in message:
        message = _ADDRESS.sub("…", message).replace(host, "…")
    if failure.kind.fault == "account":
        message = f"the provider refused the gateway's own key: {message}"
    if message == failure.message and code == failure.code:
        return failure
    return msgspec.structs.replace(failure, message=message, code=code)


def failure_reply(visit: Visit, failure: Failure) -> tuple[int, Headers, bytes]:
    """Status, headers and body of a failure in the client's protocol."""
    reply = visit.dialect.write_failure(failure)
    # A status of our own making stands; what providers say is put into the protocol's own statuses.
    own = failure.kind is FailureClass.CLIENT_FAULT and failure.status in (404, 405, 408, 413, 415)
    headers = visit.reply_headers(b"application/json")
    taken = {name for name, _ in headers}
    for name, value in reply.headers.items():
        if (encoded := name.lower().encode()) not in taken:
            headers.append((encoded, value.encode("latin-1", "replace")))
    if own and not visit.attempts:
        headers += _ways_out(visit, failure)
    headers.append((b"content-length", b"%d" % len(reply.body)))
    return failure.status if own and failure.status is not None else reply.status, headers, reply.body


def error_in_stream(dialect: Dialect, model: str, failure: Failure) -> bytes:
    """The protocol's own way of saying, in the middle of a stream, that it broke; never anything like a good end."""
    writer = dialect.stream_writer(ChatRequest(model=model, messages=(user_says(""),), stream=True))
    return writer.feed(Failed(failure)) + writer.close()


def _ways_out(visit: Visit, failure: Failure) -> Headers:
    """What HTTP says beside a refusal of ours: the methods or the encodings that would do."""
    match failure.status:
        case 405:
            return [(b"allow", b"GET, HEAD" if visit.endpoint.method == "GET" else visit.endpoint.method.encode())]
        case 415:
            return [(b"accept-encoding", b"identity")]
        case _:
            return []
