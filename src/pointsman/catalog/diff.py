"""What changed between two readings of the catalogue."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from pointsman.catalog.entry import Offer
from pointsman.catalog.lifecycle import lifecycle
from pointsman.catalog.load import Catalog
from pointsman.core.units import usd_text

__all__ = ["Change", "ChangeKind", "diff"]

ChangeKind = Literal["new", "gone", "price", "limit", "lifecycle", "capability"]

_LIMITS = ("context_tokens", "max_input_tokens", "max_output_tokens")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference; before or after is empty where there was or is nothing."""

    kind: ChangeKind
    offer: str
    what: str
    before: str
    after: str
    times: float | None = None
    """New price over old price."""


def diff(before: Catalog, after: Catalog, on: date) -> list[Change]:
    """Changes by kind and offer; empty if the two say the same."""
    changes: list[Change] = []
    for key in sorted(before.offers.keys() | after.offers.keys()):
        old, new = before.offers.get(key), after.offers.get(key)
        if old is None:
            changes.append(Change(kind="new", offer=key, what="offer", before="", after=_price(new)))
        elif new is None:
            changes.append(Change(kind="gone", offer=key, what="offer", before=_price(old), after=""))
        elif old != new:
            changes += _changes(old, new, on)
    return changes


def _changes(old: Offer, new: Offer, on: date) -> list[Change]:
    found = []
    for unit in sorted(old.every_rate.keys() | new.every_rate.keys()):
        was, now = old.every_rate.get(unit), new.every_rate.get(unit)
        if was != now:
            times = float(now / was) if was and now is not None else None
            found.append(Change(kind="price", offer=new.id, what=unit, before=_usd(was), after=_usd(now), times=times))
    for field in _LIMITS:
        was_limit, limit = getattr(old, field), getattr(new, field)
        if was_limit != limit:
            found.append(Change(kind="limit", offer=new.id, what=field, before=_text(was_limit), after=_text(limit)))
    for name in sorted(old.capabilities.keys() | new.capabilities.keys()):
        could, can = old.capabilities.get(name), new.capabilities.get(name)
        if could != can:
            found.append(Change(kind="capability", offer=new.id, what=name, before=_text(could), after=_text(can)))
    stage, now_stage = lifecycle(old, on), lifecycle(new, on)
    if stage != now_stage:
        found.append(
            Change(
                kind="lifecycle",
                offer=new.id,
                what=now_stage.stage,
                before=f"{stage.stage} {_text(stage.ends_on)}".strip(),
                after=f"{now_stage.stage} {_text(now_stage.ends_on)}".strip(),
            )
        )
    return found


def _price(offer: Offer | None) -> str:
    if offer is None or "input" not in offer.usd_per_million:
        return "no price"
    return f"{_usd(offer.usd_per_million['input'])} / {_usd(offer.usd_per_million.get('output'))}"


def _usd(value: Decimal | None) -> str:
    return "" if value is None else usd_text(value)


def _text(value: object) -> str:
    return "" if value is None else str(value)
