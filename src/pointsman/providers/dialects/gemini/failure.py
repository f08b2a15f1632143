"""Google's error shape, both ways: `{"error": {"code", "message", "status", "details": […]}}`, also inside a list."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from pointsman.core.failure import Failure, FailureClass
from pointsman.providers.dialect import HttpReply
from pointsman.providers.failure_class import CODE_OF
from pointsman.providers.http_failure import http_failure, in_band_failure
from pointsman.providers.retry_after import capped_wait_s, write_retry_after

__all__ = ["classify", "error_body", "in_band", "write_failure"]

_F = FailureClass
_ANY = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()
_SECONDS = re.compile(r"^(\d+(?:\.\d+)?)s$")
_RETRY_IN_WORDS = re.compile(r"retry in (\d+(?:\.\d+)?)s")
# Allowances that pass within a minute are rate limits; those of a day, or spent for good, are quota.
_SOON = re.compile(r"per_?(?:second|minute)", re.IGNORECASE)
_LATE = re.compile(r"per_?(?:day|week|month|year)|spend|credit|prepay|billing", re.IGNORECASE)
_NO_MONEY = re.compile(r"prepayment credits|spending cap|billing (?:account|is) .{0,40}(?:disabled|not)", re.IGNORECASE)
_KEY_REASONS = frozenset(
    {"API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED", "ACCESS_TOKEN_EXPIRED", "CREDENTIALS_MISSING"}
)
_MONEY_REASONS = frozenset({"BILLING_DISABLED"})

_SHAPE: dict[FailureClass, tuple[int, str]] = {
    _F.TRANSIENT: (503, "UNAVAILABLE"),
    _F.TIMEOUT: (504, "DEADLINE_EXCEEDED"),
    _F.RATE_LIMIT: (429, "RESOURCE_EXHAUSTED"),
    _F.QUOTA: (429, "RESOURCE_EXHAUSTED"),
    _F.HARD_DOWN: (404, "NOT_FOUND"),
    _F.AUTH: (401, "UNAUTHENTICATED"),
    _F.CLIENT_FAULT: (400, "INVALID_ARGUMENT"),
    _F.CONTEXT_TOO_LONG: (400, "INVALID_ARGUMENT"),
    _F.CONTENT_POLICY: (400, "INVALID_ARGUMENT"),
    _F.MALFORMED: (502, "INTERNAL"),
}
_OF_HTTP = (404, 405, 408, 413, 415)
_REASON_CLASSES = {CODE_OF[kind]: kind for kind in _SHAPE}


class _Violation(msgspec.Struct, frozen=True, rename="camel"):
    quota_id: str = ""
    quota_metric: str = ""


class _Detail(msgspec.Struct, frozen=True, rename="camel"):
    kind: str = msgspec.field(default="", name="@type")
    reason: str = ""
    retry_delay: str = ""
    violations: tuple[_Violation, ...] = ()


def classify(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """The class of an error response: the shared rules, refined by `RetryInfo`, `QuotaFailure` and `ErrorInfo`."""
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
    headers = {"content-type": "application/json"} | write_retry_after(failure.retry_after_s)
    body = error_body(failure)
    return HttpReply(status=_status(failure), body=_ENCODER.encode(body), headers=headers)


def error_body(failure: Failure) -> dict[str, object]:
    """The `google.rpc.Status`, with the class as `ErrorInfo` and a known wait as `RetryInfo`."""
    details: list[dict[str, object]] = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": CODE_OF[failure.kind],
            "domain": "pointsman",
        }
    ]
    if failure.retry_after_s is not None:
        delay = f"{failure.retry_after_s:.3f}".rstrip("0").rstrip(".")
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{delay}s"})
    status = _status(failure)
    word = {403: "PERMISSION_DENIED", 500: "INTERNAL"}.get(status, _SHAPE[failure.kind][1])
    return {"error": {"code": status, "message": failure.message, "status": word, "details": details}}


def _status(failure: Failure) -> int:
    theirs = failure.status or 0
    if failure.kind is _F.CLIENT_FAULT and theirs in _OF_HTTP:
        return theirs  # what HTTP itself refused keeps its status, and the body must say the same one
    if (failure.kind is _F.TRANSIENT and theirs in (500, 503)) or (failure.kind is _F.AUTH and theirs == 403):
        return theirs
    return _SHAPE[failure.kind][0]


def _refined(failure: Failure, body: object) -> Failure:
    details = _details(body)
    changes: dict[str, object] = {}
    kind = _kind(failure, details)
    if kind is not failure.kind:
        changes["kind"] = kind
    reason = next((d.reason for d in details if d.reason), None)
    if reason:
        changes["code"] = reason
    if failure.retry_after_s is None and kind in (_F.RATE_LIMIT, _F.TRANSIENT):
        changes["retry_after_s"] = _wait_s(failure.message, details)
    return msgspec.structs.replace(failure, **changes) if changes else failure


def _kind(failure: Failure, details: list[_Detail]) -> FailureClass:
    reasons = {d.reason for d in details}
    ours = next((_REASON_CLASSES[r] for r in reasons if r in _REASON_CLASSES), None)
    if ours is not None:
        return ours
    if reasons & _KEY_REASONS:
        return _F.AUTH
    if reasons & _MONEY_REASONS or (failure.kind in (_F.RATE_LIMIT, _F.AUTH) and _NO_MONEY.search(failure.message)):
        return _F.QUOTA
    if failure.kind in (_F.RATE_LIMIT, _F.QUOTA):
        return _exhausted(failure, details)
    return failure.kind


def _exhausted(failure: Failure, details: list[_Detail]) -> FailureClass:
    """RESOURCE_EXHAUSTED says neither which allowance nor for how long; the violated quotas do."""
    quotas = [f"{v.quota_id} {v.quota_metric}" for d in details for v in d.violations]
    if any(_LATE.search(q) for q in quotas):
        return _F.QUOTA
    if any(_SOON.search(q) for q in quotas) or any(d.retry_delay for d in details):
        return _F.RATE_LIMIT
    return failure.kind


def _wait_s(message: str, details: list[_Detail]) -> float | None:
    for detail in details:
        if found := _SECONDS.match(detail.retry_delay):
            return capped_wait_s(float(found[1]))
    found = _RETRY_IN_WORDS.search(message)
    return capped_wait_s(float(found[1])) if found else None


def _details(body: object) -> list[_Detail]:
    if isinstance(body, list):
        body = next((b for b in body if isinstance(b, dict)), None)
    error = body.get("error", body) if isinstance(body, dict) else None
    found = error.get("details") if isinstance(error, dict) else None
    details: list[_Detail] = []
    for item in found if isinstance(found, list) else ():
        try:
            details.append(msgspec.convert(item, _Detail))
        except msgspec.ValidationError:
            continue  # a detail of another shape says nothing we use
    return details
