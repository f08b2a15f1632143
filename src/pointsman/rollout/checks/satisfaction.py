"""Are users of the candidate less content? Ratings between 0 and 1, at the time of the answer they rate."""

from __future__ import annotations

from typing import Any

import msgspec

from pointsman.rollout.check import CheckPlugin
from pointsman.rollout.mean_check import MeanCheck

__all__ = ["PLUGIN"]


class Fall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Falls of the mean rating, as shares of the control's."""

    warn: float = 0.05
    hold: float = 0.1
    rollback: float = 0.2


def _build(fall: Any, alpha: float) -> MeanCheck:
    rungs = (1.0 - fall.warn, 1.0 - fall.hold, 1.0 - fall.rollback)
    return MeanCheck("rating", rungs, alpha, more_is_worse=False, top=1.0)


PLUGIN = CheckPlugin(summary="Mean rating by users.", options=Fall, build=_build, reads="rating", more_is_worse=False)
