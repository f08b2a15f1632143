"""A check on anything that goes wrong now and then: one flag per request, each unit counted once."""

from __future__ import annotations

import msgspec
import numpy as np

from pointsman.core.estimate import Measured, Unknown
from pointsman.rollout.case import Bets, Case, advance, judge_case, open_case
from pointsman.rollout.check import CheckPlugin, Judgement, Ladder, check_ladder
from pointsman.rollout.observations import Flags, Seen
from pointsman.stats.clusters import Codes, Floats
from pointsman.stats.sequential import rare_events
from pointsman.stats.sequential.first_events import first_events
from pointsman.stats.sequential.ratio_interval import ratio_estimate

__all__ = ["EventState", "RareEventCheck", "rare_event_plugin"]


class EventState(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence so far, the units that have had their bad event, and the counts per weight."""

    case: Case
    units: Codes
    counts: dict[float, tuple[int, int]]
    looked_at: int = 0
    """Randomised requests that carried the flag at all."""


class RareEventCheck:
    """Ratio of the candidate's rate of one kind of bad event to the control's."""

    def __init__(self, flag: str, ladder: Ladder, alpha: float) -> None:
        self.flag = flag
        self.ladder = check_ladder(ladder)
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
        )

    def judge(self, state: EventState) -> Judgement:
        rungs = (self.ladder.warn, self.ladder.hold, self.ladder.rollback)
        words = f"a rate of {self.ladder.rollback:g}× the control's"
        return judge_case(state.case, self._estimate(state), rungs, self.alpha, words=words)

    def _estimate(self, state: EventState) -> Measured:
        if not state.looked_at:
            return Unknown(f"no request of a randomised unit says whether it {self.flag.replace('_', ' ')}")
        return ratio_estimate(state.counts)


def rare_event_plugin(summary: str, flag: str, *, alpha_share: float = 1.0) -> CheckPlugin:
    """The plug-in of a check that reads one flag."""
    return CheckPlugin(
        summary=summary,
        options=Ladder,
        build=lambda ladder, alpha: RareEventCheck(flag, ladder, alpha),
        alpha_share=alpha_share,
        reads=flag,
    )


def _counted(counts: dict[float, tuple[int, int]], candidate: Flags, weight: Floats) -> dict[float, tuple[int, int]]:
    fresh = dict(counts)
    for w in np.unique(weight).tolist():
        here = weight == w
        mine, all_ = int(np.count_nonzero(candidate[here])), int(np.count_nonzero(here))
        had = fresh.get(w, (0, 0))
        fresh[w] = (had[0] + mine, had[1] + all_ - mine)
    return fresh
