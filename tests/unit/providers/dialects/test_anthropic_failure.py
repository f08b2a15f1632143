"""Anthropic's errors, both ways."""

from __future__ import annotations

import json

import pytest

from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.providers.dialects.anthropic_messages import PLUGIN

F = FailureClass


def error(kind: str, message: str, code: str | None = None) -> bytes:
    details = {} if code is None else {"details": {"error_code": code}}
    return json.dumps({"type": "error", "error": {"type": kind, "message": message, **details}, "request_id": "req_1"}).encode()


@pytest.mark.parametrize(
    "status, body, kind",
    [
        (529, error("overloaded_error", "Overloaded"), F.TRANSIENT),
        (500, error("api_error", "Internal server error"), F.TRANSIENT),
        (504, error("timeout_error", "Request timed out"), F.TRANSIENT),
        (429, error("rate_limit_error", "This request would exceed your organization's rate limit"), F.RATE_LIMIT),
        (429, error("rate_limit_error", "limit reached", "enforced_spend_limit_reached"), F.QUOTA),
        (429, error("rate_limit_error", "You have reached your specified API usage limits."), F.QUOTA),
        (
            400,
            error("invalid_request_error", "You have reached your specified API usage limits. You will regain access on …"),
            F.QUOTA,
        ),
        (400, error("invalid_request_error", "Your credit balance is too low to access the Anthropic API."), F.QUOTA),
        (402, error("billing_error", "Payment required"), F.QUOTA),
        (403, error("permission_error", "Your organization's contract", "contract_spend_limit_reached"), F.QUOTA),
        (403, error("permission_error", "Your API key does not have permission"), F.AUTH),
        (401, error("authentication_error", "invalid x-api-key"), F.AUTH),
        (404, error("not_found_error", "model: claude-nope"), F.HARD_DOWN),
        (400, error("invalid_request_error", "max_tokens: Field required"), F.CLIENT_FAULT),
        (400, error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), F.CONTEXT_TOO_LONG),
        (
            400,
            error("invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2"),
            F.CONTEXT_TOO_LONG,
        ),
        (400, error("invalid_request_error", "Output blocked by content filtering policy"), F.CONTENT_POLICY),
        (502, b"<html>Bad gateway</html>", F.TRANSIENT),
    ],
)
def test_each_error_gets_its_class(status: int, body: bytes, kind: FailureClass) -> None:
    """By type, by `details.error_code`, and by Anthropic's own words where the type is too wide."""
    assert PLUGIN.classify(status, {}, body).kind is kind


def test_the_wait_and_the_request_id_are_read() -> None:
    """From the headers; the body's id where there is none."""
    failure = PLUGIN.classify(429, {"retry-after": "7", "request-id": "req_h"}, error("rate_limit_error", "x"))
    assert (failure.retry_after_s, failure.request_id) == (7.0, "req_h")
    assert PLUGIN.classify(500, {}, error("api_error", "x")).request_id == "req_1"


def test_an_error_inside_a_reply_is_raised_with_its_class() -> None:
    """Also with status 200."""
    with pytest.raises(ProviderError) as caught:
        PLUGIN.read_reply(error("rate_limit_error", "x", "linked_organization_spend_limit_reached"))
    assert caught.value.failure.kind is F.QUOTA


@pytest.mark.parametrize(
    "failure, status, kind",
    [
        (Failure(kind=F.TRANSIENT, message="m"), 529, "overloaded_error"),
        (Failure(kind=F.TRANSIENT, message="m", status=500), 500, "api_error"),
        (Failure(kind=F.AUTH, message="m", status=403), 403, "permission_error"),
        (Failure(kind=F.CLIENT_FAULT, message="m", status=413), 413, "request_too_large"),
        (Failure(kind=F.QUOTA, message="m", status=429), 402, "billing_error"),
        (Failure(kind=F.TIMEOUT, message="m"), 504, "timeout_error"),
        (Failure(kind=F.MALFORMED, message="m"), 502, "api_error"),
    ],
)
def test_a_failure_has_anthropics_shape_and_status(failure: Failure, status: int, kind: str) -> None:
    """A spent limit is not sent as 429, because clients would try again."""
    reply = PLUGIN.write_failure(failure)
    assert (reply.status, json.loads(reply.body)["error"]["type"]) == (status, kind)


def test_headers_of_a_failure() -> None:
    """`retry-after` in whole seconds, and the request id where clients look for it."""
    reply = PLUGIN.write_failure(Failure(kind=F.RATE_LIMIT, message="m", retry_after_s=1.2, request_id="r"))
    assert (reply.headers["retry-after"], reply.headers["request-id"]) == ("2", "r")
    assert json.loads(reply.body)["request_id"] == "r"
