"""What quality costs, and which variants no other beats."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.core.estimate import Estimate
from pointsman.evals.result import RunResult, VariantResult
from pointsman.report import format as fmt
from pointsman.report.charts import svg
from pointsman.report.charts.plane import HEIGHT, Dot, cost_scale, pareto, plane
from pointsman.report.charts.svg import per_cent, variant_class
from pointsman.report.markup import Html, join, tag

__all__ = ["cost_chart"]

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
    up = svg.nice([b for _, _, _, q in points for b in (q.low, q.high)], floor=0.0, ceiling=1.0)
    dots = [Dot(label=str(i + 1), words=_priced(v, c, q), cost=c, level=q, class_=variant_class(i)) for i, v, c, q in points]
    front = pareto([(c.value, q.value) for _, _, c, q in points])
    described = "; ".join(
        f"{i + 1} {_priced(v, c, q)}{', on the front' if k in front else ''}" for k, (i, v, c, q) in enumerate(points)
    )
    title = "Quality against cost per request" + (" (logarithmic)" if cost_scale([c.value for _, _, c, _ in points]).log else "")
    return svg.figure("cost", title, described, HEIGHT + 24, plane(dots, up, per_cent), after=_cost_key(result, points, front))


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
