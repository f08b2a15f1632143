"""Editions of the `genai-prices` list: the one inside the installed package, or a newer copy.

The package is imported on first use, because it takes longer to load than most commands take to run.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from genai_prices.types import Provider

__all__ = ["PriceList", "bundled_list", "current_list", "read_list", "use_list"]

_PUBLISHED = {"0.2.3": "2026-11-09"}
"""Version of the package → its newest price change that had happened when it was published."""


class PriceList(msgspec.Struct, frozen=True, kw_only=True):
    """One edition of the list."""

    providers: tuple[Provider, ...]
    source: str
    checked_on: str | None
    held: frozenset[str] = frozenset()
    """Entries (`provider:model`, the list's names) whose price failed the sanity gate; the bundled edition answers for them."""


_current: list[Callable[[], PriceList]] = []


def use_list(prices: Callable[[], PriceList] | None) -> None:
    """Let `find_price` read another edition (a refreshed copy) from now on; None goes back to the bundled one.

    `prices` is called for each look-up, so it should keep what it has read; it is not called before.
    """
    _current[:] = [] if prices is None else [prices]


def current_list() -> PriceList:
    """The edition `find_price` reads."""
    return _current[0]() if _current else bundled_list()


@cache
def bundled_list() -> PriceList:
    """The edition inside the installed package.

    The package keeps no reading date, so `checked_on` is the newest price change in it that had
    happened when it was published: the list was read then or later. None for a version we have not seen.
    """
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - 0.2 s that start-up must not pay

    providers = tuple(get_snapshot().providers)
    version = importlib.metadata.version("genai-prices")
    return PriceList(providers=providers, source=f"genai-prices {version}", checked_on=_PUBLISHED.get(version))


def read_list(raw: bytes, source: str, checked_on: str) -> PriceList:
    """An edition from the list's own published file. Raises ValueError for bytes that are not one."""
    # The package reads this file itself but offers no public function for it (its updater only fetches by URL).
    from genai_prices.types import _providers_from_raw  # noqa: PLC0415 - see above

    rows = json.loads(raw)
    if not isinstance(rows, list) or not rows:
        raise ValueError("not a list of providers")
    return PriceList(providers=tuple(_providers_from_raw(rows)), source=source, checked_on=checked_on)
