"""What the catalogue holds: models, offers, lifecycle events and published scores.

Every field may be None, which means that no source says; it is neither False nor 0. Who said what
is kept per field in `said_by`, as a key into the catalogue's sources.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from pointsman.catalog.price_sheet import Rate, Rates, Tier, UnitKind, by_unit

__all__ = ["EventKind", "LifecycleEvent", "Model", "Offer", "Score", "Source"]

EventKind = Literal["deprecated", "shut_down", "rerouted", "replacement"]


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who says something, and when it was read."""

    name: str
    checked_on: str
    """ISO date of the reading, or of the source's own data where that is older."""
    licence: str = ""
    url: str = ""
    layer: Literal["bundled", "refreshed", "user", "measured"] = "bundled"


class LifecycleEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happens to an offer on a day; dates differ between platforms, so they belong to the offer."""

    kind: EventKind
    day: date | None = None
    name: str = ""
    """The provider's name it concerns, if that is a snapshot and not the offer's own name."""
    to: str = ""
    """Where requests go or what the maker advises instead."""
    source: str = ""
    """Source key."""
    note: str = ""


class Offer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model at a provider. Its modes (batch, flex, effort levels) are listed, each being a separate choice."""

    provider: str
    name: str
    model: str | None = None
    """Id of the model, `maker/key`."""
    names: tuple[str, ...] = ()
    """Other names the provider accepts for it, snapshots included."""
    kind: str = "chat"
    context_tokens: int | None = None
    """Total window: what is read plus what is written."""
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    modalities_in: tuple[str, ...] | None = None
    modalities_out: tuple[str, ...] | None = None
    capabilities: dict[str, bool] = msgspec.field(default_factory=dict)
    """Such as `tool_calling`, `structured_output`, `reasoning`; an absent key is unknown."""
    modes: tuple[str, ...] = ()
    effort_levels: tuple[str, ...] = ()
    price_moves_with: tuple[str, ...] = ()
    """`hour`, `context` or `date` where the list price is not one number."""
    usd_per_million: dict[UnitKind, Decimal] = msgspec.field(default_factory=dict)
    """Standard list price when the catalogue was made, for filters and offline use; bills use the price sheet."""
    tiers: dict[UnitKind, tuple[Tier, ...]] = msgspec.field(default_factory=dict)
    """Context tiers over that list price, so that a shortlist of long requests need not load the whole price list."""
    events: tuple[LifecycleEvent, ...] = ()
    unconfirmed: bool = False
    """The list that follows this maker's current offers no longer names it: it may be gone without a date."""
    said_by: dict[str, str] = msgspec.field(default_factory=dict)
    """Field → source key; the empty field name is the default."""

    @property
    def id(self) -> str:
        """`provider:name`."""
        return f"{self.provider}:{self.name}"

    @property
    def list_rates(self) -> Rates:
        """The list price with its context tiers."""
        return {unit: Rate(price, self.tiers.get(unit, ())) for unit, price in self.usd_per_million.items()}

    @property
    def every_rate(self) -> dict[str, Decimal]:
        """List price and tiers side by side, such as `input` and `input above 200000`."""
        tiers = {f"{u} above {t.above_input_tokens}": t.usd_per_million for u, steps in self.tiers.items() for t in steps}
        return {**by_unit(self.usd_per_million), **tiers}


class Model(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The weights, or the named product of a maker. Facts that hold wherever it is served."""

    id: str
    name: str = ""
    family: str = ""
    kind: str = "language"
    """`language`, `multimodal`, `vision`, `image_generation`, `code`, `medical`, `legal`, `scientific`, `financial`, …"""
    names: tuple[str, ...] = ()
    """Keys under which providers offer it, besides its own."""
    released_on: str | None = None
    """ISO date, or year and month where no more is known."""
    knowledge_cutoff: str | None = None
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    params_total: int | None = None
    params_active: int | None = None
    open_weights: bool | None = None
    licence: str | None = None
    commercial_use: bool | None = None
    """Whether the licence lets a company serve it itself; conditions stand in `note`."""
    modalities_in: tuple[str, ...] | None = None
    modalities_out: tuple[str, ...] | None = None
    capabilities: dict[str, bool] = msgspec.field(default_factory=dict)
    availability: Literal["api", "weights", "product", "not_public", "category"] = "api"
    """`category` marks a kind of model the field names without a single product."""
    note: str = ""
    said_by: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def maker(self) -> str:
        return self.id.split("/", 1)[0]


class Score(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One published result. Scores of different settings are different scores."""

    model: str
    benchmark: str
    value: float
    """In the benchmark's own unit; shares as 0…1."""
    setting: str = ""
    low: float | None = None
    high: float | None = None
    name: str = ""
    """The snapshot that was scored, as its source writes it."""
    self_reported: bool | None = None
    day: str | None = None
    source: str = ""
    """Source key."""
    url: str = ""
