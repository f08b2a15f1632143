"""One row per variant or pair: quality with its interval, how trials ended, who won which cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pointsman.evals.outcome import Outcome
from pointsman.evals.result import Comparison, RunResult, VariantResult
from pointsman.report import format as fmt
from pointsman.report.charts import svg
from pointsman.report.charts.svg import per_cent, variant_class
from pointsman.report.markup import Html, join, tag
from pointsman.report.words import OUTCOME_WORD, comparison_unit, quality_comparisons

__all__ = ["outcome_chart", "pairs_chart", "quality_chart"]

_ROW = 42
"""Pixels for a line of words and the mark under it."""


def quality_chart(result: RunResult) -> Html:
    """Dot and interval per variant, best first, with the baseline and the margin below it."""
    order = _by_quality(result.variants)
    scale = svg.nice([b for _, q in svg.known(result.variants) for b in (q.low, q.high)], floor=0.0, ceiling=1.0)
    bottom = _ROW * len(order) + 6
    drawn = join(
        (
            _baseline(result, scale, bottom),
            svg.axis(scale, 0, bottom, per_cent),
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


def _by_quality(variants: Sequence[VariantResult]) -> list[tuple[int, VariantResult]]:
    rank = {i: q.value for i, q in svg.known(variants)}
    return sorted(enumerate(variants), key=lambda pair: -rank.get(pair[0], -1.0))


def _row_words(y: float, left: str, right: str, full: str) -> Html:
    name = tag("text", tag("title", full), left, x="0", y=f"{y:g}", class_="name")
    return join((name, svg.text(100, y, right, "value", anchor="end")))


def _quality_row(index: int, row: int, v: VariantResult, scale: svg.Scale) -> Html:
    y = row * _ROW
    said = fmt.measured(v.quality, fmt.SHARE)
    words = _row_words(y + 15, fmt.short(v.name, 28), said, fmt.plain(v.name))
    q = svg.sure(v.quality)
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
    base = next((q for i, q in svg.known(result.variants) if result.variants[i].name == result.baseline), None)
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
