"""What quality costs, and which variants no other beats."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pointsman.core.estimate import Estimate
from pointsman.evals.result import RunResult, VariantResult
from pointsman.report import format as fmt
from pointsman.report.charts import svg
from pointsman.report.charts.svg import per_cent, variant_class
from pointsman.report.markup import Html, join, tag

__all__ = ["cost_chart", "pareto"]

_Point = tuple[int, VariantResult, Estimate, Estimate]
"""Place in the run, variant, cost per request, quality."""


def cost_chart(result: RunResult) -> Html | None:
    """Quality against cost per request with the Pareto front; None if no variant has both."""
    points = [
        (i, v, c, q)
        for i, v in enumerate(result.variants)
        if (c := svg.sure(v.cost.per_request_usd)) and (q := svg.sure(v.quality))
    ]
    if not points:
        return None
    height = 280
    across = _cost_scale([c.value for _, _, c, _ in points])
    up = svg.nice([b for _, _, _, q in points for b in (q.low, q.high)], floor=0.0, ceiling=1.0)
    drawn = join(
        (
            svg.axis(across, 0, height, _price, most=5),
            *(_level_line(up, t, height) for t in up.ticks()),
            _front(points, across, up, height),
            *(_point(p, across, up, height) for p in points),
        )
    )
    front = pareto([(c.value, q.value) for _, _, c, q in points])
    described = "; ".join(
        f"{i + 1} {_priced(v, c, q)}{', on the front' if k in front else ''}" for k, (i, v, c, q) in enumerate(points)
    )
    title = "Quality against cost per request" + (" (logarithmic)" if across.log else "")
    return svg.figure("cost", title, described, height + 24, drawn, after=_cost_key(result, points, front))


def pareto(points: Sequence[tuple[float, float]]) -> set[int]:
    """Indexes of (cost, quality) points that no other beats: as cheap and as good, and better in one."""
    return {i for i, (c, q) in enumerate(points) if not any(d <= c and r >= q and (d < c or r > q) for d, r in points)}


def _cost_scale(costs: Sequence[float]) -> svg.Scale:
    low, high = min(costs), max(costs)
    if low > 0 and high / low > svg.LOG_SPAN:
        return svg.Scale(low=low / 1.6, high=high * 1.6, log=True)
    return svg.nice([0.0, high * 1.08])


def _y(up: svg.Scale, value: float, height: int) -> float:
    return height * (1 - (min(max(value, up.low), up.high) - up.low) / (up.high - up.low) * 0.94 - 0.03)


def _level_line(up: svg.Scale, value: float, height: int) -> Html:
    y = _y(up, value, height)
    return join((tag("line", x1="0", x2="100%", y1=y, y2=y, class_="grid"), svg.text(0, round(y) - 3, per_cent(value), "tick")))


def _front(points: Sequence[_Point], across: svg.Scale, up: svg.Scale, height: int) -> Html:
    kept = pareto([(c.value, q.value) for _, _, c, q in points])
    steps: list[tuple[float, float]] = []
    for cost, quality in sorted((points[k][2].value, points[k][3].value) for k in kept):
        if steps:
            steps.append((across.at(cost), steps[-1][1]))
        steps.append((across.at(cost), 100 * _y(up, quality, height) / height))
    path = " ".join(f"{x:.2f},{y:.2f}" for x, y in [*steps, (100.0, steps[-1][1])])
    line = tag("polyline", points=path, class_="front", vector_effect="non-scaling-stroke")
    return tag("svg", line, viewBox="0 0 100 100", preserveAspectRatio="none", width="100%", height=height)


def _point(point: _Point, across: svg.Scale, up: svg.Scale, height: int) -> Html:
    index, v, cost, quality = point
    x, y = across.x(cost.value), _y(up, quality.value, height)
    return tag(
        "g",
        tag("title", _priced(v, cost, quality)),
        tag("line", x1=x, x2=x, y1=_y(up, quality.low, height), y2=_y(up, quality.high, height), class_="whisker"),
        tag("line", x1=across.x(cost.low), x2=across.x(cost.high), y1=y, y2=y, class_="whisker"),
        tag("circle", cx=x, cy=y, r=9, class_="dot"),
        svg.text(across.at(cost.value), round(y) + 4, str(index + 1), "number", anchor="middle"),
        class_=variant_class(index),
    )


def _priced(v: VariantResult, cost: Estimate, quality: Estimate) -> str:
    return f"{fmt.plain(v.name)}: {fmt.measured(quality, fmt.SHARE)} at {fmt.measured(cost, fmt.DOLLARS)} per request"


def _cost_key(result: RunResult, points: Sequence[_Point], front: set[int]) -> Html:
    drawn = {i for i, _, _, _ in points}
    rows = [
        tag(
            "li",
            tag("b", f"{i + 1} "),
            tag("span", class_=f"swatch {variant_class(i)}", aria_hidden="true"),
            fmt.short(v.name, 40),
            tag("em", " on the front") if k in front else None,
        )
        for k, (i, v, _, _) in enumerate(points)
    ]
    absent = [fmt.short(v.name, 40) for i, v in enumerate(result.variants) if i not in drawn]
    said = "The line is the Pareto front: nothing seen is both cheaper and better. Bars are intervals."
    left_out = (
        tag("p", f"Not drawn, their cost or quality being unknown: {', '.join(absent)}.", class_="note") if absent else None
    )
    return join((tag("ul", *rows, class_="legend"), tag("p", said, class_="note"), left_out))


def _price(value_usd: float) -> str:
    places = max(0, 1 - math.floor(math.log10(value_usd))) if value_usd > 0 else 0
    text = f"{value_usd:.{places}f}"
    return "$" + (text.rstrip("0").rstrip(".") if "." in text else text)
