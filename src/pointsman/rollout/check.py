"""What a rollout check is: it takes in what was seen of both arms, and judges the candidate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

import msgspec

from pointsman.core.estimate import Measured
from pointsman.core.failure import ConfigError
from pointsman.core.plugin import Family
from pointsman.core.verdict import Verdict
from pointsman.rollout.observations import Seen

__all__ = ["CHECKS", "Check", "CheckPlugin", "Judgement", "Ladder", "Rung", "check_ladder"]

Rung = Literal["clear", "warn", "hold", "rollback"]


class Ladder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ratios to the control at which something is done. What a user may write under a check's name."""

    warn: float = 1.3
    hold: float = 1.5
    rollback: float = 2.0


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A check's answer at one moment."""

    verdict: Verdict
    rung: Rung
    log_e: float
    """Evidence of harm now; a rollback needs `log_threshold`."""
    log_threshold: float
    estimate: Measured
    breached_at_s: float | None = None
    """Moment of the event that settled it, in seconds since the rollout began; None if nothing is settled."""


class Check(Protocol):
    """A check with its options and its share of the allowed error set. Pure: states are values."""

    def start(self) -> Any:
        """The state before anything was seen."""
        ...

    def observe(self, state: Any, seen: Seen) -> Any:
        """The state after it."""
        ...

    def judge(self, state: Any) -> Judgement:
        """What follows from it. Nothing seen: Unknown. A breach is never taken back."""
        ...


class CheckPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """What a check module exports as `PLUGIN`."""

    summary: str
    """One sentence for the docs."""
    options: type[msgspec.Struct]
    build: Callable[[Any, float], Check]
    """(options, α) → check. Raises `ConfigError` for options that contradict each other."""
    reads: str
    """The column of the observations it reads; `pairs` and `units` for those two."""
    alpha_share: float = 1.0
    """Its part of the allowed false rollbacks, relative to the other guardrails."""
    more_is_worse: bool = True
    """Whether a larger value of that column is the worse one."""


CHECKS: Family[CheckPlugin] = Family("pointsman.rollout.checks", CheckPlugin, "rollout check")


def check_ladder(ladder: Ladder) -> Ladder:
    """The ladder, if its rungs ascend above 1. Raises `ConfigError`."""
    if not 1.0 < ladder.warn <= ladder.hold <= ladder.rollback:
        raise ConfigError("rungs must ascend: 1 < warn ≤ hold ≤ rollback", key="rollback", value=ladder.rollback)
    return ladder
