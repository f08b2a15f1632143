"""Quality by tag, as one small chart each."""

from __future__ import annotations

from pointsman.core.estimate import Measured, Unknown
from pointsman.evals.result import RunResult, VariantResult
from pointsman.report import format as fmt
from pointsman.report.charts import svg
from pointsman.report.charts.svg import per_cent, variant_class
from pointsman.report.markup import Html, join, tag

__all__ = ["OPEN_PANELS", "slices_chart"]

OPEN_PANELS = 12
"""Tags drawn at once; the others are folded away."""


def slices_chart(result: RunResult) -> Html | None:
    """One small chart per tag, the commonest first; None if no case has a tag."""
    tags = _tags(result)
    if not tags:
        return None
    found = {t: [(i, v, s.quality) for i, v in enumerate(result.variants) for s in v.slices if s.tag == t] for t, _ in tags}
    scale = svg.nice(
        [b for rows in found.values() for _, _, m in rows if (q := svg.sure(m)) for b in (q.low, q.high)], floor=0.0, ceiling=1.0
    )
    panels = [_panel(k, t, n, found[t], scale) for k, (t, n) in enumerate(tags)]
    rest = panels[OPEN_PANELS:]
    folded = tag("details", tag("summary", f"{len(rest)} more tags"), tag("div", *rest, class_="panels")) if rest else None
    return join((tag("div", *panels[:OPEN_PANELS], class_="panels"), folded))


def _tags(result: RunResult) -> list[tuple[str, int]]:
    """Tags with their number of cases, the commonest first."""
    sliced = dict.fromkeys(s.tag for v in result.variants for s in v.slices)
    return sorted(((t, result.tests.tags.get(t, 0)) for t in sliced), key=lambda pair: (-pair[1], pair[0]))


def _panel(k: int, name: str, n: int, rows: list[tuple[int, VariantResult, Measured]], scale: svg.Scale) -> Html:
    bottom = 20 * len(rows) + 2
    marks = (_mark(scale, 20 * r + 11, i, v, m) for r, (i, v, m) in enumerate(rows))
    # The plot stands in an SVG of its own, so that its per cents are of the space right of the names.
    plot = tag("svg", svg.axis(scale, 0, bottom, per_cent, most=4), *marks, x="40%", width="60%", height=bottom + 20)
    names = (
        tag("text", tag("title", fmt.plain(v.name)), fmt.short(v.name, 16), x="0", y=20 * r + 15, class_="small")
        for r, (_, v, _) in enumerate(rows)
    )
    described = "; ".join(f"{fmt.plain(v.name)}: {fmt.measured(m, fmt.SHARE)}" for _, v, m in rows)
    title = f"{fmt.plain(name, 40)} ({fmt.counted(n, 'case')})"
    return svg.figure(f"slice-{k}", title, described, bottom + 22, *names, plot)


def _mark(scale: svg.Scale, y: int, index: int, v: VariantResult, m: Measured) -> Html:
    if isinstance(m, Unknown):
        return svg.text(2, y + 4, fmt.plain(f"unknown: {m.reason}", 32), "small")
    title = f"{fmt.plain(v.name)}: {fmt.sized(m, fmt.SHARE)}"
    return svg.whisker(scale, y, m.value, m.low, m.high, variant_class(index), title)
