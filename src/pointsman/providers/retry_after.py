"""How long a provider asks us to wait, read from its headers and written into ours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

__all__ = ["LONGEST_WAIT_S", "capped_wait_s", "read_retry_after_s", "write_retry_after"]

LONGEST_WAIT_S = 3600.0
"""No request to wait is believed beyond this: after an hour it is worth asking again."""

_IN_MS = ("retry-after-ms", "x-ms-retry-after-ms")


def read_retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, at most `LONGEST_WAIT_S`; None if the headers (lower-case names) ask for nothing readable.

    Milliseconds come first because they are finer, but Azure sends `retry-after-ms: 0` beside
    `retry-after: 1`: the first positive answer counts, and 0 only if nothing says more.
    """
    waits = [_number(headers.get(name), 0.001) for name in _IN_MS]
    waits.append(_seconds_or_date(headers))
    known = [w for w in waits if w is not None]
    return next((w for w in known if w > 0), 0.0 if known else None)


def write_retry_after(seconds: float | None) -> dict[str, str]:
    """Headers that ask for this wait: whole seconds, rounded up, and milliseconds for clients that read them."""
    if seconds is None:
        return {}
    wait_s = capped_wait_s(seconds) or 0.0
    return {"retry-after": str(math.ceil(wait_s)), "retry-after-ms": f"{wait_s * 1000:.3f}".rstrip("0").rstrip(".")}


def capped_wait_s(seconds: float) -> float | None:
    """The wait between 0 and `LONGEST_WAIT_S`; None for a number that is none, or lies in the past."""
    return min(seconds, LONGEST_WAIT_S) if seconds >= 0 else None


def _seconds_or_date(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after")
    if value is None:
        return None
    plain = _number(value, 1.0)
    return plain if plain is not None else _until(value, headers.get("date"))


def _number(text: str | None, unit_s: float) -> float | None:
    try:
        return None if text is None else capped_wait_s(float(text) * unit_s)
    except ValueError:
        return None


def _until(when: str, now: str | None) -> float | None:
    # The server's own `date` is the only clock a date of its making can be measured with; without it, nothing is known.
    try:
        return None if now is None else capped_wait_s((parsedate_to_datetime(when) - parsedate_to_datetime(now)).total_seconds())
    except (ValueError, TypeError, OverflowError):  # TypeError: one date has a time zone and the other none
        return None
