"""Numbers in text as people and models write them, read exactly."""

from __future__ import annotations

import re
from decimal import Context, Decimal, InvalidOperation
from typing import NamedTuple

__all__ = ["Number", "first_number", "last_number", "only_number"]

_MINUS = "-−–﹣－"
_GROUP = r"(?:,|\{,\}|\\,|\\!|[\u00a0\u2009\u202f])"
# Repeats are bounded so that no text makes the search more than linear.
_DIGITS = (
    rf"(?:[0-9]{{1,3}}(?:{_GROUP}[0-9]{{2,3}}){{0,12}}{_GROUP}[0-9]{{3}}(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
)
_POWER = (
    rf"(?:[eE](?P<e>[-+]?[0-9]{{1,6}})(?![0-9A-Za-z])"
    rf"|\s?(?:[×x*·]|\\times|\\cdot)\s?10\s?\^\s?\{{?(?P<p>[{_MINUS}+]?[0-9]{{1,6}})\}}?"
    r"|\s?(?:[×x*·]|\\times|\\cdot)\s?10(?P<s>[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,6}))?"
)
_SIGN = (
    rf"(?=[{_MINUS}+$€£¥₹\\.0-9])"
    rf"(?:(?<![\w)\]}}%.])(?P<minus>[{_MINUS}+]))?(?:\\?[$€£¥₹]\s?)?(?:(?<=[$€£¥₹\s])(?P<inner>[{_MINUS}]))?"
)
_FRACTION = (
    rf"\\[dt]?frac\{{\s?(?P<fm>[{_MINUS}])?(?P<fn>{_DIGITS})\s?\}}\{{\s?(?P<fd>{_DIGITS})\s?\}}"
    r"|(?<![\w/])(?P<whole>[0-9]{1,9})[ ](?P<mn>[0-9]{1,9})/(?P<md>[0-9]{1,9})(?![0-9/])"
    r"|(?<![\w/])(?P<n>[0-9]{1,15})/(?P<d>[0-9]{1,15})(?![0-9/])"
)
_PLAIN = rf"(?<![A-Za-z_0-9])(?<![0-9]\.)(?P<x>{_DIGITS}){_POWER}"
_PERCENT = r"(?P<percent>\s?(?:\\?%|percent\b|per\ cent\b))?"
_PATTERNS = {
    True: re.compile(f"{_SIGN}(?:{_FRACTION}|{_PLAIN}){_PERCENT}"),
    False: re.compile(f"{_SIGN}{_PLAIN}{_PERCENT}"),
}
_DIGIT = re.compile("[0-9]")
_SEPARATORS = re.compile(r"[,{}\\!\u00a0\u2009\u202f]")
_SUPERSCRIPTS = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")
_DASHES = str.maketrans(dict.fromkeys("−–﹣－", "-"))
_BACK, _AHEAD, _LONGEST = 48, 48, 4096
# Wide exponents and no traps: an absurd number compares as unequal instead of raising.
_LENIENT = Context(prec=60, Emax=999_999_999, Emin=-999_999_999, traps=[])


class Number(NamedTuple):
    """A number as a fraction of two decimals, so that 1/3 stays exact."""

    text: str
    top: Decimal
    bottom: Decimal = Decimal(1)
    percent: bool = False

    @property
    def value(self) -> Decimal:
        """To 60 digits; NaN for x/0."""
        return self.top if self.bottom == 1 else _LENIENT.divide(self.top, self.bottom)

    @property
    def whole(self) -> bool:
        """Equal to a whole number, and not written as a fraction."""
        top = self.top
        return self.bottom == 1 and top.is_finite() and top.adjusted() < _LONGEST and top == top.to_integral_value()

    def equals(self, other: Number) -> bool:
        """Exactly the same number: 20.00 and 20, 0.5 and 1/2; never equal to x/0."""
        if not self.bottom or not other.bottom:
            return False
        if self.bottom == other.bottom:
            return self.top == other.top
        return _LENIENT.multiply(self.top, other.bottom) == _LENIENT.multiply(other.top, self.bottom)

    def near(self, other: Number, rtol: float, atol: float) -> bool:
        """Whether |self − other| ≤ max(atol, rtol × |other|); never near x/0."""
        mine, theirs = self.value, other.value
        if not (mine.is_finite() and theirs.is_finite()):
            return False
        allowed = max(Decimal(str(atol)), _LENIENT.multiply(Decimal(str(rtol)), _LENIENT.abs(theirs)))
        return _LENIENT.abs(_LENIENT.subtract(mine, theirs)) <= allowed

    def scaled(self, factor: Decimal) -> Number:
        """The same times `factor`."""
        return self._replace(top=_LENIENT.multiply(self.top, factor))


def last_number(text: str, *, fractions: bool = True) -> Number | None:
    r"""The last number in the text; None if there is none.

    Digits inside a word (`x2`, `GPT4`) are not numbers. Reads `$1,234.50`, `−15`, `1.5e3`,
    `1.5 × 10^3`, `3/4`, `2 1/2`, `\frac{3}{4}`, `1{,}000`; a date `12/25/2020` is three numbers.
    Without `fractions`, `3/4` is two numbers.
    """
    pattern = _PATTERNS[fractions]
    end = len(text)
    while True:
        backwards = _DIGIT.search(text[max(0, end - 512) : end][::-1])
        if backwards is None:
            if end <= 512:
                return None
            end -= 512
            continue
        at = end - 1 - backwards.start()
        start = _word_start(text, at)
        found = None
        for found in pattern.finditer(text, start, min(len(text), at + _AHEAD)):  # noqa: B007 - the last one is wanted
            pass
        if found is not None:
            return _number(found)
        if start == 0:
            return None
        end = start


def first_number(text: str, *, fractions: bool = True) -> Number | None:
    """The first number in the text, read as `last_number` reads; None if there is none."""
    found = _PATTERNS[fractions].search(text)
    return None if found is None else _number(found)


def only_number(text: str) -> Number | None:
    """The number the text is, units and all else aside; None if it is none or says more than one number."""
    found = list(_PATTERNS[True].finditer(text)) if len(text) <= _LONGEST else []
    return _number(found[0]) if len(found) == 1 else None


def _word_start(text: str, at: int) -> int:
    """Where reading may begin so that the number around `at` is whole: at a space at least 48 characters before."""
    if at <= _BACK:
        return 0
    space = text.rfind(" ", max(0, at - _LONGEST), at - _BACK)
    return max(space, 0) if space >= 0 else max(0, at - _LONGEST)


def _number(found: re.Match[str]) -> Number:
    groups = found.groupdict()
    negative = (groups["minus"] or "+") != "+" or groups["inner"] is not None
    top, bottom = _top_bottom(groups)
    if groups.get("fm"):
        negative = not negative
    return Number(found[0], top.copy_negate() if negative else top, bottom, groups["percent"] is not None)


def _top_bottom(groups: dict[str, str | None]) -> tuple[Decimal, Decimal]:
    one = Decimal(1)
    if (plain := groups["x"]) is not None:
        value = _decimal(plain)
        power = groups["e"] or groups["p"] or (groups["s"] or "").translate(_SUPERSCRIPTS)
        return (_LENIENT.scaleb(value, int(power.translate(_DASHES))) if power else value), one
    if (top := groups.get("n")) is not None:
        return Decimal(top), Decimal(groups["d"] or 1)
    if (top := groups.get("fn")) is not None:
        return _decimal(top), _decimal(groups["fd"] or "1")
    whole, part, bottom = (Decimal(groups[k] or 0) for k in ("whole", "mn", "md"))
    return whole * bottom + part, bottom


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(_SEPARATORS.sub("", digits))
    except InvalidOperation:  # more digits than Decimal holds
        return Decimal("NaN")
