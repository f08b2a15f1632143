"""The charts of a run, as inline SVG with a spoken description each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pointsman.core.estimate import Estimate, Measured
from pointsman.evals.outcome import Outcome
from pointsman.evals.result import Comparison, RunResult, VariantResult
from pointsman.report import format as fmt
from pointsman.report import svg
from pointsman.report.markup import Html, join, tag
from pointsman.report.words import OUTCOME_WORD, comparison_unit, quality_comparisons

__all__ = [
    "cost_chart",
    "latency_chart",
    "outcome_chart",
    "pairs_chart",
    "pareto",
    "quality_chart",
    "slices_chart",
    "variant_class",
]

_ROW = 42
_COLOURS = 8
LOG_SPAN = 20
"""Above this ratio of dearest to cheapest (or slowest to fastest) an axis is logarithmic."""
OPEN_PANELS = 12
"""Tags drawn at once; the others are folded away."""


def variant_class(index: int) -> str:
    """Colour class of the variant at this place in the run; from the ninth on, dashed as well."""
    return f"v{index % _COLOURS}" + (" again" if index >= _COLOURS else "")


def quality_chart(result: RunResult) -> Html:
    """Dot and interval per variant, best first, with the baseline and the margin below it."""
    order = _by_quality(result.variants)
    scale = svg.nice([b for _, q in _known(result.variants) for b in (q.low, q.high)], floor=0.0, ceiling=1.0)
    bottom = _ROW * len(order) + 6
    drawn = join(
        (
            _baseline(result, scale, bottom),
            svg.axis(scale, 0, bottom, _per_cent),
            *(_quality_row(i, r, v, scale) for r, (i, v) in enumerate(order)),
        )
    )
    described = "; ".join(f"{fmt.plain(v.name)}: {fmt.sized(v.quality, fmt.SHARE)}" for _, v in order)
    return svg.figure("quality", "Quality, with its interval", described, bottom + 24, drawn, after=_baseline_legend(result))


def outcome_chart(result: RunResult) -> Html:
    """How every trial ended, as one bar per variant."""
    rows = join(_outcome_row(r, v) for r, v in enumerate(result.variants))
    described = "; ".join(f"{fmt.plain(v.name)}: {_outcome_words(v)}" for v in result.variants)
    seen = [o for o in Outcome if any(v.outcomes.get(o) for v in result.variants)]
    key = svg.legend((f"o-{o.value}", OUTCOME_WORD[o]) for o in seen)
    return svg.figure("outcomes", "How every trial ended", described, _ROW * len(result.variants) + 4, rows, after=key)


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


def cost_chart(result: RunResult) -> Html | None:
    """Quality against cost per request with the Pareto front; None if no variant has both."""
    points = [
        (i, v, c, q) for i, v in enumerate(result.variants) if (c := _sure(v.cost.per_request_usd)) and (q := _sure(v.quality))
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


def slices_chart(result: RunResult) -> Html | None:
    """One small chart per tag, the commonest first; None if no case has a tag."""
    tags = _tags(result)
    if not tags:
        return None
    found = {
        t: [(i, v, q) for i, v in enumerate(result.variants) for s in v.slices if s.tag == t and (q := _sure(s.quality))]
        for t, _ in tags
    }
    scale = svg.nice([b for rows in found.values() for _, _, q in rows for b in (q.low, q.high)], floor=0.0, ceiling=1.0)
    panels = [_panel(k, t, n, found[t], scale) for k, (t, n) in enumerate(tags)]
    rest = panels[OPEN_PANELS:]
    folded = tag("details", tag("summary", f"{len(rest)} more tags"), tag("div", *rest, class_="panels")) if rest else None
    return join((tag("div", *panels[:OPEN_PANELS], class_="panels"), folded))


def pairs_chart(result: RunResult) -> Html | None:
    """Cases only one side got right, candidate to the right, baseline to the left; None without comparisons."""
    compared = [c for c in quality_comparisons(result) if c.both + c.neither + c.only_baseline + c.only_candidate]
    if not compared:
        return None
    most = max(1, *(max(c.only_candidate, c.only_baseline) for c in compared))
    rows = join(_pair_row(r, c, most) for r, c in enumerate(compared))
    height = 52 * len(compared) + 4
    middle = tag("line", x1="50%", x2="50%", y1=0, y2=height, class_="axis")
    described = "; ".join(
        f"only {fmt.plain(name)} right: {fmt.count(n)}"
        for c in compared
        for name, n in ((c.candidate, c.only_candidate), (c.baseline, c.only_baseline))
    )
    return svg.figure("pairs", "Cases that only one of the two got right", described, height, middle, rows)


def pareto(points: Sequence[tuple[float, float]]) -> set[int]:
    """Indexes of (cost, quality) points that no other beats: as cheap and as good, and better in one."""
    return {i for i, (c, q) in enumerate(points) if not any(d <= c and r >= q and (d < c or r > q) for d, r in points)}


def _sure(m: Measured) -> Estimate | None:
    return m if isinstance(m, Estimate) else None


def _known(variants: Sequence[VariantResult]) -> list[tuple[int, Estimate]]:
    return [(i, q) for i, v in enumerate(variants) if (q := _sure(v.quality))]


def _by_quality(variants: Sequence[VariantResult]) -> list[tuple[int, VariantResult]]:
    rank = {i: q.value for i, q in _known(variants)}
    return sorted(enumerate(variants), key=lambda pair: -rank.get(pair[0], -1.0))


def _row_words(y: float, left: str, right: str, full: str) -> Html:
    name = tag("text", tag("title", full), left, x="0", y=f"{y:g}", class_="name")
    return join((name, svg.text(100, y, right, "value", anchor="end")))


def _quality_row(index: int, row: int, v: VariantResult, scale: svg.Scale) -> Html:
    y = row * _ROW
    said = fmt.measured(v.quality, fmt.SHARE)
    words = _row_words(y + 15, fmt.short(v.name, 28), said, fmt.plain(v.name))
    q = _sure(v.quality)
    if q is None:
        return words
    return join(
        (
            words,
            svg.whisker(
                scale, y + 28, q.value, q.low, q.high, variant_class(index), f"{fmt.plain(v.name)}: {fmt.sized(q, fmt.SHARE)}"
            ),
        )
    )


def _baseline(result: RunResult, scale: svg.Scale, bottom: int) -> Html | None:
    base = next((q for i, q in _known(result.variants) if result.variants[i].name == result.baseline), None)
    if base is None:
        return None
    margin = _margin(result)
    band = None
    if margin:
        left, right = scale.at(base.value - margin), scale.at(base.value)
        band = tag("rect", x=f"{left:.2f}%", width=f"{right - left:.2f}%", y=0, height=bottom, class_="band")
    return join((band, tag("line", x1=scale.x(base.value), x2=scale.x(base.value), y1=0, y2=bottom, class_="baseline")))


def _margin(result: RunResult) -> float | None:
    return next((c.margin for c in quality_comparisons(result) if c.margin), None)


def _baseline_legend(result: RunResult) -> Html | None:
    if result.baseline is None:
        return None
    entries = [("k-baseline", f"baseline {fmt.plain(result.baseline, 40)}")]
    if margin := _margin(result):
        entries.append(("k-band", f"within the margin of {fmt.number(100 * margin, 1)} points below it"))
    return svg.legend(entries)


def _outcome_row(row: int, v: VariantResult) -> Html:
    y = row * _ROW
    right = f"{fmt.count(v.outcomes.get(Outcome.CORRECT, 0))} of {fmt.count(v.trials)} correct"
    return join((_row_words(y + 15, fmt.short(v.name, 28), right, fmt.plain(v.name)), *_outcome_bars(v, y + 21)))


def _outcome_bars(v: VariantResult, y: int) -> Iterator[Html]:
    total = sum(v.outcomes.values())
    at = 0.0
    for outcome in Outcome:
        if n := v.outcomes.get(outcome, 0):
            width = 100 * n / total
            title = tag("title", f"{OUTCOME_WORD[outcome]}: {fmt.count(n)} of {fmt.count(total)} trials")
            yield tag("rect", title, x=f"{at:.3f}%", width=f"{width:.3f}%", y=y, height=14, class_=f"o-{outcome.value}")
            at += width


def _outcome_words(v: VariantResult) -> str:
    return ", ".join(f"{OUTCOME_WORD[o]} {fmt.count(n)}" for o in Outcome if (n := v.outcomes.get(o, 0))) or "no trials"


def _latency_scale(curves: Sequence[Sequence[float]]) -> svg.Scale:
    low, high = min(c[1] for c in curves), max(c[99] for c in curves)
    if low > 0 and high / low > LOG_SPAN:
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


def _cost_scale(costs: Sequence[float]) -> svg.Scale:
    low, high = min(costs), max(costs)
    if low > 0 and high / low > LOG_SPAN:
        return svg.Scale(low=low / 1.6, high=high * 1.6, log=True)
    return svg.nice([0.0, high * 1.08])


_Point = tuple[int, VariantResult, Estimate, Estimate]


def _y(up: svg.Scale, value: float, height: int) -> float:
    return height * (1 - (min(max(value, up.low), up.high) - up.low) / (up.high - up.low) * 0.94 - 0.03)


def _level_line(up: svg.Scale, value: float, height: int) -> Html:
    y = _y(up, value, height)
    return join((tag("line", x1="0", x2="100%", y1=y, y2=y, class_="grid"), svg.text(0, round(y) - 3, _per_cent(value), "tick")))


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


def _tags(result: RunResult) -> list[tuple[str, int]]:
    """Tags with their number of cases, the commonest first."""
    sliced = dict.fromkeys(s.tag for v in result.variants for s in v.slices)
    return sorted(((t, result.tests.tags.get(t, 0)) for t in sliced), key=lambda pair: (-pair[1], pair[0]))


def _panel(k: int, name: str, n: int, rows: list[tuple[int, VariantResult, Estimate]], scale: svg.Scale) -> Html:
    bottom = 20 * len(rows) + 2
    right = svg.Scale(low=scale.low, high=scale.high)
    drawn = tag(
        "svg",
        svg.axis(right, 0, bottom, _per_cent, most=4),
        *(
            svg.whisker(
                right, 20 * r + 11, q.value, q.low, q.high, variant_class(i), f"{fmt.plain(v.name)}: {fmt.sized(q, fmt.SHARE)}"
            )
            for r, (i, v, q) in enumerate(rows)
        ),
        x="40%",
        width="60%",
        height=bottom + 20,
    )
    names = (
        tag("text", tag("title", fmt.plain(v.name)), fmt.short(v.name, 16), x="0", y=20 * r + 15, class_="small")
        for r, (_, v, _) in enumerate(rows)
    )
    described = "; ".join(f"{fmt.plain(v.name)}: {fmt.measured(q, fmt.SHARE)}" for _, v, q in rows) or "nothing known"
    return svg.figure(f"slice-{k}", f"{fmt.plain(name, 40)} ({fmt.counted(n, 'case')})", described, bottom + 22, *names, drawn)


def _pair_row(row: int, c: Comparison, most: int) -> Html:
    y = row * 52
    left, right = 49 * c.only_baseline / most, 49 * c.only_candidate / most
    words = f"{fmt.plain(c.candidate)} − {fmt.plain(c.baseline)}: {fmt.measured(c.difference, comparison_unit(c.metric))}"
    return tag(
        "g",
        tag("title", words),
        svg.text(0, y + 15, f"{fmt.short(c.baseline, 18)}: {fmt.count(c.only_baseline)}", "name"),
        svg.text(100, y + 15, f"{fmt.short(c.candidate, 24)}: {fmt.count(c.only_candidate)}", "name", anchor="end"),
        tag("rect", x=f"{50 - left:.2f}%", width=f"{left:.2f}%", y=y + 22, height=16, class_="loss"),
        tag("rect", x="50%", width=f"{right:.2f}%", y=y + 22, height=16, class_="win"),
    )


def _per_cent(value: float) -> str:
    return f"{100 * value:.4g} %"


def _time(value_s: float) -> str:
    return f"{1000 * value_s:.3g} ms" if 0 < value_s < 1 else f"{value_s:.3g} s"


def _price(value_usd: float) -> str:
    places = max(0, 1 - math.floor(math.log10(value_usd))) if value_usd > 0 else 0
    text = f"{value_usd:.{places}f}"
    return "$" + (text.rstrip("0").rstrip(".") if "." in text else text)
