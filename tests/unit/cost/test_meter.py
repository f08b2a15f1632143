"""The meter says what `price_usage` says, to the last digit."""

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pointsman.catalog.price_sheet import ModeTariff, PriceSheet, Rate, Tariff, Tier
from pointsman.core.usage import Usage
from pointsman.cost.meter import Meter
from pointsman.cost.price import price_usage

amounts = st.decimals(0, 10_000, places=5, allow_nan=False)
rates = st.builds(
    Rate,
    amounts,
    st.lists(st.builds(Tier, st.integers(0, 500_000), amounts), max_size=3).map(
        lambda tiers: tuple(sorted(tiers, key=lambda t: t.above_input_tokens))
    ),
)
units = st.sampled_from(["input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning", "input_audio", "request"])
tables = st.dictionaries(units, rates, max_size=6)
tariffs = st.builds(
    Tariff,
    tables,
    starts_on=st.one_of(st.none(), st.dates(date(2025, 1, 1), date(2026, 12, 31))),
    utc_minutes=st.one_of(st.none(), st.tuples(st.integers(0, 1440), st.integers(0, 1440))),
)
counts = st.one_of(st.none(), st.integers(0, 2_000_000))
usages = st.builds(
    Usage,
    service_tier=st.sampled_from([None, "flex", "default", "priority"]),
    **{f: counts for f in Usage.__struct_fields__ if f.endswith("_tokens")},
)
moments = st.integers(1_750_000_000, 1_790_000_000)


@given(
    st.lists(tariffs, min_size=1, max_size=3),
    st.lists(st.builds(ModeTariff, st.just("flex"), tariffs), max_size=2),
    usages,
    st.lists(moments, min_size=1, max_size=3),
    st.sampled_from([None, "flex", "standard"]),
)
def test_it_equals_the_price_of_the_call(found, modes, usage, times, mode):
    sheet = PriceSheet(
        provider="p",
        model="m",
        provider_matched="p",
        model_matched="m",
        match="exact",
        source="s",
        checked_on="2026-01-01",
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
        tariffs=tuple(found),
        modes=tuple(modes),
    )
    meter = Meter(sheet, mode)
    for at_s in times:
        cost, priced = meter.cost(usage, at_s), price_usage(sheet, usage, at_s, mode)
        assert (cost.usd, cost.complete, cost.source) == (priced.usd, priced.complete, priced.source)


def test_more_digits_than_a_decimal_context_holds_are_kept():
    """Forty-two digits, where the default context rounds to twenty-eight."""
    rate = Decimal("123456789.123456789123456789")
    sheet = PriceSheet(
        provider="p",
        model="m",
        provider_matched="p",
        model_matched="m",
        match="exact",
        source="s",
        checked_on=None,
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
        tariffs=(Tariff(rates={"input": Rate(rate)}),),
    )
    cost = Meter(sheet).cost(Usage(input_tokens=999_999_999_999_999, output_tokens=0), 0)
    assert str(cost.usd).replace(".", "").startswith(str(123456789123456789123456789 * 999_999_999_999_999))


def sheet_with_flex() -> PriceSheet:
    """10 dollars per million tokens read, 5 in the mode `flex`."""
    rate, flex = Rate(Decimal(10)), Rate(Decimal(5))
    return PriceSheet(
        provider="p",
        model="m",
        provider_matched="p",
        model_matched="m",
        match="exact",
        source="s",
        checked_on="2026-01-01",
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
        tariffs=(Tariff({"input": rate}),),
        modes=(ModeTariff("flex", Tariff({"input": flex})),),
    )


def test_the_tier_that_served_decides_and_not_the_one_that_was_asked_for():
    """Told, it wins both ways; untold, the wish holds; a tier without a price of its own has the list price."""
    cases = {(None, "flex"): 10, ("flex", "default"): 20, ("flex", None): 10, (None, None): 20, ("flex", "scale"): 20}
    for (asked, told), usd in cases.items():
        usage = Usage(input_tokens=2_000_000, output_tokens=0, service_tier=told)
        assert Meter(sheet_with_flex(), asked).cost(usage, 1_780_000_000).usd == usd
        assert price_usage(sheet_with_flex(), usage, 1_780_000_000, asked).usd == usd
