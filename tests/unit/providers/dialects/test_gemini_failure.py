"""Google's errors, both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pointsman.core.failure import Failure, FailureClass
from pointsman.providers.dialects.gemini import PLUGIN

F = FailureClass


def error(code: int, status: str, message: str = "x", *details: dict[str, Any]) -> bytes:
    return json.dumps({"error": {"code": code, "status": status, "message": message, "details": list(details)}}).encode()


def quota(quota_id: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota_id}]}


def info(reason: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}


WAIT = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}


@pytest.mark.parametrize(
    "body, kind, wait_s",
    [
        (
            error(429, "RESOURCE_EXHAUSTED", "x", quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), WAIT),
            F.RATE_LIMIT,
            34.0,
        ),
        (error(429, "RESOURCE_EXHAUSTED", "x", quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), WAIT), F.QUOTA, None),
        (error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted"), F.RATE_LIMIT, None),
        (error(429, "RESOURCE_EXHAUSTED", "Please retry in 48.9s."), F.RATE_LIMIT, 48.9),
        (error(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."), F.QUOTA, None),
        (error(400, "INVALID_ARGUMENT", "API key not valid", info("API_KEY_INVALID")), F.AUTH, None),
        (error(403, "PERMISSION_DENIED"), F.AUTH, None),
        (error(403, "PERMISSION_DENIED", "x", info("BILLING_DISABLED")), F.QUOTA, None),
        (error(401, "UNAUTHENTICATED", "x", info("ACCESS_TOKEN_EXPIRED")), F.AUTH, None),
        (error(404, "NOT_FOUND", "models/x is not found"), F.HARD_DOWN, None),
        (error(400, "INVALID_ARGUMENT", "Unsupported value"), F.CLIENT_FAULT, None),
        (
            error(400, "INVALID_ARGUMENT", "The input token count (2) exceeds the maximum number of tokens allowed (1)."),
            F.CONTEXT_TOO_LONG,
            None,
        ),
        (error(503, "UNAVAILABLE", "The model is overloaded."), F.TRANSIENT, None),
        (error(500, "INTERNAL"), F.TRANSIENT, None),
    ],
)
def test_each_error_gets_its_class(body: bytes, kind: FailureClass, wait_s: float | None) -> None:
    """Also inside a list, as an unasked-for JSON stream brings it."""
    status = json.loads(body)["error"]["code"]
    for wire in (body, b"[" + body + b"]"):
        failure = PLUGIN.classify(status, {}, wire)
        assert (failure.kind, failure.retry_after_s) == (kind, wait_s)


def test_strange_details_do_no_harm() -> None:
    """Whatever stands there, there is a class."""
    body = json.dumps(
        {"error": {"code": 429, "details": [5, {"violations": "x"}, {"retryDelay": 7}, {"retryDelay": "soon"}]}}
    ).encode()
    assert PLUGIN.classify(429, {}, body).kind is F.RATE_LIMIT
    assert PLUGIN.classify(200, {}, b'{"error": {"details": 5}}').message


@pytest.mark.parametrize(
    "failure, status, word",
    [
        (Failure(kind=F.RATE_LIMIT, message="m"), 429, "RESOURCE_EXHAUSTED"),
        (Failure(kind=F.AUTH, message="m", status=403), 403, "PERMISSION_DENIED"),
        (Failure(kind=F.AUTH, message="m", status=401), 401, "UNAUTHENTICATED"),
        (Failure(kind=F.TRANSIENT, message="m", status=529), 503, "UNAVAILABLE"),
        (Failure(kind=F.TRANSIENT, message="m", status=500), 500, "INTERNAL"),
        (Failure(kind=F.CLIENT_FAULT, message="m", status=422), 400, "INVALID_ARGUMENT"),
    ],
)
def test_a_failure_has_googles_shape_and_status(failure: Failure, status: int, word: str) -> None:
    """A `google.rpc.Status` under `error`."""
    reply = PLUGIN.write_failure(failure)
    error_object = json.loads(reply.body)["error"]
    assert (reply.status, error_object["code"], error_object["status"], error_object["message"]) == (status, status, word, "m")
