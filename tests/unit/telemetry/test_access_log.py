"""One line of JSON a request, whatever happened to it."""

import json

import pytest

from pointsman.telemetry.access_log import FIELDS, access_line
from support.served import attempt, failure, served

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def line(**more):
    said = access_line(served(**more))
    assert said.endswith(b"}\n")
    assert said.count(b"\n") == 1
    return json.loads(said)


def test_a_good_answer_in_full():
    assert line(traceparent=PARENT, snapshot="abc") == {
        "at_s": 1790000000.0, "decision": "run0000001", "trace": "0af7651916cd43dd8448eb211c80319c", "tenant": "acme",
        "protocol": "openai_chat", "route": "r", "variant": "main", "status": 200, "stream": False, "finish": "stop",
        "failure": None, "attempts": 1, "fell_back": False, "total_s": 0.26, "first_byte_s": 0.252, "overhead_s": 0.0004,
        "input_tokens": 200, "output_tokens": 100, "usage": "provider", "usd": "0.00125", "losses": [], "snapshot": "abc",
    }  # fmt: skip


def test_what_is_not_known_is_null_and_never_zero():
    refused = attempt(None, failure=failure("auth"), timed=False, duration_s=0.0)
    said = line(status=401, route=None, variant=None, tenant=None, usage=None, cost=None, attempts=(refused,), first_byte_s=None)
    for name in ("route", "variant", "tenant", "input_tokens", "output_tokens", "usage", "usd", "first_byte_s"):
        assert said[name] is None, name
    assert (said["failure"], said["attempts"]) == ("auth", 0)


@pytest.mark.parametrize("text", ['a "quoted" name', "two\nlines", "snow ☃", "\x00"])
def test_names_cannot_break_the_line(text):
    assert line(tenant=text)["tenant"] == text


def test_what_a_provider_said_is_not_in_it():
    said = access_line(served(attempts=(attempt(failure=failure("client_fault", message="my secret prompt")),)))
    assert b"secret" not in said


def test_every_field_has_a_meaning():
    assert all(meaning.endswith(".") for meaning, _ in FIELDS.values())
    assert list(FIELDS) == list(line())
