"""Anthropic's error shape, both ways: `{"type": "error", "error": {"type", "message"}, "request_id"}`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from pointsman.core.failure import Failure, FailureClass
from pointsman.providers.dialect import HttpReply
from pointsman.providers.failure_class import CODE_OF
from pointsman.providers.http_failure import http_failure, in_band_failure
from pointsman.providers.retry_after import write_retry_after

__all__ = ["classify", "error_body", "in_band", "write_failure"]

_F = FailureClass
_ENCODER = msgspec.json.Encoder()
_ANY = msgspec.json.Decoder()

# Codes in `error.details.error_code` that mean money, whatever the status beside them.
_SPENT = re.compile(r"spend_limit_reached|billing")
_SPENT_IN_WORDS = re.compile(r"specified api usage limits|spend(?:ing)? limit|credit balance", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"prompt is too long|exceed context limit|context window|input length and `?max_tokens`? exceed", re.IGNORECASE
)
_FILTERED = re.compile(r"content filtering policy", re.IGNORECASE)

_SHAPE: dict[FailureClass, tuple[int, str]] = {
    _F.TRANSIENT: (529, "overloaded_error"),
    _F.TIMEOUT: (504, "timeout_error"),
    _F.RATE_LIMIT: (429, "rate_limit_error"),
    _F.QUOTA: (402, "billing_error"),
    _F.HARD_DOWN: (404, "not_found_error"),
    _F.AUTH: (401, "authentication_error"),
    _F.CLIENT_FAULT: (400, "invalid_request_error"),
    _F.CONTEXT_TOO_LONG: (400, "invalid_request_error"),
    _F.CONTENT_POLICY: (400, "invalid_request_error"),
    _F.MALFORMED: (502, "api_error"),
}
_WORDS = {
    # What clients of this protocol look for, since its error types do not tell these two apart from other bad requests.
    _F.CONTEXT_TOO_LONG: (_TOO_LONG, "prompt is too long: "),
    _F.CONTENT_POLICY: (_FILTERED, "blocked by content filtering policy: "),
}
_CODES = {kind: CODE_OF[kind] for kind in (_F.TIMEOUT, _F.MALFORMED)}
"""Ours, for what Anthropic itself never says."""
_BY_STATUS = (_F.AUTH, _F.CLIENT_FAULT)
_STATUS_TYPES = {403: "permission_error", 413: "request_too_large"}


def classify(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """The class of an error response. A spent limit is `quota`, whether it comes as 400, 402 or 429."""
    try:
        error = _ANY.decode(body)
    except (ValueError, RecursionError):
        error = None
    return _refined(http_failure(status, headers, body), error)


def in_band(error: object) -> Failure:
    """An error object (decoded JSON) inside a reply or stream whose status said success."""
    return _refined(in_band_failure(error), error)


def write_failure(failure: Failure) -> HttpReply:
    """The failure as an error response, with `retry-after` where a wait is known."""
    status = _SHAPE[failure.kind][0]
    theirs = failure.status or 0
    if (failure.kind is _F.TRANSIENT and 500 <= theirs < 600) or (failure.kind in _BY_STATUS and theirs in _STATUS_TYPES):
        status = theirs
    headers = {"content-type": "application/json"} | write_retry_after(failure.retry_after_s)
    if failure.request_id is not None:
        headers["request-id"] = failure.request_id
    return HttpReply(status=status, body=_ENCODER.encode(error_body(failure, status)), headers=headers)


def error_body(failure: Failure, status: int | None = None) -> dict[str, object]:
    """The error object, for a response or for an `error` event."""
    kind = _SHAPE[failure.kind][1]
    if status is not None and status != 529 and failure.kind is _F.TRANSIENT:
        kind = "api_error"
    elif failure.kind in _BY_STATUS:
        kind = _STATUS_TYPES.get(failure.status or 0, kind)
    message = failure.message
    if failure.kind in _WORDS:
        known, prefix = _WORDS[failure.kind]
        message = message if known.search(message) else prefix + message
    error: dict[str, object] = {"type": kind, "message": message}
    if failure.kind in _CODES:
        error["details"] = {"error_code": _CODES[failure.kind]}
    return {"type": "error", "error": error, "request_id": failure.request_id}


def _refined(failure: Failure, body: object) -> Failure:
    """What Anthropic says in `details.error_code` and in words of its own."""
    error = body.get("error", body) if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    code = details.get("error_code") if isinstance(details, dict) else None
    if isinstance(code, str):
        failure = msgspec.structs.replace(failure, code=code)
    kind = failure.kind
    if isinstance(code, str) and _SPENT.search(code):
        kind = _F.QUOTA
    elif code in _CODES.values():
        kind = next(k for k, ours in _CODES.items() if ours == code)
    elif kind is _F.RATE_LIMIT and _SPENT_IN_WORDS.search(failure.message):
        kind = _F.QUOTA
    elif kind is _F.CLIENT_FAULT:
        kind = next((k for k, (words, _) in _WORDS.items() if words.search(failure.message)), kind)
    return failure if kind is failure.kind else msgspec.structs.replace(failure, kind=kind)
