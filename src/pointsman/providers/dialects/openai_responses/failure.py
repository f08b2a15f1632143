"""Errors of the Responses API: classified from a provider, written for a client."""

from __future__ import annotations

import re

import msgspec

from pointsman.core.failure import Failure, FailureClass
from pointsman.providers.dialect import HttpReply
from pointsman.providers.failure_class import STATUS_OF
from pointsman.providers.http_failure import code_to_write, http_failure
from pointsman.providers.retry_after import write_retry_after

__all__ = ["classify", "write_failure"]

classify = http_failure
_F = FailureClass
_TYPE = {
    _F.TRANSIENT: "server_error",
    _F.TIMEOUT: "server_error",
    _F.MALFORMED: "server_error",
    _F.RATE_LIMIT: "rate_limit_error",
    _F.QUOTA: "insufficient_quota",
    _F.AUTH: "authentication_error",
}
_FIELD = re.compile(r"^([A-Za-z_][\w.\[\]]*): ")


def write_failure(failure: Failure) -> HttpReply:
    """A failure as an error response. OpenAI's SDK retries a 429 unless told that it is pointless."""
    named = _FIELD.match(failure.message) if failure.kind is _F.CLIENT_FAULT else None
    error = {
        "message": failure.message,
        "type": _TYPE.get(failure.kind, "invalid_request_error"),
        "param": named[1] if named else None,
        "code": code_to_write(failure),
    }
    pointless = {"x-should-retry": "false"} if failure.kind is _F.QUOTA else {}
    return HttpReply(
        status=STATUS_OF[failure.kind],
        body=msgspec.json.encode({"error": error}),
        headers={"content-type": "application/json", **pointless, **write_retry_after(failure.retry_after_s)},
    )
