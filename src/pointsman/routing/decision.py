"""What a policy answers: who, why, and how likely that choice was."""

from __future__ import annotations

import msgspec

__all__ = ["Decision"]


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One choice. Made once per variant where possible and shared by all requests that get it."""

    variant: str
    """Name of the variant to ask first."""
    reason: str
    """For people: why this one."""
    propensity: float = 1.0
    """Chance this variant had before the draw, in (0, 1]: what later analysis weights by."""
