"""The usual thresholds, as a check, to be rehearsed beside ours: no test, no control, five minutes at a time.

Errors above twice the baseline's rate over five minutes, or satisfaction 20 % below it, roll back; no
alarm counts as a pass. The baseline is what the control has shown so far, which flatters the rule:
a team would have taken last month's figure.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from pointsman.core.estimate import Unknown
from pointsman.core.verdict import Fail, Pass, Verdict
from pointsman.rollout.check import Judgement
from pointsman.rollout.observations import Requests, Seen
from pointsman.stats.clusters import Floats

__all__ = ["GuideRule", "GuideState"]

_WINDOW_S = 300.0
_ERRORS = 2.0
_SATISFACTION = 0.8


class GuideState(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of the control, and when the rule fired. A look falls on whole windows; one cut by it is read twice."""

    errors: tuple[float, float] = (0.0, 0.0)
    ratings: tuple[float, float] = (0.0, 0.0)
    fired_at_s: float | None = None
    reason: str = ""


class GuideRule:
    """The rule as a check."""

    def start(self) -> GuideState:
        return GuideState()

    def observe(self, state: GuideState, seen: Seen) -> GuideState:
        rows = seen.requests
        if rows is None or not len(rows) or state.fired_at_s is not None:
            return state
        state = self._watched(state, rows, rows.flags["failed"].astype(np.float64), "errors")
        return self._watched(state, rows, rows.values["rating"], "ratings")

    def _watched(self, state: GuideState, rows: Requests, value: Floats, what: str) -> GuideState:
        known = np.isfinite(value)
        window = (rows.time_s // _WINDOW_S).astype(np.int64)
        window -= window[0]
        size = int(window[-1]) + 1
        mine, others = known & rows.candidate & (rows.weight > 0.0), known & ~rows.candidate
        bad, n = np.bincount(window[mine], value[mine], size), np.bincount(window[mine], minlength=size)
        had_bad, had_n = state.errors if what == "errors" else state.ratings
        base_bad = had_bad + np.cumsum(np.bincount(window[others], value[others], size))
        base_n = had_n + np.cumsum(np.bincount(window[others], minlength=size))
        with np.errstate(invalid="ignore", divide="ignore"):
            rate, base = bad / n, base_bad / base_n
        fired = rate > _ERRORS * base if what == "errors" else rate < _SATISFACTION * base
        fresh = msgspec.structs.replace(state, **{what: (float(base_bad[-1]), float(base_n[-1]))})
        if not fired.any():
            return fresh
        at = (math.floor(float(rows.time_s[0]) / _WINDOW_S) + int(np.argmax(fired)) + 1) * _WINDOW_S
        if state.fired_at_s is not None and state.fired_at_s <= at:
            return fresh
        return msgspec.structs.replace(fresh, fired_at_s=at, reason=f"{what} over five minutes")

    def judge(self, state: GuideState) -> Judgement:
        estimate = Unknown("the rule measures nothing")
        fired = state.fired_at_s is not None
        verdict: Verdict = Fail(estimate, state.reason) if fired else Pass(estimate, "no alarm")
        return Judgement(
            verdict=verdict,
            rung="rollback" if fired else "clear",
            log_e=0.0,
            log_threshold=math.inf,
            estimate=estimate,
            breached_at_s=state.fired_at_s,
        )
