"""Does the candidate pass fewer of the requests that both answered in shadow?"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.failure import ConfigError
from pointsman.rollout.case import Bets, Case, advance, judge_case, open_case
from pointsman.rollout.check import CheckPlugin, Judgement
from pointsman.rollout.observations import Seen
from pointsman.stats.clusters import Codes
from pointsman.stats.sequential import betting, discordant
from pointsman.stats.sequential.asymptotic import asymptotic_radius
from pointsman.stats.sequential.first_events import first_events

__all__ = ["PLUGIN"]


class Margin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Falls of the pass rate, in shares of all requests: 0.03 is three points."""

    warn: float = 0.01
    hold: float = 0.02
    rollback: float = 0.03


class QualityState(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence so far. A unit speaks with its first scored pair."""

    case: Case
    units: Codes
    pairs: int = 0
    lost: int = 0
    won: int = 0


class Quality:
    """Losses against wins among the pairs that differ."""

    def __init__(self, margin: Margin, alpha: float) -> None:
        if not 0.0 < margin.warn <= margin.hold <= margin.rollback < 1.0:
            raise ConfigError("margins must ascend: 0 < warn ≤ hold ≤ rollback", key="rollback", value=margin.rollback)
        self.margin, self.alpha = margin, alpha

    def start(self) -> QualityState:
        case = open_case(discordant.LOSS_SHARES, (1.0,) * len(betting.BETS))
        return QualityState(case=case, units=np.empty(0, dtype=np.int64))

    def observe(self, state: QualityState, seen: Seen) -> QualityState:
        pairs = seen.pairs
        if pairs is None or not len(pairs):
            return state
        at, units = first_events(pairs.unit, state.units)
        lost, won, times = pairs.lost[at], pairs.won[at], pairs.time_s[at]
        differ = lost | won
        harm = Bets(times[differ], discordant.log_factors(lost[differ]))
        gain = won.astype(np.float64) - lost
        limit = self.margin.rollback
        safe = Bets(times, betting.log_factors(np.maximum((gain + limit) / (1.0 + limit), -1.0)))
        return QualityState(
            case=advance(state.case, harm, safe, self.alpha),
            units=units,
            pairs=state.pairs + len(at),
            lost=state.lost + int(lost.sum()),
            won=state.won + int(won.sum()),
        )

    def judge(self, state: QualityState) -> Judgement:
        rungs = (-self.margin.warn, -self.margin.hold, -self.margin.rollback)
        words = f"a fall of {100 * self.margin.rollback:g} points"
        return judge_case(state.case, _estimate(state), rungs, self.alpha, words=words, lower_is_worse=True)


def _estimate(state: QualityState) -> Measured:
    """Candidate's pass rate minus the baseline's."""
    n = state.pairs
    if n < 2:
        return Unknown("too few requests have been answered by both and scored", needed=2 - n)
    value = (state.won - state.lost) / n
    variance = (state.won + state.lost) / n - value * value
    radius = asymptotic_radius(variance, n)
    return Estimate(value=value, low=max(-1.0, value - radius), high=min(1.0, value + radius), n=n, method="asymptotic-cs")


def _build(margin: Any, alpha: float) -> Quality:
    return Quality(margin, alpha)


PLUGIN = CheckPlugin(
    summary="Pass rate on requests both answered in shadow.", options=Margin, build=_build, reads="pairs", alpha_share=2.0
)
