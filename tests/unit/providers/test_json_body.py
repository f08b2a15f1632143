"""What is said of JSON that does not fit."""

from __future__ import annotations

import msgspec
import pytest

from pointsman.core.failure import FailureClass, ProviderError
from pointsman.providers.json_body import decode_reply, decode_request, fields_under, kept_fields, other_fields


class Inner(msgspec.Struct):
    names: list[str]


class Outer(msgspec.Struct):
    inner: Inner


DECODER = msgspec.json.Decoder(Outer)


@pytest.mark.parametrize(
    "body, message",
    [
        (b'{"inner": {"names": ["a", 1]}}', "inner.names[1]: expected str, got int"),
        (b'{"inner": {}}', "inner.names: required, but missing"),
        (b'{"inner": 3}', "inner: expected object, got int"),
        (b"[]", "body: expected object, got array"),
        (b"{", "body: input data was truncated"),
        (b"xyz", "body: JSON is malformed: invalid character (byte 0)"),
    ],
)
def test_a_clients_fault_names_the_field_and_what_stood_there(body: bytes, message: str) -> None:
    """The field first, as a person would write it."""
    with pytest.raises(ProviderError) as caught:
        decode_request(DECODER, body)
    assert caught.value.failure.kind is FailureClass.CLIENT_FAULT
    assert caught.value.failure.message == message


def test_a_field_inside_a_list_read_piece_by_piece_keeps_its_place() -> None:
    """`at` is where the piece stands."""
    with pytest.raises(ProviderError, match=r"^messages\[2\]\.inner: expected object, got str$"):
        decode_request(DECODER, b'{"inner": "x"}', "messages[2]")


@pytest.mark.parametrize("decode", [decode_request, lambda d, b: decode_reply(d, b, "the reply")])
@pytest.mark.parametrize("body", [b'{"x":' * 100_000, b"[" * 100_000, b'{"inner": {"names": ["\xff"]}}', b""])
def test_nothing_but_provider_errors_comes_out(decode: object, body: bytes) -> None:
    """Too deep, not UTF-8, nothing at all."""
    with pytest.raises(ProviderError):
        decode(DECODER, body)  # type: ignore[operator]  # one of two functions with one use


def test_fields_beyond_the_known_are_kept_and_found_again() -> None:
    """Nulls say nothing; a longer prefix is another place."""
    body = b'{"a": 1, "b": {"c": [2]}, "d": null}'
    assert {k: bytes(v) for k, v in other_fields(body, frozenset({"a"})).items()} == {"b": b'{"c": [2]}', "d": b"null"}
    kept = kept_fields(body, frozenset({"a"}), "x.")
    assert kept is not None
    assert {k: bytes(v) for k, v in kept.items()} == {"x.b": b'{"c": [2]}'}
    assert list(fields_under({**kept, "x.y.b": msgspec.Raw(b"3"), "z.b": msgspec.Raw(b"4")}, "x.")) == ["b"]
    assert kept_fields(b'{"a": 1}', frozenset({"a"}), "x.") is None


@pytest.mark.parametrize("place", [b'{"inner": {"names": []}, "x": "\xff"}', b'{"inner": {"names": []}, "\xf4": 1}'])
def test_bytes_that_are_no_text_are_found_wherever_they_stand(place: bytes) -> None:
    """msgspec looks only at what it decodes; kept raw, they would reach whoever reads on."""
    with pytest.raises(ProviderError) as asked:
        decode_request(DECODER, place)
    assert asked.value.failure.kind is FailureClass.CLIENT_FAULT
    with pytest.raises(ProviderError) as got:
        decode_reply(DECODER, place, "the reply")
    assert got.value.failure.kind is FailureClass.MALFORMED
