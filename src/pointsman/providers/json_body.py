"""JSON off the wire, decoded once into typed shapes, and what we say when it does not fit.

A client's body that does not fit is the client's fault, and the message names the field and what
stood there; a provider's body that does not fit is malformed. Nothing else is ever raised.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from pointsman.providers.http_failure import client_fault, malformed

__all__ = [
    "EMPTY_OBJECT",
    "decode_reply",
    "decode_request",
    "fields_under",
    "json_line",
    "json_text",
    "kept_fields",
    "other_fields",
    "raw",
    "untangle",
]

T = TypeVar("T")

EMPTY_OBJECT = msgspec.Raw(b"{}")

_ENCODER = msgspec.json.Encoder()
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MISFIT = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<field>[^`]+)`$")


def decode_request(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, at: str = "") -> T:
    """A client's JSON in the decoder's shape. Raises `ProviderError` (client fault) that names the field under `at`."""
    try:
        _check_text(body)
        return decoder.decode(body)
    except RecursionError:
        raise client_fault(f"{at or 'body'}: nested too deeply") from None
    except ValueError as error:  # what msgspec raises, also for bytes that are not UTF-8
        raise client_fault(untangle(str(error), at)) from None


def decode_reply(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, what: str) -> T:
    """A provider's JSON in the decoder's shape. Raises `ProviderError` (malformed) that says what was expected."""
    try:
        _check_text(body)
        return decoder.decode(body)
    except RecursionError:
        raise malformed(f"{what} is nested too deeply") from None
    except ValueError as error:
        raise malformed(f"{what} is not readable: {untangle(str(error))}") from None


def _check_text(body: bytes | msgspec.Raw) -> None:
    """Msgspec does not look inside what it keeps raw or skips, so bytes that are not UTF-8 would come to light later."""
    if type(body) is bytes and not body.isascii():
        body.decode()


def other_fields(body: bytes | msgspec.Raw, known: frozenset[str]) -> dict[str, msgspec.Raw]:
    """Top-level fields of a JSON object that are not among `known`, untouched. The body must have been decoded before."""
    return {k: v for k, v in _FIELDS.decode(body).items() if k not in known}


def kept_fields(body: bytes | msgspec.Raw, known: frozenset[str], prefix: str) -> dict[str, msgspec.Raw] | None:
    """Fields beyond `known` that say something, under `prefix`; None if there is none. Fit for the `extra` of a part."""
    found = {prefix + k: v for k, v in _FIELDS.decode(body).items() if k not in known and bytes(v) != b"null"}
    return found or None


def fields_under(extra: dict[str, msgspec.Raw] | None, prefix: str) -> dict[str, msgspec.Raw]:
    """What `kept_fields` kept under this very prefix, by their names on the wire."""
    cut = len(prefix)
    return {k[cut:]: v for k, v in (extra or {}).items() if k.startswith(prefix) and "." not in k[cut:]}


def raw(value: object) -> msgspec.Raw:
    """Any JSON-like value as raw JSON."""
    return msgspec.Raw(_ENCODER.encode(value))


def json_line(value: object) -> bytes:
    """JSON on one line, as streams need it: raw JSON that came with line breaks of its own would end an event early."""
    line = _ENCODER.encode(value)
    return msgspec.json.format(line, indent=-1) if b"\n" in line or b"\r" in line else line


def json_text(value: object) -> str:
    """Any JSON-like value as JSON text."""
    return _ENCODER.encode(value).decode("utf-8")


def untangle(complaint: str, at: str = "") -> str:
    """A complaint of msgspec with the field first: `messages[0].role: expected str, got int`."""
    match = _MISFIT.match(complaint)
    what, path = (match["what"], match["path"] or "") if match else (complaint, "")
    if missing := _MISSING.match(what):
        path, what = f"{path}.{missing['field']}", "required, but missing"
    where = (at + path).lstrip(".") or "body"
    plain = what.replace("`", "")
    return f"{where}: {plain if plain.startswith('JSON') else plain[:1].lower() + plain[1:]}"
