"""Errors of Ollama's API: classified from a provider, written for a client."""

from __future__ import annotations

import msgspec

from pointsman.core.failure import Failure
from pointsman.providers.dialect import HttpReply
from pointsman.providers.failure_class import STATUS_OF
from pointsman.providers.http_failure import code_to_write, http_failure
from pointsman.providers.retry_after import write_retry_after

__all__ = ["classify", "error_fields", "write_failure"]

classify = http_failure


def error_fields(failure: Failure, *, in_band: bool = False) -> dict[str, object]:
    """Ollama says only words; the code beside them lets a reader tell apart what has one status."""
    return {"error": failure.message, "code": code_to_write(failure, in_band=in_band)}


def write_failure(failure: Failure) -> HttpReply:
    """A failure as an error response."""
    return HttpReply(
        status=STATUS_OF[failure.kind],
        body=msgspec.json.encode(error_fields(failure)),
        headers={"content-type": "application/json", **write_retry_after(failure.retry_after_s)},
    )
