"""When a provider says a reply was made: a point in time, or nothing that a calendar could hold."""

from __future__ import annotations

from pointsman.providers.token_ledger import Count

__all__ = ["instant_s"]

_YEAR_10000_S = 253_402_300_800


def instant_s(said: Count) -> float | None:
    """Unix seconds as a float; None where nothing was said, for 0 (nobody knew) and outside the years 1970 to 9999."""
    return float(said) if said is not None and 0 < said < _YEAR_10000_S else None
