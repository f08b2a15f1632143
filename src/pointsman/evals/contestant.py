"""A variant as the runner needs it: how to ask it, what asking costs, where its requests queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from pointsman.core.exchange import Cost
from pointsman.core.units import ZERO_USD, Usd
from pointsman.core.usage import Usage
from pointsman.core.variant import Variant
from pointsman.providers.provider import Provider

__all__ = ["Contestant", "Gate", "Price", "no_cost"]


class Price(Protocol):
    """What tokens cost at one variant."""

    def cost(self, usage: Usage) -> Cost:
        """Exact dollars of one call."""
        ...


class Gate(Protocol):
    """Lets a limited number of requests through to one provider."""

    async def acquire(self) -> float:
        """Wait for a place; returns the seconds waited."""
        ...

    def release(self) -> None: ...


def no_cost(_input_tokens: int, _output_tokens: int) -> Usd:
    """The bound of a call that nobody is charged for."""
    return ZERO_USD


class Contestant(msgspec.Struct, kw_only=True):
    """One variant of a run. `lane` names the provider whose limits it shares with others."""

    name: str
    variant: Variant
    provider: Provider
    lane: str
    price: Price | None = None
    gate: Gate | None = None
    stream: bool = False
    billed: bool = True
    """False for recorded and scripted answers: they have a price, and nobody is charged for them."""
    most_usd: Callable[[int, int], Usd] = no_cost
    """Upper bound in dollars of one call that reads and writes this many tokens."""
    max_output_tokens: int | None = None
    abandoned: str | None = None
    """Why no more requests are sent to it in this run."""
