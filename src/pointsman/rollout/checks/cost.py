"""Does a request to the candidate cost more? What an answer cost is taken from its usage, never from a name."""

from __future__ import annotations

from typing import Any

from pointsman.rollout.check import CheckPlugin, Ladder
from pointsman.rollout.mean_check import MeanCheck

__all__ = ["PLUGIN"]


class CostLadder(Ladder, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Multiples of the control's mean cost per request."""

    warn: float = 1.1
    hold: float = 1.2
    rollback: float = 1.5


def _build(ladder: Any, alpha: float) -> MeanCheck:
    return MeanCheck("cost_usd", (ladder.warn, ladder.hold, ladder.rollback), alpha, more_is_worse=True)


PLUGIN = CheckPlugin(summary="Mean cost per request.", options=CostLadder, build=_build, reads="cost_usd")
