"""Money, exact to the last fraction of a cent.

A price is a decimal number of US dollars per million units and a count is an integer, so their
product is a finite decimal: nothing here ever rounds, and a binary float is refused.
"""

from __future__ import annotations

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

from pointsman.core.failure import PointsmanError

__all__ = ["ZERO_USD", "Usd", "add_usd", "per_million", "usd", "usd_text"]

Usd = Decimal
ZERO_USD = Decimal(0)
_MILLIONTH = Decimal(-6)

# Sixty digits hold a trillion dollars to the 10⁻⁴⁸th; a result that does not fit raises instead of rounding.
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero])


def usd(amount: str | int | Decimal) -> Usd:
    """Read an amount of US dollars.

    A float is refused because 0.1 has no exact binary form. Raises `PointsmanError` for text that
    is not a finite decimal number.
    """
    if isinstance(amount, float):
        raise PointsmanError(
            f"{amount!r} is a binary float, not an exact amount of money", hint=f'write it as a string: "{amount}"'
        )
    try:
        value = Decimal(amount)
    except InvalidOperation:
        raise PointsmanError(
            f"{amount!r} is not an amount of money", hint='write dollars as a decimal number, such as "0.15"'
        ) from None
    if not value.is_finite():
        raise PointsmanError(f"{amount!r} is not an amount of money", hint="an amount must be finite")
    return value


def per_million(rate_usd: Usd, count: int) -> Usd:
    """Price of `count` units at `rate_usd` dollars per million units, exactly."""
    return _EXACT.scaleb(_EXACT.multiply(rate_usd, count), _MILLIONTH)


def add_usd(*amounts: Usd) -> Usd:
    """Exact sum; the sum of nothing is 0 dollars."""
    total = ZERO_USD
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def usd_text(amount: Usd) -> str:
    """Plain decimal text without an exponent or trailing zeros: `0.00045`, never `4.5E-4`."""
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
