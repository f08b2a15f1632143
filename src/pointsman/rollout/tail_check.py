"""A check on the slow tail: how often the candidate exceeds a multiple of the control's own p95.

The limit is fixed from the control before the candidate is judged. Harm is read from the comparison
with the concurrent control, so a provider that is slow for everybody accuses nobody; safety from the
candidate alone: fewer than 5 % of its units begin with a request slower than the limit.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.rollout.case import Bets, Case, advance, judge_case, open_case
from pointsman.rollout.check import CheckPlugin, Judgement, Ladder, check_ladder
from pointsman.rollout.observations import Flags, Requests, Seen
from pointsman.stats.clusters import Codes, Floats
from pointsman.stats.intervals import wilson_limits
from pointsman.stats.sequential import rare_events
from pointsman.stats.sequential.exceedance import upper_quantile
from pointsman.stats.sequential.first_events import first_events
from pointsman.stats.special import normal_quantile

__all__ = ["TailCheck", "TailState", "tail_plugin"]

_WARM_UP = 1_000
"""Units of the control from which the limit is fixed."""
_TAIL = 0.05
_SAFE_SHARES = (0.2, 0.4, 0.6, 0.8)
"""Alternatives of the certificate, as parts of the 5 % that may exceed the limit."""
_BINS, _LOW_S, _HIGH_S = 600, 1e-3, 1e4


class TailLadder(Ladder, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Multiples of the control's p95."""

    warn: float = 1.2
    hold: float = 1.3
    rollback: float = 1.5


class TailState(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence so far; until the limit is fixed, the control's times it will be fixed from."""

    case: Case
    warm_up_s: Floats
    limit_s: float | None = None
    newest_unit: int = -1
    slow_units: Codes
    candidate_times: Codes
    """How many units of the candidate began with a time in each of 600 logarithmic bins."""
    control_times: Codes


class TailCheck:
    """Is the candidate's p95 of one time more than so many times the control's?"""

    def __init__(self, column: str, ladder: Ladder, alpha: float) -> None:
        self.column = column
        self.ladder = check_ladder(ladder)
        self.alpha = alpha

    def start(self) -> TailState:
        nothing, nobody = np.zeros(_BINS, dtype=np.int64), np.empty(0, dtype=np.int64)
        return TailState(
            case=open_case(rare_events.HARM_SHARES, (1.0,) * len(_SAFE_SHARES)),
            warm_up_s=np.empty(0),
            slow_units=nobody,
            candidate_times=nothing,
            control_times=nothing,
        )

    def observe(self, state: TailState, seen: Seen) -> TailState:
        rows = seen.requests
        if rows is None or self.column not in rows.values or not len(rows):
            return state
        value = rows.values[self.column]
        measured = np.isfinite(value)
        newest_before = np.maximum.accumulate(np.concatenate([[state.newest_unit], rows.unit[:-1]]))
        begins = measured & (rows.unit > newest_before)  # numbers are given by first appearance
        start, state = self._warm_up(state, value, begins & ~rows.candidate)
        newest = max(state.newest_unit, int(rows.unit.max()))
        state = msgspec.structs.replace(state, newest_unit=newest)
        if state.limit_s is None:
            return state
        after = np.arange(len(rows)) >= start
        return self._judged(state, rows, value, measured & after, begins & after)

    def _warm_up(self, state: TailState, value: Floats, usable: Flags) -> tuple[int, TailState]:
        """(first row that may be judged, state): the limit is fixed by the 1,000th unit of the control."""
        if state.limit_s is not None:
            return 0, state
        at = np.flatnonzero(usable)[: _WARM_UP - len(state.warm_up_s)]
        kept = np.concatenate([state.warm_up_s, value[at]])
        if len(kept) < _WARM_UP:
            return len(value), msgspec.structs.replace(state, warm_up_s=kept)
        bound = upper_quantile(kept, 1.0 - _TAIL, 0.9)
        assert not isinstance(bound, Unknown)
        limit = self.ladder.rollback * bound
        return int(at[-1]) + 1, msgspec.structs.replace(state, warm_up_s=np.empty(0), limit_s=limit)

    def _judged(self, state: TailState, rows: Requests, value: Floats, measured: Flags, begins: Flags) -> TailState:
        assert state.limit_s is not None
        randomised = (rows.weight > 0.0) & (rows.weight < 1.0)
        slow = measured & (np.nan_to_num(value) > state.limit_s)
        at = np.flatnonzero(slow & randomised)
        first, slow_units = first_events(rows.unit[at], state.slow_units)
        at = at[first]
        harm = Bets(rows.time_s[at], rare_events.log_factors(rows.candidate[at], rows.weight[at]))
        mine = np.flatnonzero(begins & randomised & rows.candidate)
        others = np.flatnonzero(begins & randomised & ~rows.candidate)
        safe = Bets(rows.time_s[mine], _safe_factors(slow[mine]))
        return TailState(
            case=advance(state.case, harm, safe, self.alpha),
            warm_up_s=state.warm_up_s,
            limit_s=state.limit_s,
            newest_unit=state.newest_unit,
            slow_units=slow_units,
            candidate_times=state.candidate_times + _binned(value[mine]),
            control_times=state.control_times + _binned(value[others]),
        )

    def judge(self, state: TailState) -> Judgement:
        rungs = (self.ladder.warn, self.ladder.hold, self.ladder.rollback)
        words = f"a p95 of {self.ladder.rollback:g}× the control's"
        return judge_case(state.case, self._estimate(state), rungs, self.alpha, words=words)

    def _estimate(self, state: TailState) -> Measured:
        """Ratio of the p95s, from the bins; the interval is that of the candidate's own percentile."""
        mine, others = int(state.candidate_times.sum()), int(state.control_times.sum())
        if state.limit_s is None or min(mine, others) < 2:
            return self._too_early(state)
        low, high = wilson_limits(1.0 - _TAIL, mine, normal_quantile(0.975))
        base = _at(state.control_times, 1.0 - _TAIL)
        value, lower, upper = (_at(state.candidate_times, q) / base for q in (1.0 - _TAIL, low, high))
        return Estimate(value=value, low=lower, high=upper if mine > 60 else math.inf, n=mine, method="binned-order-statistic")

    @staticmethod
    def _too_early(state: TailState) -> Unknown:
        if state.limit_s is not None:
            return Unknown("too few units have been measured since the control's p95 was fixed", needed=2)
        missing = _WARM_UP - len(state.warm_up_s)
        why = f"the control's own p95 is fixed from its first {_WARM_UP:,} units; {missing:,} are missing"
        return Unknown(why, needed=missing)


def tail_plugin(summary: str, column: str) -> CheckPlugin:
    """The plug-in of a check that reads one time."""
    return CheckPlugin(
        summary=summary,
        options=TailLadder,
        build=lambda ladder, alpha: TailCheck(column, ladder, alpha),
        reads=column,
    )


def _safe_factors(slow: Flags) -> Floats:
    theta = _TAIL * np.asarray(_SAFE_SHARES)
    table = np.stack([np.log((1.0 - theta) / (1.0 - _TAIL)), np.log(theta / _TAIL)])
    factors: Floats = table[slow.astype(np.int64)]
    return factors


def _binned(values: Floats) -> Codes:
    where = np.log(np.clip(values, _LOW_S, _HIGH_S) / _LOW_S) * (_BINS / math.log(_HIGH_S / _LOW_S))
    counts: Codes = np.bincount(np.minimum(where.astype(np.int64), _BINS - 1), minlength=_BINS).astype(np.int64)
    return counts


def _at(counts: Codes, q: float) -> float:
    index = int(np.searchsorted(np.cumsum(counts), q * counts.sum()))
    return _LOW_S * math.exp((min(index, _BINS - 1) + 0.5) * math.log(_HIGH_S / _LOW_S) / _BINS)
