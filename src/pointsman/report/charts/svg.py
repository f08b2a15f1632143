"""Scales and axes for charts whose width follows the page: across in per cent, down in pixels, so text keeps its size."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence

import msgspec

from pointsman.core.estimate import Estimate, Measured
from pointsman.evals.result import VariantResult
from pointsman.report.markup import Child, Html, join, tag

__all__ = [
    "LOG_SPAN",
    "Scale",
    "axis",
    "figure",
    "known",
    "legend",
    "nice",
    "per_cent",
    "sure",
    "text",
    "variant_class",
    "whisker",
]

LOG_SPAN = 20
"""Above this ratio of largest to smallest an axis of costs or times is logarithmic."""
_COLOURS = 8
_INSET = 1.5
"""Per cent kept free at both sides, so that a mark at the edge is not cut."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """From a quantity to per cent of the width (0 left, 100 right)."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies, held inside the plot; infinities lie at its edges."""
        low, high, v = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, v = math.log(low), math.log(high), math.log(v)
        inside = (v - low) / (high - low) if high > low else 0.5
        return _INSET + inside * (100 - 2 * _INSET)

    def x(self, value: float) -> str:
        """The same as an SVG length."""
        return f"{self.at(value):.2f}%"

    def ticks(self, most: int = 6) -> list[float]:
        """Round values inside the scale, at most about so many."""
        return _log_ticks(self.low, self.high, most) if self.log else _ticks(self.low, self.high, most)


def nice(values: Iterable[float], *, floor: float | None = None, ceiling: float | None = None) -> Scale:
    """A linear scale with round ends around all finite values; 0 to 1 if there are none."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return Scale(low=0.0, high=1.0)
    low, high = min(finite), max(finite)
    step = _step(high - low or abs(high) or 1.0, 5)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    low = low if floor is None else max(low, floor)
    high = high if ceiling is None else min(high, ceiling)
    return Scale(low=low, high=high if high > low else low + step)


def variant_class(index: int) -> str:
    """Colour class of the variant at this place in the run; from the ninth on, its marks differ as well."""
    return f"v{index % _COLOURS}" + (" again" if index >= _COLOURS else "")


def per_cent(value: float) -> str:
    """A share as a tick says it."""
    return f"{100 * value:.4g} %"


def sure(m: Measured) -> Estimate | None:
    """The estimate, if there is one to draw."""
    return m if isinstance(m, Estimate) else None


def known(variants: Sequence[VariantResult]) -> list[tuple[int, Estimate]]:
    """Place and quality of the variants that have one."""
    return [(i, q) for i, v in enumerate(variants) if (q := sure(v.quality))]


def axis(scale: Scale, top: int, bottom: int, label: Callable[[float], str], *, most: int = 6) -> Html:
    """Grid lines from `top` to `bottom` with their labels under them."""
    return join(
        join(
            (
                tag("line", x1=scale.x(t), x2=scale.x(t), y1=top, y2=bottom, class_="grid"),
                text(scale.at(t), bottom + 15, label(t), "tick", anchor=_edge(scale.at(t))),
            )
        )
        for t in scale.ticks(most)
    )


def text(x: float, y: float, words: str, class_: str = "", *, anchor: str = "start", dx: int = 0) -> Html:
    """A line of text at `x` per cent and `y` pixels."""
    return tag(
        "text",
        words,
        x=f"{x:.2f}%",
        y=f"{y:g}",
        dx=dx or None,
        class_=class_ or None,
        text_anchor=None if anchor == "start" else anchor,
    )


def whisker(scale: Scale, y: float, value: float, low: float, high: float, class_: str, title: str) -> Html:
    """A dot on its interval; a bound that does not exist runs to the edge."""
    y_ = f"{y:g}"
    return tag(
        "g",
        tag("title", title),
        tag("line", x1=scale.x(low), x2=scale.x(high), y1=y_, y2=y_, class_="whisker"),
        *(
            tag("line", x1=scale.x(b), x2=scale.x(b), y1=y - 4, y2=y + 4, class_="whisker")
            for b in (low, high)
            if math.isfinite(b)
        ),
        tag("circle", cx=scale.x(value), cy=y_, r=5, class_="dot"),
        class_=class_,
    )


def figure(id_: str, title: str, described: str, height: int, *drawn: Child, after: Child = None) -> Html:
    """A chart with its accessible name and description."""
    svg = tag(
        "svg",
        tag("title", title, id=f"{id_}-t"),
        tag("desc", described, id=f"{id_}-d"),
        *drawn,
        role="img",
        aria_labelledby=f"{id_}-t {id_}-d",
        width="100%",
        height=height,
    )
    return tag("figure", tag("figcaption", title), svg, after, class_="chart")


def legend(entries: Iterable[tuple[str, str]]) -> Html:
    """Swatches: (class, words) each."""
    return tag(
        "ul", *(tag("li", tag("span", class_=f"swatch {c}", aria_hidden="true"), words) for c, words in entries), class_="legend"
    )


def _edge(at: float) -> str:
    return "start" if at < 6 else "end" if at > 94 else "middle"


def _step(span: float, most: int) -> float:
    rough = max(span / most, sys.float_info.min)  # a span below that has no logarithm
    power = 10.0 ** math.floor(math.log10(rough))
    return next((m * power for m in (1, 2, 5) if m * power >= rough * 0.999), 10 * power)


def _ticks(low: float, high: float, most: int) -> list[float]:
    step = _step(high - low, most - 1)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [[v for d in decades for m in marks if low <= (v := m * 10.0**d) <= high] for marks in ((1, 2, 5), (1, 3), (1,))]
    fine = next((marks for marks in found if len(marks) <= most), found[-1])
    return fine[:: math.ceil(len(fine) / most)] if fine else []
