"""Something good against what it costs: dots with their intervals, and the Pareto front as a line of steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec

from pointsman.core.estimate import Estimate
from pointsman.report.charts import svg
from pointsman.report.markup import Html, join, tag

__all__ = ["HEIGHT", "Dot", "cost_scale", "pareto", "plane"]

HEIGHT = 280
"""Pixels of the plane, without the labels under it."""


class Dot(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to choose."""

    label: str
    """Stands in the dot: its number in the legend."""
    words: str
    cost: Estimate
    level: Estimate
    """How good."""
    class_: str


def pareto(points: Sequence[tuple[float, float]]) -> set[int]:
    """Indexes of (cost, level) points that no other beats: as cheap and as good, and better in one."""
    return {i for i, (c, q) in enumerate(points) if not any(d <= c and r >= q and (d < c or r > q) for d, r in points)}


def cost_scale(costs: Sequence[float]) -> svg.Scale:
    """From zero, or logarithmic where the costs lie far apart."""
    low, high = min(costs), max(costs)
    if low > 0 and high / low > svg.LOG_SPAN:
        return svg.Scale(low=low / 1.6, high=high * 1.6, log=True)
    return svg.nice([0.0, high * 1.08])


def plane(dots: Sequence[Dot], up: svg.Scale, level: Callable[[float], str]) -> Html:
    """Dollars across, `level` up, the front of the dots, and the dots over it."""
    across = cost_scale([d.cost.value for d in dots])
    return join(
        (
            svg.axis(across, 0, HEIGHT, _price, most=5),
            *(_level_line(up, t, level) for t in up.ticks()),
            _front(dots, across, up),
            *(_dot(d, across, up) for d in dots),
        )
    )


def _y(up: svg.Scale, value: float) -> float:
    return HEIGHT * (1 - (min(max(value, up.low), up.high) - up.low) / (up.high - up.low) * 0.94 - 0.03)


def _level_line(up: svg.Scale, value: float, level: Callable[[float], str]) -> Html:
    y = _y(up, value)
    return join((tag("line", x1="0", x2="100%", y1=y, y2=y, class_="grid"), svg.text(0, round(y) - 3, level(value), "tick")))


def _front(dots: Sequence[Dot], across: svg.Scale, up: svg.Scale) -> Html:
    kept = pareto([(d.cost.value, d.level.value) for d in dots])
    steps: list[tuple[float, float]] = []
    for cost, level in sorted((dots[k].cost.value, dots[k].level.value) for k in kept):
        if steps:
            steps.append((across.at(cost), steps[-1][1]))
        steps.append((across.at(cost), 100 * _y(up, level) / HEIGHT))
    path = " ".join(f"{x:.2f},{y:.2f}" for x, y in [*steps, (100.0, steps[-1][1])])
    line = tag("polyline", points=path, class_="front", vector_effect="non-scaling-stroke")
    return tag("svg", line, viewBox="0 0 100 100", preserveAspectRatio="none", width="100%", height=HEIGHT)


def _dot(dot: Dot, across: svg.Scale, up: svg.Scale) -> Html:
    x, y = across.x(dot.cost.value), _y(up, dot.level.value)
    return tag(
        "g",
        tag("title", dot.words),
        tag("line", x1=x, x2=x, y1=_y(up, dot.level.low), y2=_y(up, dot.level.high), class_="whisker"),
        tag("line", x1=across.x(dot.cost.low), x2=across.x(dot.cost.high), y1=y, y2=y, class_="whisker"),
        tag("circle", cx=x, cy=y, r=9, class_="dot"),
        svg.text(across.at(dot.cost.value), round(y) + 4, dot.label, "number", anchor="middle"),
        class_=dot.class_,
    )


def _price(value_usd: float) -> str:
    places = max(0, 1 - math.floor(math.log10(value_usd))) if value_usd > 0 else 0
    text = f"{value_usd:.{places}f}"
    return "$" + (text.rstrip("0").rstrip(".") if "." in text else text)
