"""Did the candidate get the share of units it was meant to get? If not, no other comparison can be trusted."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from pointsman.core.estimate import Measured, Unknown
from pointsman.core.verdict import Fail, Pass, Verdict
from pointsman.rollout.check import CheckPlugin, Judgement
from pointsman.rollout.observations import Seen
from pointsman.stats.intervals import wilson
from pointsman.stats.sequential.sample_ratio import log_bayes_path
from pointsman.stats.sequential.wealth import first_at_or_above

__all__ = ["PLUGIN"]


class Level(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How rarely a sound assignment may be accused."""

    alpha: float = 0.001
    min_units: int = 100
    """Below this it says Unknown."""


class RatioState(msgspec.Struct, frozen=True, kw_only=True):
    """Units per weight: candidate's, control's; and the evidence."""

    counts: dict[float, tuple[int, int]] = {}
    log_e: float = 0.0
    newest_unit: int = -1
    breached_at_s: float | None = None


class SampleRatio:
    """Dirichlet-multinomial test on units."""

    def __init__(self, level: Level) -> None:
        self.level = level

    def start(self) -> RatioState:
        return RatioState()

    def observe(self, state: RatioState, seen: Seen) -> RatioState:
        rows = seen.requests
        if rows is None or not len(rows):
            return state
        before = np.maximum.accumulate(np.concatenate([[state.newest_unit], rows.unit[:-1]]))
        new = (rows.unit > before) & (rows.weight > 0.0) & (rows.weight < 1.0)
        counts, log_e, when = dict(state.counts), state.log_e, state.breached_at_s
        for weight in np.unique(rows.weight[new]).tolist():
            at = np.flatnonzero(new & (rows.weight == weight))
            had = counts.get(weight, (0, 0))
            path = log_e + log_bayes_path(rows.candidate[at], weight, had)
            crossed = first_at_or_above(path, -math.log(self.level.alpha))
            if when is None and crossed is not None:
                when = float(rows.time_s[at[crossed]])
            mine = int(rows.candidate[at].sum())
            counts[weight] = (had[0] + mine, had[1] + len(at) - mine)
            log_e = float(path[-1])
        return RatioState(
            counts=counts, log_e=log_e, newest_unit=max(state.newest_unit, int(rows.unit.max())), breached_at_s=when
        )

    def judge(self, state: RatioState) -> Judgement:
        units = sum(a + b for a, b in state.counts.values())
        meant = sum(w * (a + b) for w, (a, b) in state.counts.items())
        estimate: Measured = Unknown("no unit has been assigned by chance", needed=self.level.min_units)
        if units:
            estimate = wilson(sum(a for a, _ in state.counts.values()), units)
        verdict: Verdict
        if state.breached_at_s is not None:
            verdict = Fail(estimate, f"{meant:,.0f} of {units:,} units were meant for the candidate")
        elif units < self.level.min_units:
            verdict = Unknown(f"{units} units are too few", needed=self.level.min_units - units)
        else:
            verdict = Pass(estimate, "the assignment gives no reason for doubt")
        return Judgement(
            verdict=verdict,
            rung="hold" if state.breached_at_s is not None else "clear",
            log_e=state.log_e,
            log_threshold=-math.log(self.level.alpha),
            estimate=estimate,
            breached_at_s=state.breached_at_s,
        )


def _build(level: Any, alpha: float) -> SampleRatio:
    return SampleRatio(msgspec.structs.replace(level, alpha=min(alpha, level.alpha)))


PLUGIN = CheckPlugin(
    summary="Share of units that got the candidate; a hold, because it is the measuring that is broken.",
    options=Level,
    build=_build,
    reads="units",
    alpha_share=0.1,
)
