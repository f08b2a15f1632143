"""The case against a candidate: evidence of harm and evidence of safety, weighed together.

*Harm*: is the candidate shown to be worse than the control, at a level that holds at every look?
*Safety*: is it ruled out that it is so much worse that one would roll back?

    harm shown, safety not     Fail     roll back
    safety shown               Pass     may be promoted; a small harm that is proven as well is a warning
    neither                    Unknown  hold, and say what is missing
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.verdict import Fail, Pass, Verdict
from pointsman.rollout.check import Judgement, Rung
from pointsman.stats.clusters import Floats
from pointsman.stats.sequential.wealth import Wealth, grow, log_wealth, open_wealth, refresh

__all__ = ["Bets", "Case", "advance", "judge_case", "open_case"]

DAY_S = 86_400.0
_RESERVE = 0.1
"""Share of the wealth kept back and invested a tenth a day, so that a late change is seen."""
_LOG_SAFE = math.log(20.0)
"""A certificate holds at 95 %; to keep waiting is no error, so this is not divided among the checks."""
_LOG_SAFE_CAP = math.log(1000.0)
"""A certificate is worth no more than fifty times what it needs: chance alone does not take it away, a candidate
that turns bad does."""
_LOG_HOLD = math.log(20.0)
_LOG_WARN = math.log(10.0)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Harm and safety so far."""

    harm: Wealth
    safe: Wealth
    day: int = 0
    """Midnight of the rollout's own clock at which stakes were last renewed."""
    breached_at_s: float | None = None


class Bets(msgspec.Struct, frozen=True):
    """Log factors of new events and when each came, ascending."""

    time_s: Floats
    log_factors: Floats

    def on(self, day: int) -> Bets:
        """Those of one day."""
        start, end = np.searchsorted(self.time_s, (day * DAY_S, (day + 1) * DAY_S))
        return Bets(self.time_s[start:end], self.log_factors[start:end])


def open_case(harm_shares: tuple[float, ...], safe_shares: tuple[float, ...]) -> Case:
    """Nothing seen yet."""
    return Case(harm=open_wealth(harm_shares, _RESERVE), safe=open_wealth(safe_shares, _RESERVE))


def advance(case: Case, harm: Bets, safe: Bets, alpha: float) -> Case:
    """The case after new events; notes the first moment at which harm is shown at `alpha` while safety is not."""
    for day in sorted({int(t // DAY_S) for b in (harm, safe) for t in _span(b.time_s)}):
        case = _one_day(_renewed(case, day), harm.on(day), safe.on(day), -math.log(alpha))
    return case


def _span(times: Floats) -> list[float]:
    """A time in each day between first and last."""
    if not len(times):
        return []
    first, last = float(times[0]), float(times[-1])
    return [first + i * DAY_S for i in range(int(last // DAY_S) - int(first // DAY_S))] + [last]


def _one_day(case: Case, harm: Bets, safe: Bets, log_threshold: float) -> Case:
    new_harm, harm_path = grow(case.harm, harm.log_factors)
    new_safe, safe_path = grow(case.safe, safe.log_factors, _LOG_SAFE_CAP)
    when = case.breached_at_s
    if when is None:
        above = np.flatnonzero(harm_path >= log_threshold)
        if len(above):
            known = np.concatenate([[log_wealth(case.safe)], safe_path])
            at_the_time = known[np.searchsorted(safe.time_s, harm.time_s[above], side="right")]
            uncertified = above[at_the_time < _LOG_SAFE]
            when = float(harm.time_s[uncertified[0]]) if len(uncertified) else None
    return Case(harm=new_harm, safe=new_safe, day=case.day, breached_at_s=when)


def _renewed(case: Case, day: int) -> Case:
    harm, safe = case.harm, case.safe
    for _ in range(day - case.day):
        harm, safe = refresh(harm), refresh(safe)
    return msgspec.structs.replace(case, harm=harm, safe=safe, day=max(day, case.day))


def judge_case(
    case: Case, estimate: Measured, rungs: tuple[float, float, float], alpha: float, *, words: str, lower_is_worse: bool = False
) -> Judgement:
    """Verdict and rung; `words` name what safety rules out, `rungs` are warn, hold, roll back."""
    log_e = log_wealth(case.harm)
    verdict: Verdict
    if case.breached_at_s is not None:
        verdict = Fail(estimate, f"worse than the control, and {words} is not ruled out")
    elif isinstance(estimate, Unknown):
        verdict = estimate
    elif log_wealth(case.safe) >= _LOG_SAFE:
        verdict = Pass(estimate, f"{words} is ruled out")
    else:
        verdict = Unknown(f"{words} is not ruled out yet")
    return Judgement(
        verdict=verdict,
        rung="rollback" if case.breached_at_s is not None else _rung(log_e, estimate, rungs, lower_is_worse),
        log_e=log_e,
        log_threshold=-math.log(alpha),
        estimate=estimate,
        breached_at_s=case.breached_at_s,
    )


def _rung(log_e: float, estimate: Measured, rungs: tuple[float, float, float], lower_is_worse: bool) -> Rung:  # noqa: FBT001  # private
    if not isinstance(estimate, Estimate):
        return "clear"
    sign = -1.0 if lower_is_worse else 1.0
    warn, hold, _ = rungs
    if log_e >= _LOG_HOLD and sign * estimate.value >= sign * hold:
        return "hold"
    return "warn" if log_e >= _LOG_WARN and sign * estimate.value >= sign * warn else "clear"
