"""Rehearsed rollouts: how often each scenario was rolled back, and how many users met a bad candidate until then."""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.core.estimate import Unknown
from pointsman.report import format as fmt
from pointsman.report.charts import svg
from pointsman.report.markup import Html, join, tag
from pointsman.rollout.simulate.result import Result, Spread

__all__ = ["exposure_chart", "rollback_chart"]

_ROW = 42
"""Pixels for a line of words and the mark under it."""


def rollback_chart(results: Mapping[str, Result], alpha: float) -> Html:
    """Share of rollouts rolled back, with its interval, and a line at what the plan allows of harmless ones."""
    scale = svg.Scale(low=0.0, high=1.0)
    bottom = _ROW * len(results) + 6
    rows = join(_rollback_row(r, name, result, scale) for r, (name, result) in enumerate(results.items()))
    allowed = tag("line", x1=scale.x(alpha), x2=scale.x(alpha), y1=0, y2=bottom, class_="baseline")
    described = "; ".join(f"{name}: {fmt.measured(r.rolled_back, fmt.SHARE)}" for name, r in results.items())
    key = svg.legend([("k-baseline", f"what the plan allows a harmless candidate: {svg.per_cent(alpha)}")])
    drawn = join((allowed, svg.axis(scale, 0, bottom, svg.per_cent), rows))
    return svg.figure("rolled-back", "Share of rollouts that were rolled back", described, bottom + 24, drawn, after=key)


def exposure_chart(results: Mapping[str, Result]) -> Html | None:
    """Users or conversations that met the candidate before it was rolled back; None if none ever was after the shadow."""
    spreads = {n: s for n, r in results.items() if not isinstance(s := r.spread("candidate_units"), Unknown) and s.p90 >= 1.0}
    if not spreads:
        return None
    scale = svg.Scale(low=1.0, high=10.0 * max(10.0, *(s.p90 for s in spreads.values())) / 9.0, log=True)
    bottom = _ROW * len(spreads) + 6
    rows = join(_exposure_row(r, name, spread, scale) for r, (name, spread) in enumerate(spreads.items()))
    described = "; ".join(f"{name}: half the time {s.median:,.0f}, nine in ten {s.p90:,.0f}" for name, s in spreads.items())
    drawn = join((svg.axis(scale, 0, bottom, lambda v: f"{v:,.0f}"), rows))
    return svg.figure("exposed", "Users or conversations that met it before the rollback", described, bottom + 24, drawn)


def _rollback_row(row: int, name: str, result: Result, scale: svg.Scale) -> Html:
    y = row * _ROW
    said = fmt.measured(result.rolled_back, fmt.SHARE)
    words = _row_words(y, name, said)
    share = svg.sure(result.rolled_back)
    if share is None:
        return words
    return join((words, svg.whisker(scale, y + 28, share.value, share.low, share.high, _colour(result), f"{name}: {said}")))


def _exposure_row(row: int, name: str, spread: Spread, scale: svg.Scale) -> Html:
    y = row * _ROW
    said = f"{spread.median:,.0f}, nine times in ten below {spread.p90:,.0f}"
    middle = max(spread.median, 1.0)
    mark = svg.whisker(scale, y + 28, middle, middle, max(spread.p90, 1.0), svg.variant_class(1), f"{name}: {said}")
    return join((_row_words(y, name, said), mark))


def _row_words(y: int, name: str, said: str) -> Html:
    return join((svg.text(0, y + 15, fmt.short(name, 28), "name"), svg.text(100, y + 15, said, "value", anchor="end")))


def _colour(result: Result) -> str:
    return svg.variant_class(1 if result.scenario.harmful else 3 if result.scenario.by_guide else 0)
