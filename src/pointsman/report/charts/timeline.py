"""A rollout over time: the candidate's share with what was done, and the evidence against it."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.report import format as fmt
from pointsman.report.charts import svg
from pointsman.report.markup import Html, join, tag
from pointsman.rollout.chronicle import Chronicle, Told
from pointsman.rollout.state import State, weight_of

__all__ = ["evidence_chart", "share_chart"]

_HEIGHT = 190
_FLOOR, _CEILING = -0.5, 1.1
"""Evidence is drawn between these shares of what a rollback needs; below, it says clearly that nothing is wrong."""
_DASHES = (None, "9 5", "2 5", "9 5 2 5")
"""Lines that run upon each other, as those of checks without any bad event do, are all seen."""


def share_chart(story: Chronicle, id_: str = "share") -> Html:
    """The share of new users that got the candidate, as steps, with a mark for everything that was done."""
    time_ = _time(story)
    corners = [(0.0, weight_of(story.plan, State()))]
    for told in story.steps:
        corners += [(told.at_s, corners[-1][1]), (told.at_s, told.weight)]
    corners.append((time_.high, corners[-1][1]))
    line = _line([(time_.at(x), _down(y, 0.0, 1.0)) for x, y in corners], svg.variant_class(1))
    marks = join(_mark(time_, told) for told in story.steps if told.action != "stay")
    levels = join(_level(share, _down(share, 0.0, 1.0), svg.per_cent(share)) for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    described = "; ".join(f"after {fmt.duration(t.at_s)} {t.action}, {t.weight:.0%}" for t in story.steps)
    drawn = join((svg.axis(time_, 0, _HEIGHT, fmt.duration, most=5), levels, line, marks))
    return svg.figure(id_, "Share of new users that got the candidate", described, _HEIGHT + 24, drawn)


def evidence_chart(story: Chronicle, id_: str = "evidence") -> Html | None:
    """Each guardrail's evidence as a share of what a rollback needs; None before anything was seen."""
    names = [n for n in story.plan.guardrails if any(n in p.share for p in story.points)]
    if not names:
        return None
    time_ = _time(story)
    lines = join(_evidence_line(story, time_, i, name) for i, name in enumerate(names))
    at = _down(1.0, _FLOOR, _CEILING)
    limit = tag("line", x1="0", x2="100%", y1=f"{at:.1f}", y2=f"{at:.1f}", class_="baseline")
    nothing = _level(0.0, _down(0.0, _FLOOR, _CEILING), "")
    words = join(svg.text(0, _down(y, _FLOOR, _CEILING) - 3, what, "tick") for y, what in ((0.0, "none"), (1.0, "rolls back")))
    last = story.points[-1].share
    described = "; ".join(f"{name}: {last.get(name, 0.0):.0%} of what a rollback needs" for name in names)
    key = svg.legend((svg.variant_class(i), name) for i, name in enumerate(names))
    drawn = join((svg.axis(time_, 0, _HEIGHT, fmt.duration, most=5), nothing, limit, lines, words))
    return svg.figure(id_, "Evidence of harm, read after every request", described, _HEIGHT + 24, drawn, after=key)


def _evidence_line(story: Chronicle, time_: svg.Scale, number: int, name: str) -> Html:
    """From nothing at the beginning, as every e-process starts, to a dot where it stands now."""
    seen = [(0.0, 0.0), *((p.at_s, p.share[name]) for p in story.points if name in p.share)]
    class_ = svg.variant_class(number)
    line = _line([(time_.at(at), _down(share, _FLOOR, _CEILING)) for at, share in seen], class_, _DASHES[number % len(_DASHES)])
    return join((line, _latest(time_, story, name, class_)))


def _time(story: Chronicle) -> svg.Scale:
    return svg.Scale(low=0.0, high=max(story.lasted_s, *(t.at_s for t in story.steps), 1.0))


def _down(value: float, low: float, high: float) -> float:
    """Pixels from the top."""
    inside = (min(max(value, low), high) - low) / (high - low)
    return 8 + (1.0 - inside) * (_HEIGHT - 16)


def _line(points: Sequence[tuple[float, float]], class_: str, dashes: str | None = None) -> Html:
    """A line whose width follows the page: an inner picture is stretched, its stroke is not."""
    path = " ".join(f"{x:.2f},{y:.1f}" for x, y in points)
    how = {"vector_effect": "non-scaling-stroke", "stroke_dasharray": dashes, "class_": f"trace {class_}"}
    drawn = tag("polyline", points=path, fill="none", **how)
    box = f"0 0 100 {_HEIGHT}"
    return tag("svg", drawn, x="0", y="0", width="100%", height=_HEIGHT, viewBox=box, preserveAspectRatio="none")


def _latest(time_: svg.Scale, story: Chronicle, name: str, class_: str) -> Html:
    """The last reading as a dot: a rollback may come with the first one, and one point makes no line."""
    last = next(p for p in reversed(story.points) if name in p.share)
    title = f"{fmt.plain(name)} after {fmt.duration(last.at_s)}: {last.share[name]:.0%} of what a rollback needs"
    y = f"{_down(last.share[name], _FLOOR, _CEILING):.1f}"
    return tag("g", tag("circle", tag("title", title), cx=time_.x(last.at_s), cy=y, r=4, class_="dot"), class_=class_)


def _mark(time_: svg.Scale, told: Told) -> Html:
    bad = told.action in ("roll_back", "abort", "unconfirmed")
    title = f"{fmt.duration(told.at_s)}: {told.action.replace('_', ' ')}: {fmt.plain(told.reason, 200)}"
    y = f"{_down(told.weight, 0.0, 1.0):.1f}"
    circle = tag("circle", tag("title", title), cx=time_.x(told.at_s), cy=y, r=5, class_="dot")
    return tag("g", circle, class_=svg.variant_class(5 if bad else 1))


def _level(share: float, y: float, words: str) -> Html:
    line = tag("line", x1="0", x2="100%", y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid")
    return join((line, svg.text(0, y - 3, words, "tick"))) if share else line
