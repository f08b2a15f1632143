"""Whether an offer answers on a given day, and what becomes of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

import msgspec

from pointsman.catalog.entry import LifecycleEvent, Offer

__all__ = ["Lifecycle", "Stage", "lifecycle"]

Stage = Literal["active", "unconfirmed", "deprecated", "rerouted", "shut_down"]
"""`unconfirmed`: no end is known, but no current list names it any more. `deprecated`: it answers, and
its end is announced. `rerouted`: the name answers, but another model does."""

_SNAPSHOT = re.compile(r"-(20\d\d-?\d\d-?\d\d|\d{4}|00\d)(?=$|[-@:])")


class Lifecycle(msgspec.Struct, frozen=True, kw_only=True):
    """An offer's stage on a day."""

    stage: Stage
    ends_on: date | None = None
    """When the model behind the name stops, past or future; None if no end is known."""
    to: str = ""
    """What the provider advises or reroutes to."""
    source: str = ""
    """Source key of the event."""

    def days_left(self, on: date) -> int | None:
        """Days until the end, negative after it; None if no end is known."""
        return None if self.ends_on is None else (self.ends_on - on).days

    def alive(self, on: date) -> bool:
        """Whether the model itself still answers on that day."""
        return self.ends_on is None or on < self.ends_on


def lifecycle(offer: Offer, on: date, called: str = "") -> Lifecycle:
    """The stage of an offer on a day; of one of its other names, where `called` is given and has an end of its own.

    Otherwise the offer's own event decides. Without one, an offer ends with the last of its snapshots, provided
    that every snapshot it has carries a date; otherwise no end is known, which is not a promise.
    """
    event = _named(offer, called) or _own_event(offer) or _last_snapshot(offer)
    advised = next((e.to for e in offer.events if e.to), "")
    if event is None or event.day is None:
        quiet: Stage = "unconfirmed" if offer.unconfirmed else "active"
        return Lifecycle(stage="deprecated" if event else quiet, to=advised, source=event.source if event else "")
    reached: Stage = "rerouted" if event.kind == "rerouted" else "shut_down"
    stage: Stage = reached if on >= event.day else "deprecated"
    return Lifecycle(stage=stage, ends_on=event.day, to=event.to or advised, source=event.source)


def _named(offer: Offer, called: str) -> LifecycleEvent | None:
    if called in ("", offer.name):
        return None
    return next((e for e in offer.events if e.name == called and e.day is not None and e.kind != "replacement"), None)


def _own_event(offer: Offer) -> LifecycleEvent | None:
    own = [e for e in offer.events if not e.name and e.kind != "replacement"]
    dated = [e for e in own if e.day is not None]
    return min(dated, key=lambda e: e.day or date.max) if dated else (own[0] if own else None)


def _last_snapshot(offer: Offer) -> LifecycleEvent | None:
    ends = {e.name: e for e in offer.events if _SNAPSHOT.search(e.name) and e.day is not None}
    snapshots = [n for n in offer.names if _SNAPSHOT.search(n)]
    if not ends or any(n not in ends for n in snapshots) or not snapshots:
        return None
    return max(ends.values(), key=lambda e: e.day or date.min)
