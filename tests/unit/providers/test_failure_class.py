"""Which failure a status with its codes and words is."""

from __future__ import annotations

import json

import pytest

from pointsman.core.failure import Failure, FailureClass
from pointsman.providers.failure_class import CODE_OF, STATUS_OF
from pointsman.providers.http_failure import code_to_write, http_failure, in_band_failure

F = FailureClass


def kind(status: int, error: object, headers: dict[str, str] | None = None) -> FailureClass:
    return http_failure(status, headers or {}, json.dumps({"error": error}).encode()).kind


@pytest.mark.parametrize(
    "status, expected",
    [
        (400, F.CLIENT_FAULT), (401, F.AUTH), (402, F.QUOTA), (403, F.AUTH), (404, F.HARD_DOWN), (405, F.CLIENT_FAULT),
        (408, F.TRANSIENT), (409, F.TRANSIENT), (410, F.HARD_DOWN), (413, F.CONTEXT_TOO_LONG), (422, F.CLIENT_FAULT),
        (429, F.RATE_LIMIT), (500, F.TRANSIENT), (502, F.TRANSIENT), (503, F.TRANSIENT), (504, F.TRANSIENT), (529, F.TRANSIENT),
        (301, F.HARD_DOWN), (200, F.MALFORMED),
    ],
)  # fmt: skip
def test_a_bare_status_has_a_class(status: int, expected: FailureClass) -> None:
    """Without a word in the body the status decides, and a success that is none is malformed."""
    failure = http_failure(status, {}, b"")
    assert failure.kind is expected
    assert failure.message == f"HTTP {status} without an error message"


@pytest.mark.parametrize(
    "status, error, expected",
    [
        (429, {"code": "insufficient_quota", "message": "You exceeded your current quota"}, F.QUOTA),
        (429, {"message": "You exceeded your current quota, please check your plan and billing details."}, F.RATE_LIMIT),
        (429, {"type": "exceeded_current_quota_error", "message": "suspended"}, F.QUOTA),
        (400, {"type": "invalid_request_error", "message": "Your credit balance is too low to access the API."}, F.QUOTA),
        (402, {"message": "Insufficient Balance"}, F.QUOTA),
        (400, {"code": "context_length_exceeded", "message": "x"}, F.CONTEXT_TOO_LONG),
        (500, {"code": "context_length_exceeded", "message": "context length exceeded"}, F.TRANSIENT),
        (413, {"code": "rate_limit_exceeded", "message": "Request too large for model on tokens per minute"}, F.CONTEXT_TOO_LONG),
        (400, {"code": "content_filter", "message": "x"}, F.CONTENT_POLICY),
        (400, {"code": None, "message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}, F.CONTENT_POLICY),
        (403, {"code": 403, "message": "Your input was flagged", "metadata": {"reasons": ["violence"]}}, F.CONTENT_POLICY),
        (400, {"code": "DataInspectionFailed", "message": "x"}, F.CONTENT_POLICY),
        (400, {"message": "API key not valid. Please pass a valid API key."}, F.AUTH),
        (400, {"message": "Model Not Exist"}, F.HARD_DOWN),
        (401, {"message": "context length? No, your key."}, F.AUTH),
        (400, {"code": "tool_use_failed", "message": "the model wrote nonsense"}, F.MALFORMED),
        (400, {"message": "temperature must be below 2"}, F.CLIENT_FAULT),
        (500, {"message": "invalid api key somewhere inside"}, F.TRANSIENT),
        (498, {"message": "flex capacity"}, F.RATE_LIMIT),
    ],
)  # fmt: skip
def test_codes_and_words_say_more_than_the_status(status: int, error: object, expected: FailureClass) -> None:
    """Money, length, policy, keys and models, as real providers word them; a 5xx is believed as it is."""
    assert kind(status, error) is expected


def test_x_should_retry_is_heard() -> None:
    """A 429 that is not worth a retry is a spent allowance, and another 4xx that is, is transient."""
    assert kind(429, {"message": "x"}, {"x-should-retry": "false"}) is F.QUOTA
    assert kind(429, {"message": "x"}, {"x-should-retry": "true"}) is F.RATE_LIMIT
    assert kind(400, {"message": "x"}, {"x-should-retry": "true"}) is F.TRANSIENT


@pytest.mark.parametrize(
    "body, message, code",
    [
        (b'{"error": {"message": "m", "code": 429}}', "m", "429"),
        (b'{"error": {"message": "m", "code": "c", "type": "t"}}', "m", "c"),
        (b'{"error": {"message": "m", "code": 404, "status": "NOT_FOUND"}}', "m", "NOT_FOUND"),
        (b'[{"error": {"message": "m", "code": 400, "status": "INVALID_ARGUMENT"}}]', "m", "INVALID_ARGUMENT"),
        (b'{"error": "m", "code": "invalid-argument"}', "m", "invalid-argument"),
        (b'{"detail": "m"}', "m", None),
        (b'{"detail": [{"loc": ["body", "n"], "msg": "not a number"}]}', "body.n: not a number", None),
        (b'{"message": "m", "error_type": "TOO_MANY_TOKENS"}', "m", "TOO_MANY_TOKENS"),
        (b'{"type": "error", "error": {"type": "overloaded_error", "message": "m"}, "request_id": "r"}', "m", "overloaded_error"),
        (b'{"error": {"message": "m", "metadata": {"raw": "their own words"}}}', "m: their own words", None),
        (b"upstream connect error", "upstream connect error", None),
        (b"<html><body>Bad Gateway</body></html>", "HTTP 400 without an error message", None),
        (b"\x00\xff\xfe", "HTTP 400 without an error message", None),
    ],
)
def test_every_shape_of_error_body_is_read(body: bytes, message: str, code: str | None) -> None:
    """Objects, lists, strings, plain text; numbers as codes; pages of HTML are nobody's message."""
    failure = http_failure(400, {}, body)
    assert (failure.message, failure.code) == (message, code)


@pytest.mark.parametrize(
    "words",
    ["Incorrect API key provided: sk-abc123def456ghi.", "bad key AIzaSyA1234567890123456789012", "Bearer abcdef is wrong"],
)
def test_a_quoted_key_is_blacked_out(words: str) -> None:
    """A provider's message may quote the key; ours never does."""
    message = http_failure(401, {}, json.dumps({"error": {"message": words}}).encode()).message
    assert "[key]" in message
    assert not any(secret in message for secret in ("abc123", "AIzaSy", "abcdef"))


@pytest.mark.parametrize(
    "error, expected",
    [
        ({"message": "x", "code": 429}, F.RATE_LIMIT),
        ({"message": "x", "code": "502"}, F.TRANSIENT),
        ({"message": "x", "type": "overloaded_error"}, F.TRANSIENT),
        ({"message": "x", "type": "server_error"}, F.TRANSIENT),
        ({"message": "x", "type": "invalid_request_error"}, F.CLIENT_FAULT),
        ({"message": "prompt is too long", "type": "invalid_request_error"}, F.CONTEXT_TOO_LONG),
        ({"message": "x", "code": "insufficient_quota"}, F.QUOTA),
        ("something", F.TRANSIENT),
    ],
)
def test_an_error_inside_a_stream_has_a_class_without_a_status(error: object, expected: FailureClass) -> None:
    """A numeric code stands in for the status; the wider type decides where nothing else does."""
    failure = in_band_failure(error)
    assert failure.kind is expected
    assert failure.phase == "body"


@pytest.mark.parametrize("wanted", list(FailureClass))
@pytest.mark.parametrize("code", [None, "weird", "429", "context_length_exceeded", "server_error"])
def test_the_code_we_write_is_read_as_the_same_class(wanted: FailureClass, code: str | None) -> None:
    """With our status and without one, whatever code the provider had."""
    failure = Failure(kind=wanted, message="x", code=code)
    written = {"error": {"message": "x", "code": code_to_write(failure)}}
    assert http_failure(STATUS_OF[wanted], {}, json.dumps(written).encode()).kind is wanted
    in_band = {"message": "x", "code": code_to_write(failure, in_band=True)}
    assert in_band_failure(in_band).kind is wanted
    assert set(CODE_OF) == set(FailureClass)
