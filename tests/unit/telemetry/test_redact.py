"""What is secret or personal leaves a body however it is written, and what only looks like it stays."""

import base64
import json
import random

import pytest

from pointsman.core.failure import ConfigError
from pointsman.telemetry.redact import Redactor
from pointsman.telemetry.sensitive import SENSITIVE, luhn_holds

ALL = Redactor(tuple(SENSITIVE))
SECRETS = {
    "key": [
        "sk-proj-Zz9abcdefghijklmnop",
        "sk-ant-api03-abcDEF_123-4567890",
        "pm-AbCdEfGhIjKlMnOpQrSt",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
        "xoxb-123456789012-abcdefABCDEF",
    ],
    "email": ["joe@example.com", "Anna.O'Hara+lists@mail.example.co.uk", "josé@correo.example.es", "joe%40example.com"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "fr14 2004 1010 0505 0001 3m02 606", "NO93-8601-1117-947"],
    "card": ["4111 1111 1111 1111", "5555555555554444", "3782-822463-10005", "6011 1111 1111 1117", "6304 0000 0000 0000"],
    "phone": ["+49 171 2345678", "+1 (415) 555-2671", "0171/2345678", "(415) 555-2671", "415-555-2671", "0044 20 7946 0958"],
}
EVERY = [(kind, secret) for kind, secrets in SECRETS.items() for secret in secrets]


@pytest.mark.parametrize("kind, secret", EVERY)
def test_a_secret_in_plain_text_becomes_its_kind(kind, secret):
    assert ALL.text(f"please note {secret}, thanks") == f"please note ‹{kind}›, thanks"
    assert ALL.text(secret) == f"‹{kind}›"


@pytest.mark.parametrize("kind, secret", EVERY)
def test_a_secret_is_found_in_json_within_json_with_every_character_escaped(kind, secret):
    """As the arguments of a tool call can hold it."""
    escaped = "".join(f"\\u{ord(c):04x}" for c in secret)
    arguments = f'{{"note": "see\\n{escaped}"}}'
    body = json.dumps({"messages": [{"content": "x", "tool_calls": [{"function": {"arguments": arguments}}]}]}).encode()
    redacted = ALL.body(body)
    inner = json.loads(json.loads(redacted)["messages"][0]["tool_calls"][0]["function"]["arguments"])
    assert inner == {"note": f"see\n‹{kind}›"}


@pytest.mark.parametrize("kind, secret", EVERY)
def test_a_secret_is_found_in_json_that_broke_off(kind, secret):
    """It cannot be read, so its escapes are resolved where they could be part of a secret."""
    escaped = "".join(f"\\u{ord(c):04x}" if c in "@+-/ " else c for c in secret)
    redacted = ALL.body(f'{{"messages": [{{"content": "see\\n{escaped} and'.encode())
    assert secret not in redacted
    assert redacted.endswith(f"‹{kind}› and")


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # one off Luhn's digit
        "DE88 9704 9944 9532 9130 99",  # one off the remainder
        "DE89 9704 9944 9532 9130 9",  # too short for its country
        "1716239022123 ms, 20240501, 3.14159265358979, 0.12345678901",
        "on 2024-05-01 and 01-02-2024 and 12/31/2024 at 12:30:45",
        "550e8400-e29b-41d4-a716-446655440000 at 192.168.100.254",
        "user@localhost, @decorator, a @ b",
        "ask-anything-you-like-about-it, risk_free_and_easy_going",
        "secret: no one knows; the password is short",
        "0123456789abcdef0123456789abcdef01234567",
    ],
)
def test_what_only_looks_like_a_secret_stays(text):
    assert ALL.text(text) == text
    assert json.loads(ALL.body(json.dumps({"content": text, "max_tokens": 100_000}).encode())) == {
        "content": text,
        "max_tokens": 100_000,
    }


def test_seeded_numbers_with_a_check_digit_are_all_found_and_those_without_all_stay():
    """Among any text, and next to other numbers."""
    dice = random.Random(11)
    for _ in range(500):
        digits = "4" + "".join(dice.choice("0123456789") for _ in range(15))
        number = " ".join(digits[n : n + 4] for n in range(0, 16, 4)) if dice.random() < 0.5 else digits
        redacted = Redactor(["card"]).text(f"room 12 {number} until 2031")
        assert redacted == ("room 12 ‹card› until 2031" if luhn_holds(digits) else f"room 12 {number} until 2031")


def test_numbers_and_members_named_like_keys_are_hidden_too():
    body = {"card": 4111111111111111, "password": "x", "api_key": "plain", "max_tokens": 10, "properties": {"password": {}}}
    expected = {"card": "‹card›", "password": "‹key›", "api_key": "‹key›", "max_tokens": 10, "properties": {"password": {}}}
    assert json.loads(ALL.body(json.dumps(body).encode())) == expected


def test_assigned_and_transmitted_keys_are_hidden_and_their_names_are_not():
    text = (
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENG Authorization: Bearer abcdef1234567890 postgres://bob:hunter22@db.example/x"
    )
    assert ALL.text(text) == "AWS_SECRET_ACCESS_KEY=‹key› Authorization: Bearer ‹key› postgres://‹key›@db.example/x"


def test_only_the_kinds_that_were_named_are_replaced():
    assert Redactor(["email"]).text("joe@example.com 4111111111111111") == "‹email› 4111111111111111"
    assert Redactor([]).text("joe@example.com") == "joe@example.com"


def test_pictures_are_replaced_by_size_and_hash():
    """The same picture has the same hash, whichever way it is embedded."""
    picture = random.Random(5).randbytes(3000)
    plain = base64.b64encode(picture).decode()
    lines = "\n".join(plain[n : n + 76] for n in range(0, len(plain), 76))
    body = {"url": f"data:image/png;base64,{plain}", "data": plain, "lines": lines}
    redacted = json.loads(ALL.body(json.dumps(body).encode()))
    kind, size, unit, digest = redacted["url"].strip("‹›").split()
    assert (kind, size, unit) == ("image/png", "3000", "bytes")
    assert redacted["data"] == redacted["lines"] == f"‹base64 3000 bytes {digest}›"


def test_of_a_cut_body_the_end_is_left_out_because_it_may_hold_half_a_secret():
    whole = b'{"content": "' + b"words " * 2000 + b"my card is 4111 1111 11"
    redacted = ALL.body(whole, cut=True)
    assert "4111" not in redacted
    assert redacted.count("words") > 1000


def test_hostile_json_is_redacted_as_text():
    deep = b"[" * 5000 + b'"joe@example.com"' + b"]" * 5000
    nested = ('{"a":' * 80 + '"joe@example.com"' + "}" * 80).encode()
    for body in (deep, nested, b"\xff\xfe joe@example.com", b'{"a": "\\ud83d joe@example.com"}'):
        redacted = ALL.body(body)
        assert "joe@" not in redacted
        assert "‹email›" in redacted


def test_patterns_of_the_user_are_found_across_the_edges_of_pieces():
    redactor = Redactor([], [r"ACME-\d{4,8}", "(?i)project nightingale"])
    for before in range(700, 1100, 7):
        text = "x " * (before // 2) + " ACME-123456 " + "y " * 450 + "Project Nightingale."
        assert redactor.text(text) == text.replace("ACME-123456", "‹pattern›").replace("Project Nightingale", "‹pattern›")


@pytest.mark.parametrize(
    "pattern, complaint",
    [
        ("(", "is no regular expression"),
        ("a*", "matches the empty text"),
        ("(a+)+b", "can take for ever"),
        ("(?:a|a)*b", "can take for ever"),
        (r"(?P<x>\w+\s?)*$|z", "matches the empty text"),
        (r"(\w+\s?)+$", "can take for ever"),
        (r"((a{1,9})b?){12}", "can take for ever"),
        (r".+a.+b.+c.+d", "open repetitions"),
        ("x" * 501, "longer than 500"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_named(pattern, complaint):
    with pytest.raises(ConfigError, match=complaint) as refused:
        Redactor([], ["fine", pattern])
    assert refused.value.key == "patterns[1]"
    assert refused.value.hint


@pytest.mark.parametrize(
    "pattern", [r"[\](+]{2,}x", r"\(\w+\)+", r"(?:\w++\.)++\w++", r"(?>a+b?)+", r"(?:ab){3}", r"KD-(?:\d{4}-){2}\d+"]
)
def test_patterns_that_cannot_run_away_are_taken(pattern):
    assert Redactor([], [pattern]).text("nothing of it: ?") == "nothing of it: ?"


def test_text_made_to_be_slow_is_not_slow():
    """A hundred thousand characters of what the patterns begin with; minutes if one of them were not bounded."""
    for piece in (
        "a.",
        "1 ",
        "a@b.",
        "DE89 ",
        "+4 ",
        "sk-",
        "eyJ",
        "secret",
        "(0",
        "-----BEGIN PRIVATE KEY-----",
        "data:a/b;",
        "{",
        '"',
    ):
        assert ALL.text(piece * (100_000 // len(piece)))
