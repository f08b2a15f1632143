"""What happens to the offers you use: ends, reroutes, price moves; and what could take their place."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from pointsman.catalog.entry import Offer
from pointsman.catalog.lifecycle import lifecycle
from pointsman.catalog.load import Catalog
from pointsman.core.estimate import Unknown

__all__ = ["Alert", "Candidate", "Watched", "price_move", "replacements", "watch"]

AlertKind = Literal["shut_down", "ending", "rerouted", "rerouting", "unconfirmed", "price", "unknown"]
_URGENT: frozenset[AlertKind] = frozenset({"shut_down", "ending", "rerouted", "rerouting"})


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that could replace another."""

    offer: str
    usd_per_million: tuple[Decimal, Decimal]
    price_ratio: float
    """Its list price over the old one's, three tokens read for each written."""
    context_tokens: int | None
    why: str


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to know about one variant."""

    variant: str
    offer: str
    kind: AlertKind
    message: str
    day: date | None = None
    source: str = ""
    candidates: tuple[Candidate, ...] = ()

    @property
    def urgent(self) -> bool:
        """Whether somebody has to act: the model stops or is swapped for another."""
        return self.kind in _URGENT


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A variant in use. `offer` is None if the catalogue does not know what it calls."""

    name: str
    offer: Offer | None
    called: str
    """`provider:model` as written."""
    price_was: Decimal | None = None
    """Dollars per million tokens at three read for each written, when last looked at; None if unknown."""
    price_is: Decimal | None = None


def watch(catalog: Catalog, variants: list[Watched], on: date, horizon_days: int) -> list[Alert]:
    """Alerts for every variant, the most urgent first; empty if nothing is known to change."""
    alerts = [a for v in variants for a in _alerts(catalog, v, on, horizon_days)]
    return sorted(alerts, key=lambda a: (not a.urgent, a.day or date.max, a.variant))


def price_move(was: Decimal | None, now: Decimal | None) -> str | None:
    """`+50 %` and the like; None if nothing moved or one of them is unknown."""
    if was is None or now is None or was in (now, 0):
        return None
    return f"{float(now / was - 1):+.0%}"


def replacements(catalog: Catalog, offer: Offer, on: date, horizon_days: int, most: int = 3) -> tuple[Candidate, ...] | Unknown:
    """Offers of the same provider that can do at least as much, last longer than the horizon, and cost about the same.

    The provider's own advice comes first where it is offered. "At least as much": every capability and
    input kind the old one is known to have, and its window. Unknown if the old offer has no price to compare.
    """
    price = _price(offer)
    if price is None:
        return Unknown(f"{offer.id} has no list price to compare with")
    advised = lifecycle(offer, on).to
    able = [o for o in catalog.offers.values() if _can_replace(catalog, o, offer, on, horizon_days)]
    ranked = sorted(able, key=lambda o: (not _advised(o, advised), _distance(_price(o), price), o.id))
    return tuple(_candidate(catalog, o, price, advised=_advised(o, advised)) for o in ranked[:most])


def _alerts(catalog: Catalog, variant: Watched, on: date, horizon_days: int) -> list[Alert]:
    offer = variant.offer
    if offer is None:
        message = f"the catalogue does not know {variant.called}: nobody watches its end for you"
        return [Alert(variant=variant.name, offer=variant.called, kind="unknown", message=message)]
    found = []
    called = variant.called.partition(":")[2] or offer.name
    life = lifecycle(offer, on, called)
    left = life.days_left(on)
    kind: AlertKind | None = None
    if life.stage in ("shut_down", "rerouted"):
        kind = "shut_down" if life.stage == "shut_down" else "rerouted"
    elif left is not None and left <= horizon_days:
        kind = "rerouting" if any(e.kind == "rerouted" and e.day == life.ends_on for e in offer.events) else "ending"
    elif life.stage == "unconfirmed":
        kind = "unconfirmed"
    if kind is not None:
        choices = replacements(catalog, offer, on, horizon_days)
        found.append(
            Alert(
                variant=variant.name,
                offer=offer.id,
                kind=kind,
                message=_message(kind, called, life.ends_on, left, life.to),
                day=life.ends_on,
                source=catalog.sources[life.source].name if life.source in catalog.sources else life.source,
                candidates=() if isinstance(choices, Unknown) else choices,
            )
        )
    if (moved := price_move(variant.price_was, variant.price_is)) is not None:
        message = (
            f"costs {moved}: {variant.price_was:f} → {variant.price_is:f} USD per million tokens, three read for each written"
        )
        found.append(Alert(variant=variant.name, offer=offer.id, kind="price", message=message))
    return found


def _message(kind: AlertKind, name: str, day: date | None, left: int | None, to: str) -> str:
    advice = f"; the provider names {to}" if to else ""
    match kind:
        case "shut_down":
            return f"{name} stopped on {day}{advice}"
        case "rerouted":
            return f"since {day} {name} is answered by {to}, at its price: nobody asked you"
        case "rerouting":
            return f"in {left} days, on {day}, {name} will be answered by {to}, at its price"
        case "ending":
            return f"{name} stops in {left} days, on {day}{advice}"
        case _:
            return f"no current list names {name} any more; it may end without a date we know"


def _can_replace(catalog: Catalog, new: Offer, old: Offer, on: date, horizon_days: int) -> bool:
    if new.provider != old.provider or new.id == old.id or new.kind != old.kind or new.unconfirmed or _price(new) is None:
        return False
    if _SPECIAL.search(new.name) and not _SPECIAL.search(old.name):
        return False
    left = lifecycle(new, on).days_left(on)
    if left is not None and left <= horizon_days:
        return False
    able = all(new.capabilities.get(name) is True for name, can in old.capabilities.items() if can and name in _ESSENTIAL)
    return able and _reads(catalog, new, old) and (_window(catalog, new) or 0) >= (_window(catalog, old) or 0)


_SPECIAL = re.compile(r"preview|exp\b|search|audio|realtime|image|tts|extended|:free")
"""Marks in a name of something other than the plain model of that family."""
_ESSENTIAL = frozenset({"tool_calling", "structured_output"})


def _reads(catalog: Catalog, new: Offer, old: Offer) -> bool:
    had, has = catalog.fact(old, "modalities_in"), catalog.fact(new, "modalities_in")
    needed = set(had.value) if had is not None and isinstance(had.value, tuple) else set()
    return needed <= (set(has.value) if has is not None and isinstance(has.value, tuple) else {"text"})


def _window(catalog: Catalog, offer: Offer) -> int | None:
    fact = catalog.fact(offer, "context_tokens") or catalog.fact(offer, "max_input_tokens")
    return fact.value if fact is not None and isinstance(fact.value, int) else None


def _price(offer: Offer) -> Decimal | None:
    read, written = offer.usd_per_million.get("input"), offer.usd_per_million.get("output")
    return (3 * read + written) / 4 if read and written else None


def _distance(price: Decimal | None, wanted: Decimal) -> float:
    return abs(float((price or wanted).ln() - wanted.ln()))


def _advised(offer: Offer, advised: str) -> bool:
    return bool(advised) and (offer.name == advised or advised in offer.names)


def _candidate(catalog: Catalog, offer: Offer, old: Decimal, *, advised: bool) -> Candidate:
    ratio = float((_price(offer) or old) / old)
    why = "advised by the provider; " if advised else ""
    return Candidate(
        offer=offer.id,
        usd_per_million=(offer.usd_per_million["input"], offer.usd_per_million["output"]),
        price_ratio=ratio,
        context_tokens=_window(catalog, offer),
        why=f"{why}does what the old one did at {ratio:.2f} times its price",
    )
