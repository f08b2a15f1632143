"""Sums that are exact, and unknown where something is."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pointsman.providers.local_provider import LocalPrice
from pointsman.providers.scripted.ledger import Entry, Ledger, cost_usd

PRICE = LocalPrice(
    input_usd_per_million=Decimal("0.15"), output_usd_per_million=Decimal("0.6"), cache_read_usd_per_million=Decimal("0.01")
)


def entry(number, **more):
    """One finished request."""
    return Entry(
        number=number, at_s=0.0, protocol="openai_chat", request_hash="h", stream=False, **({"model": "m", "key": None} | more)
    )


@given(
    counts=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["ok", "cut", "client_gone"]), *[st.integers(0, 10**7)] * 4), max_size=30
    )
)
def test_the_sum_is_the_sum_of_the_parts(counts):
    """To the last fraction of a cent, however it is grouped."""
    ledger, total = Ledger(), Decimal(0)
    for number, (model, ended, fresh, cached, out, thought) in enumerate(counts):
        total += cost_usd(PRICE, fresh, cached, out, thought)
        ledger.add(
            entry(
                number,
                model=model,
                ended=ended,
                input_tokens=fresh,
                cache_read_tokens=cached,
                output_tokens=out,
                reasoning_tokens=thought,
            )
        )
    report = ledger.report(lambda _: PRICE)
    assert Decimal(report["usd"]) == total
    for group in ("models", "ended"):
        assert sum(Decimal(g["usd"]) for g in report[group].values()) == total
        assert sum(g["requests"] for g in report[group].values()) == len(counts)


def test_an_empty_ledger_is_zero():
    """Nothing asked, nothing spent."""
    report = Ledger().report(lambda _: PRICE)
    assert (report["requests"], report["usd"], report["rows"]) == (0, "0", [])


def test_a_request_that_used_nothing_costs_nothing_even_without_a_price():
    """An error response of an unpriced model does not make the sum unknown."""
    ledger = Ledger()
    ledger.add(entry(1, ended="error", why="429"))
    assert ledger.report(lambda _: None)["usd"] == "0"
    ledger.add(entry(2, input_tokens=1))
    assert ledger.report(lambda _: None)["usd"] is None


def test_the_log_is_bounded_and_the_sums_are_not():
    """Old requests leave the log, never the count."""
    ledger = Ledger(keep=3)
    for number in range(10):
        ledger.add(entry(number, headers=[(b"authorization", b"Bearer sk"), (b"x-y", b"z")]))
    assert [r["number"] for r in ledger.log_report()] == [7, 8, 9]
    assert ledger.log_report()[0]["headers"] == {"x-y": "z"}
    assert ledger.report(lambda _: None)["requests"] == 10
