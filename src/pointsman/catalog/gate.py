"""The sanity gate: what a refreshed source must not do to our prices.

A list of prices has been off by a factor of a thousand before. A price that moves more than fivefold
or becomes 0 is held back; a source in which that happens often, or which loses many offers, is
refused as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

__all__ = ["GateReport", "HeldPrice", "check_prices"]

MOST_TIMES = Decimal(5)
"""A price may rise or fall by this factor between two readings."""
MOST_HELD_RATIO = 0.01
"""Above this share of held prices (and at least three) the source itself is not to be believed."""
LEAST_KEPT_RATIO = 0.8
"""A list that names fewer of the offers it named before has been cut."""

Prices = Mapping[str, Mapping[str, Decimal]]
"""Offer id → unit, or unit above a number of tokens → US dollars per million."""


class HeldPrice(msgspec.Struct, frozen=True):
    """One price that was not taken over."""

    offer: str
    unit: str
    before: Decimal
    now: Decimal
    reason: str


class GateReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate found. `refused` says why the whole source was turned away; None if it was let in."""

    compared: int
    held: tuple[HeldPrice, ...]
    lost: tuple[str, ...]
    """Offers the source named before and no longer does."""
    refused: str | None = None

    @property
    def held_offers(self) -> frozenset[str]:
        return frozenset(h.offer for h in self.held)


def check_prices(before: Prices, now: Prices) -> GateReport:
    """Compare what a source says now with the last good reading of it."""
    shared = [(o, u) for o, units in before.items() if o in now for u in units if u in now[o]]
    held = tuple(h for o, u in shared if (h := _hold(o, u, before[o][u], now[o][u])) is not None)
    lost = tuple(sorted(o for o in before if o not in now))
    return GateReport(compared=len(shared), held=held, lost=lost, refused=_refusal(len(before), len(shared), held, lost))


def _hold(offer: str, unit: str, before: Decimal, now: Decimal) -> HeldPrice | None:
    if before <= 0 or before == now:
        return None
    if now <= 0:
        return HeldPrice(offer, unit, before, now, "became 0, which does not tell free from unknown")
    times = max(now / before, before / now)
    return HeldPrice(offer, unit, before, now, f"moved {times:.4g}-fold") if times > MOST_TIMES else None


def _refusal(known: int, compared: int, held: tuple[HeldPrice, ...], lost: tuple[str, ...]) -> str | None:
    if known and len(lost) > (1 - LEAST_KEPT_RATIO) * known:
        return f"it no longer names {len(lost)} of {known} offers"
    if len(held) >= 3 and len(held) > MOST_HELD_RATIO * compared:
        return f"{len(held)} of {compared} prices moved more than {MOST_TIMES}-fold or became 0"
    return None
