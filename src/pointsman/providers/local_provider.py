"""Providers that need no network: what each takes from a variant's entry, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from pointsman.core.plugin import Family
from pointsman.core.variant import Variant
from pointsman.providers.provider import Provider

__all__ = ["LOCAL", "LocalOpen", "LocalPlugin", "LocalPrice"]

Opts = TypeVar("Opts", bound=msgspec.Struct)
Opts_contra = TypeVar("Opts_contra", bound=msgspec.Struct, contravariant=True)


class LocalPrice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a local provider pretends to cost, in US dollars per million tokens. Reasoning is billed as output."""

    input_usd_per_million: Decimal
    """Of tokens read."""
    output_usd_per_million: Decimal
    """Of tokens written."""
    cache_read_usd_per_million: Decimal | None = None
    """None: cached tokens cost as much as others."""


class LocalOpen(Protocol[Opts_contra]):
    """Opens a provider for one variant.

    `base_dir` is where relative paths in the options start; `seed` is the run's. Raises
    `ConfigError` for options and `DatasetError` for files that cannot be used.
    """

    def __call__(self, options: Opts_contra, variant: Variant, base_dir: Path, seed: int) -> Provider: ...


def _no_price(_options: Any, _model: str, _base_dir: Path) -> LocalPrice | None:
    return None


@dataclass(frozen=True, slots=True)
class LocalPlugin(Generic[Opts]):
    """One local provider."""

    options: type[Opts]
    """The keys it takes from the variant's entry beside `provider`, `model`, `params`, …; unknown keys are refused."""
    open: LocalOpen[Opts]
    source_hash: Callable[[Opts, str, Path], str]
    """(options, model, base_dir) → hash of the file or script the answers come from, for `Variant.source_hash`."""
    price: Callable[[Opts, str, Path], LocalPrice | None] = _no_price
    """(options, model, base_dir) → the price it claims; None if it claims none."""


LOCAL: Family[LocalPlugin[Any]] = Family("pointsman.providers.local", LocalPlugin, "local provider")
