"""What is spent and what is set aside never exceed the limit together."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pointsman.evals.budget import Budget

cents = st.integers(0, 500).map(lambda c: Decimal(c) / 100)


@given(limit=cents, calls=st.lists(st.tuples(cents, st.floats(0, 1)), max_size=40))
def test_the_limit_holds_at_every_moment(limit, calls):
    budget = Budget(limit)
    held: list[tuple[Decimal, Decimal]] = []
    for most, share in calls:
        if budget.reserve(most):
            held.append((most, (most * Decimal(str(round(share, 3)))).quantize(Decimal("0.001"))))
        elif held:
            budget.settle(*held.pop(0))
        assert budget.spent_usd + budget.reserved_usd <= limit
    for most, actual in held:
        budget.settle(most, actual)
    assert budget.reserved_usd == 0
    assert not budget.in_flight


def test_without_a_limit_everything_is_counted_and_nothing_refused():
    budget = Budget(None)
    assert budget.reserve(Decimal(10**9))
    budget.settle(Decimal(10**9), Decimal("0.1"))
    assert budget.spent_usd == Decimal("0.1")


def test_what_an_earlier_session_spent_counts():
    assert not Budget(Decimal(1), spent_usd=Decimal("0.9")).reserve(Decimal("0.2"))
