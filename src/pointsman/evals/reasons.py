"""Why a verdict is what it is, in a clause. The figures stand beside it, so it repeats none but the limit."""

from __future__ import annotations

from pointsman.core.verdict import Fail, Pass, Verdict

__all__ = ["bound_reason", "quality_reason", "ratio_reason"]

_MORE = {"latency": "slower", "cost": "dearer"}


def quality_reason(verdict: Verdict, margin: float | None) -> str:
    """Of a difference in quality: against `margin` (a share), or against nothing at all."""
    if margin is None:
        return _clause(
            verdict,
            "better, whatever the interval allows",
            "no better, whatever the interval allows",
            "better and worse are both still possible",
        )
    points = f"{margin * 100:g} points"
    return _clause(
        verdict,
        f"worse by {points} or more is ruled out",
        f"worse by more than {points}",
        f"more and less than {points} worse are both still possible",
    )


def ratio_reason(verdict: Verdict, metric: str, margin: float | None) -> str:
    """Of a ratio of latencies or costs: against `margin` (0.1 is a tenth more), or against no change."""
    more = f"{margin * 100:g} % {_MORE[metric]}" if margin else _MORE[metric]
    return _clause(verdict, f"{more} is ruled out", f"surely {more}", f"{more} or not: both are still possible")


def bound_reason(verdict: Verdict) -> str:
    """Of one measure against the user's bound."""
    return _clause(
        verdict, "the whole interval keeps the limit", "the whole interval breaks the limit", "the limit lies within the interval"
    )


def _clause(verdict: Verdict, passed: str, failed: str, still_open: str) -> str:
    match verdict:
        case Pass():
            return passed
        case Fail():
            return failed
        case _:
            # Where nothing was measured, the statistics say why; where an interval is open, they only repeat it.
            return still_open if "[" in verdict.reason else verdict.reason
