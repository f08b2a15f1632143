"""How long a provider asks us to wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.providers.retry_after import LONGEST_WAIT_S, read_retry_after_s, write_retry_after

NOON = "Mon, 23 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    "headers, wait_s",
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after": "1", "retry-after-ms": "0"}, 1.0),
        ({"retry-after": "0", "retry-after-ms": "0"}, 0.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT", "date": NOON}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT", "date": NOON}, None),
        ({"retry-after": "86400"}, LONGEST_WAIT_S),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, LONGEST_WAIT_S),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "soon", "retry-after-ms": "20"}, 0.02),
    ],
)
def test_every_way_of_asking_is_read(headers: dict[str, str], wait_s: float | None) -> None:
    """Seconds, milliseconds and dates; what is unreadable or in the past asks for nothing; an hour is the most."""
    assert read_retry_after_s(headers) == wait_s


@given(wait_ms=st.integers(0, 3_600_000))
def test_a_written_wait_is_read_back(wait_ms: int) -> None:
    """To the millisecond, and whole seconds are never less than asked."""
    headers = write_retry_after(wait_ms / 1000)
    assert read_retry_after_s(headers) == pytest.approx(wait_ms / 1000, abs=1e-9)
    assert int(headers["retry-after"]) >= wait_ms / 1000


def test_no_wait_writes_no_header() -> None:
    """None is not 0: a client that is told nothing uses its own back-off."""
    assert write_retry_after(None) == {}
    assert write_retry_after(0.0)["retry-after"] == "0"
