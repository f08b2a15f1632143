"""Money is exact, refuses floats, and reads as people write it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.failure import PointsmanError
from pointsman.core.units import add_usd, per_million, usd, usd_text

rates = st.decimals("0", "100000", places=6)


@given(rate=rates, first=st.integers(0, 10**12), second=st.integers(0, 10**12))
def test_pricing_in_two_parts_is_pricing_at_once(rate, first, second):
    assert add_usd(per_million(rate, first), per_million(rate, second)) == per_million(rate, first + second)


def test_a_known_price_to_the_last_digit():
    assert usd_text(per_million(usd("0.15"), 3)) == "0.00000045"


@pytest.mark.parametrize("text", ["0", "1", "0.10", "100", "1E-7", "1E+3", "-0.5"])
def test_text_is_plain_and_reads_back_as_the_same_amount(text):
    written = usd_text(usd(text))
    assert "E" not in written
    assert Decimal(written) == Decimal(text)


@pytest.mark.parametrize("bad", [0.1, "ten", "NaN", "Infinity", ""])
def test_what_is_no_amount_is_refused_with_a_hint(bad):
    with pytest.raises(PointsmanError) as caught:
        usd(bad)
    assert caught.value.hint


def test_the_sum_of_nothing_is_nothing():
    assert add_usd() == 0
