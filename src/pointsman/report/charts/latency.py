"""How long answers took: the share that had arrived by each moment."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.evals.result import RunResult, VariantResult
from pointsman.report import format as fmt
from pointsman.report.charts import svg
from pointsman.report.charts.svg import variant_class
from pointsman.report.markup import Html, join, tag

__all__ = ["latency_chart"]


def latency_chart(result: RunResult) -> Html | None:
    """Share of answers that arrived within a time, per variant; None if no latency was measured."""
    curves = [(i, v, v.latency_s.curve) for i, v in enumerate(result.variants) if len(v.latency_s.curve) == 101]
    if not curves:
        return None
    scale = _latency_scale([c for _, _, c in curves])
    height = 260
    lines = tag(
        "svg",
        *(_ecdf(i, c, scale) for i, _, c in curves),
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        width="100%",
        height=height,
    )
    drawn = join(
        (
            _levels(height),
            svg.axis(scale, 0, height, _time, most=5),
            lines,
            *(_marks(i, v, c, scale, height) for i, v, c in curves),
        )
    )
    described = "; ".join(
        f"{fmt.plain(v.name)}: p50 {fmt.measured(v.latency_s.p50)}, p95 {fmt.measured(v.latency_s.p95)}" for _, v, _ in curves
    )
    note = tag(
        "p",
        "Dots mark p50 and p95. The slowest 1 % may lie beyond the right edge; answers from a cache are left out.",
        class_="note",
    )
    key = svg.legend((variant_class(i), fmt.short(v.name, 40)) for i, v, _ in curves)
    return svg.figure(
        "latency", "Share of answers that arrived within a time", described, height + 24, drawn, after=join((key, note))
    )


def _latency_scale(curves: Sequence[Sequence[float]]) -> svg.Scale:
    low, high = min(c[1] for c in curves), max(c[99] for c in curves)
    if low > 0 and high / low > svg.LOG_SPAN:
        return svg.Scale(low=low, high=high, log=True)
    return svg.nice([0.0, high])


def _ecdf(index: int, curve: Sequence[float], scale: svg.Scale) -> Html:
    points = " ".join(f"{scale.at(t):.2f},{100 - p}" for p, t in enumerate(curve) if t <= scale.high)
    return tag("polyline", points=points, class_=f"line {variant_class(index)}", vector_effect="non-scaling-stroke")


def _levels(height: int) -> Html:
    return join(
        join((tag("line", x1="0", x2="100%", y1=y, y2=y, class_="grid"), svg.text(0, y - 3, f"{p} %", "tick")))
        for p in (25, 50, 75, 95)
        for y in (height * (100 - p) / 100,)
    )


def _marks(index: int, v: VariantResult, curve: Sequence[float], scale: svg.Scale, height: int) -> Html:
    quantiles = ((50, v.latency_s.p50), (95, v.latency_s.p95))
    return join(
        tag(
            "circle",
            tag("title", f"{fmt.plain(v.name)} p{p}: {fmt.measured(m)}"),
            cx=scale.x(curve[p]),
            cy=height * (100 - p) / 100,
            r=4,
            class_=f"dot {variant_class(index)}",
        )
        for p, m in quantiles
        if curve[p] <= scale.high
    )


def _time(value_s: float) -> str:
    return f"{1000 * value_s:.3g} ms" if 0 < value_s < 1 else f"{value_s:.3g} s"
