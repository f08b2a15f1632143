"""One trial: a case answered once by a variant, with everything a later reading needs.

A trial is one line of the run's journal, so scoring can be redone offline from it.
"""

from __future__ import annotations

import msgspec

from pointsman.core.chat import ToolCall
from pointsman.core.exchange import Exchange
from pointsman.evals.outcome import Outcome

__all__ = ["Trial"]


class Trial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The record of one trial. Its key is (case hash, variant hash, repeat)."""

    case: str
    """Case id."""
    case_hash: str
    variant: str
    """Variant hash."""
    repeat: int = 0
    order: int = 0
    """Position in the run's schedule: which trials ran side by side."""
    index: int = 0
    """Position of the case in the test set; the set's hash vouches that it is the same case."""
    outcome: Outcome
    score: float | None = None
    """Primary score, 0 to 1; None if the trial has none. A bad format, a refusal or a truncation scores 0."""
    scores: dict[str, float] = msgspec.field(default_factory=dict)
    """Every scorer's value by name, where there is more than one."""
    read: str | None = None
    """What the scorer read out of the answer."""
    reason: str | None = None
    """Why it was not scored, or not in the right form, or refused."""
    output: str | None = None
    """The visible answer."""
    refusal: str | None = None
    """The refusal the provider marked as such."""
    tool_calls: tuple[ToolCall, ...] = ()
    exchange: Exchange
