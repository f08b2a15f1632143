"""A check on anything that goes wrong now and then: one flag per request, each unit counted once."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
import numpy as np

from pointsman.core.estimate import Measured, Unknown
from pointsman.core.verdict import Pass
from pointsman.rollout.case import Bets, Case, advance, judge_case, open_case
from pointsman.rollout.check import CheckPlugin, Judgement, Ladder, check_ladder
from pointsman.rollout.observations import Flags, Seen
from pointsman.stats.clusters import Codes, Floats
from pointsman.stats.sequential import rare_events
from pointsman.stats.sequential.first_events import first_events
from pointsman.stats.sequential.ratio_interval import ratio_estimate

__all__ = ["EventLadder", "EventState", "RareEventCheck", "rare_event_plugin"]

_BELOW = 10.0
"""The certificate of a negligible rate bets on one ten times smaller."""
_LOG_SAFE = math.log(20.0)


class EventLadder(Ladder, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ratios to the control, and a rate so small that no ratio matters."""

    negligible: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.005
    """Share of units with a bad event that nobody minds, whatever the control's: without it, two sides that never
    fail could never be told apart, and the rollout would wait for ever."""


class EventState(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence so far, the units that have had their bad event, and the counts per weight."""

    case: Case
    units: Codes
    counts: dict[float, tuple[int, int]]
    looked_at: int = 0
    """Randomised requests that carried the flag at all."""
    newest: int = -1
    """The highest number of a unit so far."""
    mine: tuple[int, int] = (0, 0)
    """The candidate's randomised units: (all, those with a bad event)."""


class RareEventCheck:
    """Ratio of the candidate's rate of one kind of bad event to the control's."""

    def __init__(self, flag: str, ladder: EventLadder, alpha: float) -> None:
        self.flag = flag
        check_ladder(ladder)
        self.ladder = ladder
        self.alpha = alpha

    def start(self) -> EventState:
        case = open_case(rare_events.HARM_SHARES, rare_events.SAFE_SHARES)
        return EventState(case=case, units=np.empty(0, dtype=np.int64), counts={})

    def observe(self, state: EventState, seen: Seen) -> EventState:
        rows = seen.requests
        if rows is None or self.flag not in rows.flags:
            return state
        randomised = (rows.weight > 0.0) & (rows.weight < 1.0)
        at = np.flatnonzero(rows.flags[self.flag] & randomised)
        first, units = first_events(rows.unit[at], state.units)
        at = at[first]
        times, candidate, weight = rows.time_s[at], rows.candidate[at], rows.weight[at]
        harm = Bets(times, rare_events.log_factors(candidate, weight))
        safe = rare_events.log_factors(candidate, weight, null_ratio=self.ladder.rollback, ratios=rare_events.SAFE_RATIOS)
        return EventState(
            case=advance(state.case, harm, Bets(times, safe), self.alpha),
            units=units,
            counts=_counted(state.counts, candidate, weight),
            looked_at=state.looked_at + int(np.count_nonzero(randomised)),
            newest=max(state.newest, int(rows.unit.max(initial=-1))),
            mine=(
                state.mine[0] + _fresh_units(rows.unit, rows.candidate & randomised, state.newest),
                state.mine[1] + int(np.count_nonzero(candidate)),
            ),
        )

    def judge(self, state: EventState) -> Judgement:
        rungs = (self.ladder.warn, self.ladder.hold, self.ladder.rollback)
        words = f"a rate of {self.ladder.rollback:g}× the control's"
        judged = judge_case(state.case, self._estimate(state), rungs, self.alpha, words=words)
        if isinstance(judged.verdict, Unknown) and self._is_negligible(state.mine):
            reason = f"surely fewer than {100 * self.ladder.negligible:g} % of the candidate's units are struck"
            return msgspec.structs.replace(judged, verdict=Pass(judged.estimate, reason))
        return judged

    def _is_negligible(self, mine: tuple[int, int]) -> bool:
        """Whether H0: rate ≥ negligible is refuted at 95 %, at every look, by betting on a tenth of it:

            ln E = b ln(p1/p0) + (n − b) ln((1 − p1)/(1 − p0))        b bad units of n

        Without a bad event that takes ln 20 / 0.9 p0 units, 665 at the usual 0.5 %. n = 0: no.
        """
        (units, bad), p0 = mine, self.ladder.negligible
        p1 = p0 / _BELOW
        log_e = bad * math.log(p1 / p0) + (units - bad) * (math.log1p(-p1) - math.log1p(-p0))
        return log_e >= _LOG_SAFE

    def _estimate(self, state: EventState) -> Measured:
        if not state.looked_at:
            return Unknown(f"no request of a randomised unit says whether it {self.flag.replace('_', ' ')}")
        return ratio_estimate(state.counts)


def rare_event_plugin(summary: str, flag: str, *, alpha_share: float = 1.0) -> CheckPlugin:
    """The plug-in of a check that reads one flag."""
    return CheckPlugin(
        summary=summary,
        options=EventLadder,
        build=lambda ladder, alpha: RareEventCheck(flag, ladder, alpha),
        alpha_share=alpha_share,
        reads=flag,
    )


def _fresh_units(unit: Codes, chosen: Flags, newest: int) -> int:
    """How many of the chosen rows are the first of their unit; units are numbered as they appear."""
    if not len(unit):
        return 0
    before = np.maximum.accumulate(np.concatenate([[newest], unit[:-1]]))
    return int(np.count_nonzero((unit > before) & chosen))


def _counted(counts: dict[float, tuple[int, int]], candidate: Flags, weight: Floats) -> dict[float, tuple[int, int]]:
    fresh = dict(counts)
    for w in np.unique(weight).tolist():
        here = weight == w
        mine, all_ = int(np.count_nonzero(candidate[here])), int(np.count_nonzero(here))
        had = fresh.get(w, (0, 0))
        fresh[w] = (had[0] + mine, had[1] + all_ - mine)
    return fresh
