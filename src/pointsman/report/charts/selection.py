"""A selection in pictures: how often each finalist comes first, and ability against cost."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.core.estimate import Estimate
from pointsman.report import format as fmt
from pointsman.report.charts import svg
from pointsman.report.charts.plane import HEIGHT, Dot, cost_scale, pareto, plane
from pointsman.report.markup import Html, join, tag
from pointsman.selection.criteria import Criterion
from pointsman.selection.rank import Ranked
from pointsman.selection.select import Selection

__all__ = ["ability_chart", "first_place_chart", "score_chart"]

_ROW = 42
"""Pixels for a line of words and the mark under it."""
_MOST_DOTS = 16
_CHOSEN, _OTHER = 0, 7


def first_place_chart(s: Selection) -> Html | None:
    """The share of draws of weights and scores that each finalist wins, as bars; None without finalists."""
    if not s.finalists:
        return None
    top = max(e.high for e in s.robustness.first_place.values())
    scale = svg.nice([0.0, top], ceiling=1.0)
    bottom = _ROW * len(s.finalists) + 6
    rows = join(_bar_row(k, r, s, scale) for k, r in enumerate(s.finalists))
    shares = s.robustness.first_place
    described = "; ".join(f"{r.candidate.id}: {fmt.measured(shares[r.candidate.id], fmt.SHARE)}" for r in s.finalists)
    title = f"How often each finalist comes first in {s.robustness.draws:,} draws of weights and scores"
    key = tag("p", "The whisker is the interval of the drawing alone, with as many draws as these.", class_="note")
    drawn = join((svg.axis(scale, 0, bottom, svg.per_cent), rows))
    return svg.figure("first-place", title, described, bottom + 24, drawn, after=join((_colours(), key)))


def _bar_row(row: int, r: Ranked, s: Selection, scale: svg.Scale) -> Html:
    y = row * _ROW
    chance = s.robustness.first_place[r.candidate.id]
    said = fmt.measured(chance, fmt.SHARE)
    colour = _colour(r, s)
    bar = tag("rect", x=scale.x(0.0), y=y + 22, width=f"{scale.at(chance.value) - scale.at(0.0):.2f}%", height=12, class_="bar")
    return join(
        (
            *_words(y, r.candidate.id, said),
            tag("g", bar, class_=colour),
            svg.whisker(scale, y + 28, chance.value, chance.low, chance.high, colour, f"{r.candidate.id}: {said}"),
        )
    )


def score_chart(s: Selection) -> Html | None:
    """Each finalist's score between the worst and the best that the evidence allows; None for fewer than two."""
    if len(s.finalists) < 2:
        return None
    scale = svg.Scale(low=0.0, high=1.0)
    bottom = _ROW * len(s.finalists) + 6
    said = [f"{r.score.value:.2f} [{r.score.low:.2f}, {r.score.high:.2f}]" for r in s.finalists]
    rows = join(
        join(
            (
                *_words(k * _ROW, r.candidate.id, said[k]),
                svg.whisker(scale, k * _ROW + 28, r.score.value, r.score.low, r.score.high, _colour(r, s), said[k]),
            )
        )
        for k, r in enumerate(s.finalists)
    )
    described = "; ".join(f"{r.candidate.id}: {w}" for r, w in zip(s.finalists, said, strict=True))
    drawn = join((svg.axis(scale, 0, bottom, lambda v: f"{v:.1f}"), rows))
    return svg.figure("scores", "Score under your weights, and what the evidence leaves open", described, bottom + 24, drawn)


def ability_chart(s: Selection) -> Html | None:
    """Ability against dollars per request for shortlist, finalists and front; None if nobody has both."""
    wish = next((c for c in s.wishes if c.ability), None)
    if wish is None or not any(c.name == "cost" for c in s.wishes):
        return None
    ranked = _shown(s)
    points = [(r, cost, level) for r in ranked if (cost := _cost(r)) and (level := _ability(r, wish))]
    if not points:
        return None
    up = svg.nice([b for _, _, level in points for b in (level.low, level.high)])
    dots = [
        Dot(label=str(k), words=_priced(r, c, a), cost=c, level=a, class_=_colour(r, s)) for k, (r, c, a) in enumerate(points, 1)
    ]
    kept = pareto([(c.value, a.value) for _, c, a in points])
    word = f"{wish.name.replace('_', ' ')} (ability)"
    log = " (logarithmic)" if cost_scale([c.value for _, c, _ in points]).log else ""
    described = "; ".join(f"{k + 1} {d.words}{', on the front' if k in kept else ''}" for k, d in enumerate(dots))
    title = f"{word.capitalize()} against dollars per request{log}"
    after = _key(s, points, kept, [r for r in ranked if r not in [p[0] for p in points]])
    return svg.figure("ability", title, described, HEIGHT + 24, plane(dots[::-1], up, lambda v: f"{v:+g}"), after=after)


def _shown(s: Selection) -> list[Ranked]:
    found = {r.candidate.id: r for r in (*(c.ranked for c in s.shortlist), *s.finalists, *s.front.members)}
    return list(found.values())[:_MOST_DOTS]


def _cost(r: Ranked) -> Estimate | None:
    part = r.part("cost")
    if part is None or not part.known or part.raw is None:
        return None
    return Estimate(value=part.raw, low=part.raw, high=part.raw, n=1, method="list price")


def _ability(r: Ranked, wish: Criterion) -> Estimate | None:
    part = r.part(wish.name)
    if part is None or not part.known or part.raw is None:
        return None
    low, high = (wish.worst + u * (wish.best - wish.worst) for u in (part.low, part.high))
    return Estimate(value=part.raw, low=min(low, part.raw), high=max(high, part.raw), n=len(part.basis), method="one scale")


def _priced(r: Ranked, cost: Estimate, ability: Estimate) -> str:
    return f"{fmt.plain(r.candidate.id)}: {ability.value:+.2f} [{ability.low:+.2f}, {ability.high:+.2f}] at ${cost.value:.3g}"


def _key(s: Selection, points: Sequence[tuple[Ranked, Estimate, Estimate]], front: set[int], absent: Sequence[Ranked]) -> Html:
    rows = [
        tag(
            "li",
            tag("b", f"{k + 1} "),
            tag("span", class_=f"swatch {_colour(r, s)}", aria_hidden="true"),
            fmt.short(r.candidate.id, 44),
            tag("em", " on the front") if k in front else None,
        )
        for k, (r, _, _) in enumerate(points)
    ]
    said = (
        "The line is the Pareto front of these two: nobody shown is both cheaper and abler. It looks at two wishes; the front"
        " told below looks at all of yours. Bars are 95 % intervals, cut at the ends of the scale."
    )
    names = ", ".join(fmt.short(r.candidate.id, 44) for r in absent)
    left_out = tag("p", f"Not drawn, their price or ability being unknown: {names}.", class_="note") if absent else None
    return join((tag("ul", *rows, class_="legend"), tag("p", said, class_="note"), left_out))


def _words(y: int, name: str, said: str) -> tuple[Html, Html]:
    return svg.text(0, y + 15, fmt.short(name, 40), "name"), svg.text(100, y + 15, said, "value", anchor="end")


def _colours() -> Html:
    return svg.legend([(svg.variant_class(_CHOSEN), "on the shortlist"), (svg.variant_class(_OTHER), "not on it")])


def _colour(r: Ranked, s: Selection) -> str:
    return svg.variant_class(_CHOSEN if any(c.ranked is r for c in s.shortlist) else _OTHER)
