"""The provider's own name for a request."""

import msgspec

from pointsman.providers.request_id import request_id


def test_the_first_header_that_names_it_counts():
    assert request_id({"request-id": "b", "x-request-id": "a"}) == "a"
    assert request_id({"x-amzn-requestid": "c"}) == "c"
    assert request_id({}) is None


def test_it_can_always_be_written_down():
    """Bytes of a header that are no text come as lone surrogates, which JSON cannot hold."""
    found = request_id({"x-request-id": "r\udcff"})
    assert found == "r?"
    assert msgspec.json.encode(found)
