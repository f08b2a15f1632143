"""How a measured number is written for people: with its interval, and with no more digits than that justifies."""

from __future__ import annotations

import datetime as dt
import math
import re

import msgspec

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.units import Usd

__all__ = [
    "CHANGE",
    "DOLLARS",
    "POINTS",
    "SHARE",
    "Unit",
    "age",
    "count",
    "counted",
    "dollars",
    "duration",
    "measured",
    "number",
    "p_value",
    "plain",
    "seconds_unit",
    "short",
    "sized",
    "unit_of",
    "value_and_interval",
    "when",
]


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """How a quantity is shown: multiplied by `scale`, between `before` and `after`."""

    scale: float = 1.0
    before: str = ""
    after: str = ""
    signed: bool = False
    """Show a plus as well as a minus: for differences."""
    most_decimals: int = 12


SHARE = Unit(scale=100, after=" %", most_decimals=2)
"""A share of something, such as quality or an error rate."""
POINTS = Unit(scale=100, after=" points", signed=True, most_decimals=2)
"""A difference of two shares, in percentage points."""
CHANGE = Unit(scale=100, after=" %", signed=True, most_decimals=1)
"""A ratio minus 1, such as how much slower."""
DOLLARS = Unit(before="$")
_SECONDS = Unit(after=" s", most_decimals=3)
_MILLISECONDS = Unit(scale=1000, after=" ms", most_decimals=1)

# C0 and C1 controls could drive a terminal; lone surrogates cannot be encoded; bidi overrides reorder what is read.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def seconds_unit(value_s: float) -> Unit:
    """Milliseconds below one second, seconds from there."""
    return _MILLISECONDS if abs(value_s) < 1 else _SECONDS


def unit_of(quantity: str, value: float = 1.0) -> Unit:
    """The unit of a metric (`quality`, `latency`, `cost`: as differences) or of a criterion's key (by its ending).

    `value` chooses between seconds and milliseconds.
    """
    if quantity.endswith("_s"):
        return seconds_unit(value)
    if quantity.endswith("_usd"):
        return DOLLARS
    return SHARE


def measured(m: Measured, unit: Unit | None = None, *, reason: bool = False) -> str:
    """`84.3 % [82.2, 86.2]`, or `unknown` (with its reason if asked). Seconds are written by leaving `unit` out."""
    if isinstance(m, Unknown):
        return f"unknown: {plain(m.reason)}" if reason else "unknown"
    return " ".join(value_and_interval(m, unit))


def value_and_interval(m: Estimate, unit: Unit | None = None) -> tuple[str, str]:
    """The same in two pieces, for where they stand on two lines."""
    unit = unit or seconds_unit(m.value)
    places = _decimals(m, unit)
    value = f"{unit.before}{number(m.value * unit.scale, places, signed=unit.signed)}{unit.after}"
    return value, f"[{_bound(m.low, unit, places)}, {_bound(m.high, unit, places)}]"


def sized(m: Measured, unit: Unit | None = None) -> str:
    """As `measured`, followed by the number of independent units behind it."""
    return measured(m, unit, reason=True) + (f", n = {count(m.n)}" if isinstance(m, Estimate) else "")


def number(value: float, places: int, *, signed: bool = False) -> str:
    """A plain decimal with thousands separated and a true minus sign; a rounded zero has no sign."""
    text = f"{value:{'+' if signed else ''},.{places}f}"
    if not any(c in "123456789" for c in text):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def count(n: int) -> str:
    """An integer with thousands separated."""
    return f"{n:,}"


def counted(n: int, noun: str) -> str:
    """`1 case`, `1,319 cases`."""
    return f"{count(n)} {noun}{'' if n == 1 else 's'}"


def dollars(amount: Usd) -> str:
    """An exact amount for reading: cents from one dollar up, three significant digits below, never scientific."""
    if amount == 0:
        return "$0"
    if abs(amount) >= 1:
        return f"${amount:,.2f}"
    return f"${amount:.{2 - amount.adjusted()}f}"


def p_value(p: float | None) -> str:
    """`p < 0.001`, `p = 0.032`, or `no p-value`."""
    if p is None:
        return "no p-value"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def duration(seconds: float) -> str:
    """A stretch of time for reading: `340 ms`, `12.4 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def when(unix_s: float) -> str:
    """The minute, in UTC."""
    return dt.datetime.fromtimestamp(unix_s, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def age(checked_on: str | None, at_s: float) -> str:
    """How old a dated fact was at a moment (Unix seconds): `2026-11-01, 22 days before the run`."""
    if checked_on is None:
        return "date unknown"
    try:
        days = (dt.datetime.fromtimestamp(at_s, dt.UTC).date() - dt.date.fromisoformat(checked_on[:10])).days
    except ValueError:
        return plain(checked_on)
    if days <= 0:
        return f"{checked_on[:10]}, the day of the run" if days == 0 else f"{checked_on[:10]}, after the run"
    return f"{checked_on[:10]}, {count(days)} day{'s' if days > 1 else ''} before the run"


def plain(text: str, most: int | None = None) -> str:
    """One line that is safe to print: controls, direction overrides and lone surrogates become `�`, line ends spaces.

    `most` cuts to that many characters, with an ellipsis.
    """
    line = _UNSEEN.sub("�", " ".join(text.split()))
    return line[: most - 1] + "…" if most is not None and len(line) > most else line


def short(name: str, most: int) -> str:
    """A name in at most so many characters, cut in its middle, because its end is what tells versions apart."""
    name = plain(name)
    if len(name) <= most:
        return name
    head = (most - 1) // 2
    return f"{name[:head]}…{name[len(name) - (most - 1 - head) :]}"


def _bound(bound: float, unit: Unit, places: int) -> str:
    if math.isinf(bound):
        return "∞" if bound > 0 else "−∞"
    return number(bound * unit.scale, places, signed=unit.signed)


def _decimals(m: Estimate, unit: Unit) -> int:
    """Digits down to a tenth or so of the interval's half-width; three of the value where it has no width.

    The half-width keeps two significant digits if they are at most 35, otherwise one, as the
    Particle Data Group rounds errors: so the last digit shown always means something.
    """
    reach = [abs(b - m.value) for b in (m.low, m.high) if math.isfinite(b)]
    width = sum(reach) / len(reach) * unit.scale if reach else 0.0
    if width > 0:
        places = -math.floor(math.log10(width / 3.55))
    elif m.value:
        places = 2 - math.floor(math.log10(abs(m.value) * unit.scale))
    else:
        places = 0
    return max(0, min(places, unit.most_decimals))
