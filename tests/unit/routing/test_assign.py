"""Sticky numbers: fixed for ever, uniform, and apart for different salts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.routing.assign import pick, sticky_u

GOLDEN = [
    ("", "", 0.5818916442384907),
    ("support", "user-1", 0.4741747355465663),
    ("support", "user-2", 0.9034908315267739),
    ("other", "user-1", 0.5958052277306276),
    ("support", "Zoë 😀", 0.23282185367046437),
]


@pytest.mark.parametrize("salt, unit, u", GOLDEN)
def test_golden_vectors_never_change(salt, unit, u):
    assert sticky_u(salt, unit) == u


@given(st.text(), st.text())
def test_every_unit_has_one_number_below_one(salt, unit):
    assert 0 <= sticky_u(salt, unit) < 1
    assert sticky_u(salt, unit) == sticky_u(salt, unit.encode("utf-8", "surrogatepass"))


def test_numbers_are_uniform_and_independent_between_salts():
    """100,000 units: ten bins within 5 standard deviations, correlation of two salts within 4."""
    n = 100_000
    a = [sticky_u("a", str(i)) for i in range(n)]
    b = [sticky_u("b", str(i)) for i in range(n)]
    for bin_ in range(10):
        found = sum(bin_ / 10 <= u < (bin_ + 1) / 10 for u in a)
        assert abs(found - n / 10) < 5 * (n * 0.1 * 0.9) ** 0.5
    covariance = sum((x - 0.5) * (y - 0.5) for x, y in zip(a, b, strict=True)) / n
    assert abs(covariance * 12) < 4 / n**0.5


def test_pick_takes_the_first_edge_above_and_the_last_beyond_all():
    assert [pick((0.2, 0.9, 1.0), u) for u in (0.0, 0.2, 0.89, 0.95)] == [0, 1, 1, 2]
    assert pick((0.2, 0.9), 0.95) == 1
