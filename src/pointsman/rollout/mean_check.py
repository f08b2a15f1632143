"""A check on a mean: what an answer costs, how content users are.

Units are compared in small blocks of neighbours. Within a block it is chance alone who got the
candidate, so a price change at noon or an evening crowd touches both sides alike, and each unit
speaks once, with the mean of what it did until its block closed, so its requests may resemble one
another as much as they like.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from pointsman.core.estimate import Measured, Unknown
from pointsman.core.failure import ConfigError
from pointsman.rollout.case import Bets, Case, advance, judge_case, open_case
from pointsman.rollout.check import Judgement
from pointsman.rollout.observations import Flags, Requests, Seen
from pointsman.stats.clusters import Codes, Floats
from pointsman.stats.sequential import betting
from pointsman.stats.sequential.asymptotic import ratio_of_means

__all__ = ["MeanCheck", "MeanState"]

_WARM_UP = 100
"""Values of the control from which the clipping point is fixed."""
_CLIP = 4.0
"""Clipping point over the mean: a nearer one sees a shift of all values sooner, and a few dear ones hardly."""
_SHARES = (1.0,) * len(betting.BETS)
_Sums = tuple[int, float, float]


class Open(msgspec.Struct, frozen=True):
    """Requests of blocks that are not full yet."""

    time_s: Floats
    unit: Codes
    candidate: Flags
    weight: Floats
    value: Floats


class MeanState(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence so far, the block that is filling up, and who has spoken."""

    case: Case
    open: Open
    spoken: Flags
    """By unit number."""
    warm_up: tuple[int, float] = (0, 0.0)
    top: float | None = None
    """Values above this are clipped to it; None while it is not fixed."""
    candidate: _Sums = (0, 0.0, 0.0)
    control: _Sums = (0, 0.0, 0.0)


class MeanCheck:
    """Is the candidate's mean of one column worse, and by how much?"""

    def __init__(
        self, column: str, rungs: tuple[float, float, float], alpha: float, *, more_is_worse: bool, top: float | None = None
    ) -> None:
        """`rungs` (warn, hold, roll back) are ratios of the means; `top` bounds the values if that is known beforehand."""
        warn, hold, rollback = rungs
        ordered = 1.0 < warn <= hold <= rollback if more_is_worse else 1.0 > warn >= hold >= rollback > 0.0
        if not ordered:
            raise ConfigError("rungs must lead away from 1: warn, then hold, then rollback", key="rollback", value=rollback)
        self.column, self.rungs, self.alpha = column, rungs, alpha
        self.more_is_worse, self.top = more_is_worse, top

    def start(self) -> MeanState:
        nobody: Flags = np.zeros(0, dtype=bool)
        empty = Open(np.empty(0), np.empty(0, dtype=np.int64), nobody, np.empty(0), np.empty(0))
        return MeanState(case=open_case(_SHARES, _SHARES), open=empty, spoken=nobody, top=self.top)

    def observe(self, state: MeanState, seen: Seen) -> MeanState:
        rows = seen.requests
        if rows is None or self.column not in rows.values or not len(rows):
            return state
        value = rows.values[self.column]
        start, state = self._warm_up(state, rows, value)
        if state.top is None:
            return state
        state = msgspec.structs.replace(state, spoken=_roomy(state.spoken, int(rows.unit.max())))
        usable = np.isfinite(value) & (rows.weight > 0.0) & (rows.weight < 1.0) & ~state.spoken[rows.unit]
        usable[:start] = False
        return self._compared(state, _joined(state.open, rows, value, np.flatnonzero(usable)))

    def _warm_up(self, state: MeanState, rows: Requests, value: Floats) -> tuple[int, MeanState]:
        """(first row that may be compared, state)."""
        if state.top is not None:
            return 0, state
        n, total = state.warm_up
        at = np.flatnonzero(np.isfinite(value) & ~rows.candidate)[: _WARM_UP - n]
        n, total = n + len(at), total + float(value[at].sum())
        if n < _WARM_UP or total <= 0.0:
            return len(value), msgspec.structs.replace(state, warm_up=(min(n, _WARM_UP - 1), total))
        return int(at[-1]) + 1, msgspec.structs.replace(state, warm_up=(n, total), top=_CLIP * total / n)

    def _compared(self, state: MeanState, rows: Open) -> MeanState:
        """Close every block that is full; units assigned at another weight make blocks of their own."""
        left: list[Open] = []
        for weight in np.unique(rows.weight).tolist():
            state = self._blocks(state, _taken(rows, np.flatnonzero(rows.weight == weight)), weight)
            left.append(state.open)
        if len(left) < 2:
            return state if left else msgspec.structs.replace(state, open=rows)
        together = Open(*(np.concatenate([getattr(o, f) for o in left]) for f in Open.__struct_fields__))
        return msgspec.structs.replace(state, open=together)

    def _blocks(self, state: MeanState, rows: Open, weight: float) -> MeanState:
        assert state.top is not None
        size = max(3, math.ceil(0.5 / min(weight, 1.0 - weight)))  # simulated: fewer, longer blocks need more units
        _, first, code = np.unique(rows.unit, return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        speaker = rank[code]  # units by their first value
        full = len(order) // size
        if not full:
            return msgspec.structs.replace(state, open=rows)
        firsts = first[order]
        closes = firsts[size - 1 : full * size : size]  # row at which the last unit of each block appears
        block = speaker // size
        inside = (block < full) & (np.arange(len(speaker)) <= closes[np.minimum(block, full - 1)])
        units = full * size
        sums = np.bincount(speaker[inside], np.minimum(rows.value[inside], state.top), minlength=units)
        mean = sums / np.bincount(speaker[inside], minlength=units)
        mine = rows.candidate[firsts[:units]]
        spoken = state.spoken.copy()
        spoken[rows.unit[firsts[:units]]] = True
        return MeanState(
            case=self._bet(state, mean.reshape(full, size), mine.reshape(full, size), rows.time_s[closes]),
            open=_taken(rows, np.flatnonzero(block >= full)),
            spoken=spoken,
            warm_up=state.warm_up,
            top=state.top,
            candidate=_added(state.candidate, mean[mine]),
            control=_added(state.control, mean[~mine]),
        )

    def _bet(self, state: MeanState, mean: Floats, mine: Flags, time_s: Floats) -> Case:
        assert state.top is not None
        count = mine.sum(axis=1)
        both = (count > 0) & (count < mine.shape[1])
        mean, mine, count, time_s = mean[both], mine[both], count[both], time_s[both]
        candidate = (mean * mine).sum(axis=1) / count
        control = (mean * ~mine).sum(axis=1) / (mine.shape[1] - count)
        worse, better = (betting.excess, betting.shortfall) if self.more_is_worse else (betting.shortfall, betting.excess)
        harm = worse(candidate, control, state.top)
        safe = _bounded(better(candidate, control, state.top, self.rungs[2] - 1.0))
        return advance(state.case, Bets(time_s, betting.log_factors(harm)), Bets(time_s, betting.log_factors(safe)), self.alpha)

    def judge(self, state: MeanState) -> Judgement:
        words = f"a mean of {self.rungs[2]:g}× the control's"
        return judge_case(
            state.case, self._estimate(state), self.rungs, self.alpha, words=words, lower_is_worse=not self.more_is_worse
        )

    def _estimate(self, state: MeanState) -> Measured:
        if state.top is None:
            return Unknown(f"the control has too few values of {self.column}", needed=_WARM_UP - state.warm_up[0])
        return ratio_of_means(state.candidate, state.control)


def _bounded(values: Floats) -> Floats:
    """Rounding may leave a value a hair below −1."""
    bounded: Floats = np.maximum(values, -1.0)
    return bounded


def _roomy(spoken: Flags, newest: int) -> Flags:
    if newest < len(spoken):
        return spoken
    larger = np.zeros(2 * newest + 64, dtype=bool)
    larger[: len(spoken)] = spoken
    return larger


def _taken(rows: Open, at: Codes) -> Open:
    return Open(rows.time_s[at], rows.unit[at], rows.candidate[at], rows.weight[at], rows.value[at])


def _joined(open_: Open, rows: Requests, value: Floats, at: Codes) -> Open:
    return Open(
        np.concatenate([open_.time_s, rows.time_s[at]]),
        np.concatenate([open_.unit, rows.unit[at]]),
        np.concatenate([open_.candidate, rows.candidate[at]]),
        np.concatenate([open_.weight, rows.weight[at]]),
        np.concatenate([open_.value, value[at]]),
    )


def _added(sums: _Sums, values: Floats) -> _Sums:
    n, total, squares = sums
    return n + len(values), total + float(values.sum()), squares + float(np.square(values).sum())
