"""What one outside source says about one offer, and the contract each source keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import msgspec

from pointsman.catalog.price_sheet import UnitKind
from pointsman.core.plugin import Family

__all__ = ["Claim", "FactSource", "fact_sources"]


class Claim(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One source's row, in our words and units. None and absent keys: the source does not say."""

    provider: str
    name: str
    kind: str = "chat"
    context_tokens: int | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    modalities_in: tuple[str, ...] | None = None
    modalities_out: tuple[str, ...] | None = None
    capabilities: dict[str, bool] = msgspec.field(default_factory=dict)
    effort_levels: tuple[str, ...] = ()
    usd_per_million: dict[UnitKind, Decimal] = msgspec.field(default_factory=dict)
    """List price; a source's 0 is left out where it does not tell free from unknown."""
    ends_on: date | None = None
    released_on: str | None = None
    knowledge_cutoff: str | None = None
    open_weights: bool | None = None


class FactSource(msgspec.Struct, frozen=True, kw_only=True):
    """A public list of models: where it is, under which licence, and how to read it."""

    name: str
    url: str
    licence: str
    read: Callable[[bytes], tuple[Claim, ...]]
    """Raises `msgspec.DecodeError`, `ValueError` or `KeyError` for bytes that are not this list."""


def fact_sources() -> Family[FactSource]:
    """The sources we can read, one file each."""
    return Family("pointsman.catalog.sources", FactSource, "fact source")
