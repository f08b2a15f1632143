"""One request that both sides of a migration answered, and how the two answers compare. It holds no text."""

from __future__ import annotations

import msgspec

from pointsman.core.served import Served

__all__ = ["Compared", "ShadowPair"]


class Compared(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What can be said of two answers without knowing the right one."""

    baseline_flaw: str = ""
    """What is wrong with the baseline's answer, in two words; empty if nothing is."""
    candidate_flaw: str = ""
    similarity: float | None = None
    """How alike the visible texts are, from 0 to 1; None where one of them has none."""


class ShadowPair(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The pair, with the record of the request nobody waited for."""

    migration: str
    unit: str
    at_s: float
    """When the candidate had answered, Unix seconds."""
    compared: Compared
    baseline_latency_s: float | None = None
    baseline_cost_usd: float | None = None
    mirrored: Served
    """The candidate's side, for the ledger: it costs real money."""
