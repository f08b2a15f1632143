"""What providers promise about the data they are sent."""

from __future__ import annotations

from functools import cache

import msgspec

from pointsman.core.fact import Fact
from pointsman.selection.tables import table

__all__ = ["region_fact", "training_fact"]


class _Terms(msgspec.Struct):
    provider: str
    no_training: bool | None = None
    regions: tuple[str, ...] | None = None
    region_note: str = ""
    training_note: str = ""


class _Table(msgspec.Struct):
    source: str
    checked_on: str
    terms: tuple[_Terms, ...]


@cache
def _terms() -> dict[str, _Terms]:
    return {t.provider: t for t in _table().terms}


@cache
def _table() -> _Table:
    return table("provider_terms.toml", _Table)


def region_fact(provider: str) -> tuple[Fact[tuple[str, ...]], str] | None:
    """Regions in which processing can be fixed, with what to mind; None if nobody says."""
    row = _terms().get(provider)
    if row is None or row.regions is None:
        return None
    return Fact(row.regions, _table().source, _table().checked_on), row.region_note


def training_fact(provider: str) -> tuple[Fact[bool], str] | None:
    """Whether the provider promises not to train on the data (True), with what to mind; None if nobody says."""
    row = _terms().get(provider)
    if row is None or row.no_training is None:
        return None
    return Fact(row.no_training, _table().source, _table().checked_on), row.training_note
