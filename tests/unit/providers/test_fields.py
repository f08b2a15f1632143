"""One JSON object taken apart member by member."""

from __future__ import annotations

import pytest

from pointsman.core.failure import FailureClass, ProviderError
from pointsman.providers.fields import INT, RAW, STR, Fields
from pointsman.providers.json_body import decode_reply


def test_members_are_taken_with_their_type_and_the_rest_is_left() -> None:
    """Null counts as absent, and says nothing among the rest either."""
    fields = Fields(b'{"a": 1, "b": "x", "c": null, "d": {"e": 2}, "f": null}')
    assert (fields.take("a", INT), fields.need("b", STR), fields.take("c", STR), fields.take("z", STR)) == (1, "x", None, None)
    assert {k: bytes(v) for k, v in fields.spare("p.").items()} == {"p.d": b'{"e": 2}'}


def test_what_does_not_fit_is_blamed_on_its_sender_by_path() -> None:
    """A client's request, or a provider's reply."""
    inner = Fields(Fields(b'{"a": {"b": []}}', "top").need("a", RAW), "top.a")
    with pytest.raises(ProviderError, match=r"^top\.a\.b: expected int, got array$"):
        inner.take("b", INT)
    with pytest.raises(ProviderError, match=r"^top\.a\.c: expected str, got null$"):
        inner.need("c", STR)
    with pytest.raises(ProviderError) as caught:
        Fields(b"[]", "top", decode=decode_reply)
    assert caught.value.failure.kind is FailureClass.MALFORMED


def test_bytes_that_are_not_utf8_are_found_also_in_members_nobody_reads() -> None:
    """Because they would be handed on."""
    with pytest.raises(ProviderError) as caught:
        Fields(b'{"a": {"b": "\xff"}}')
    assert caught.value.failure.kind is FailureClass.CLIENT_FAULT
