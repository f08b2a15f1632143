"""A user's or a program's word on an answer given before."""

from __future__ import annotations

import msgspec

__all__ = ["Feedback", "Rated"]


class Feedback(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came in. Whether it is about an answer of this tenant is found out when it is stored."""

    decision: str
    """Id of the request it is about: the answer's `x-pointsman-decision`."""
    at_s: float
    """When it came, Unix seconds."""
    tenant: str
    score: float
    """From 0, useless, to 1, just right."""
    labels: dict[str, str | float | bool] = {}
    """Whatever else is to be kept, by name."""


class Rated(msgspec.Struct, frozen=True, kw_only=True):
    """Feedback together with the request it is about."""

    at_s: float
    score: float
    route: str | None
    variant: str | None
    """The variant that gave the answer."""
    unit: str | None
    propensity: float | None
    fell_back: bool
