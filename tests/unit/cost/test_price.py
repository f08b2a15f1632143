"""One call is priced exactly, and says so when it cannot be."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.units import add_usd
from pointsman.core.usage import Usage
from pointsman.cost.price import ModeTariff, PriceSheet, Rate, Tariff, Tier, cost_of, day_range, price_usage, priced_json

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def sheet(*tariffs: Tariff, modes: tuple[ModeTariff, ...] = ()) -> PriceSheet:
    return PriceSheet(
        provider="acme",
        model="m",
        provider_matched="acme",
        model_matched="m-1",
        match="exact",
        as_of=NOON,
        source="test list 1",
        checked_on="2026-11-09",
        tariffs=tariffs or (PLAIN,),
        modes=modes,
    )


PLAIN = Tariff({"input": Rate(Decimal(3)), "output": Rate(Decimal(15)), "cache_read": Rate(Decimal("0.3"))})


def test_lines_add_up_to_the_total() -> None:
    """Each unit has its own line, and nothing is counted twice."""
    priced = price_usage(sheet(), Usage(input_tokens=1000, cache_read_tokens=500, output_tokens=200))
    assert [(line.unit, line.count, line.usd) for line in priced.lines] == [
        ("input", 1000, Decimal("0.003")),
        ("cache_read", 500, Decimal("0.00015")),
        ("output", 200, Decimal("0.003")),
    ]
    assert priced.usd == Decimal("0.00615")
    assert priced.complete


def test_a_tier_is_a_cliff_for_the_whole_request() -> None:
    """One token over the edge reprices all of them; the edge itself does not."""
    tiered = sheet(Tariff({"input": Rate(Decimal("1.25"), (Tier(128_000, Decimal("2.5")),)), "output": Rate(Decimal(5))}))
    assert price_usage(tiered, Usage(input_tokens=128_000, output_tokens=0)).usd == Decimal("0.16")
    assert price_usage(tiered, Usage(input_tokens=128_001, output_tokens=0)).usd == Decimal("0.3200025")


def test_cached_tokens_count_towards_the_tier() -> None:
    """The size of a request is all it reads, wherever it reads it from."""
    tiered = sheet(Tariff({"input": Rate(Decimal(1), (Tier(100, Decimal(2)),)), "output": Rate(Decimal(5))}))
    priced = price_usage(tiered, Usage(input_tokens=1, cache_read_tokens=100, output_tokens=0))
    assert {line.usd_per_million for line in priced.lines} == {Decimal(2)}


def test_thoughts_are_billed_as_output_unless_listed_apart() -> None:
    """Reasoning defaults to the output rate and the call stays complete."""
    priced = price_usage(sheet(), Usage(input_tokens=0, output_tokens=10, reasoning_tokens=90))
    assert priced.usd == Decimal("0.0015")
    assert priced.complete


@pytest.mark.parametrize("unit", ["output_audio_tokens", "input_audio_tokens", "cache_write_1h_tokens", "output_image_tokens"])
def test_a_dearer_unit_without_a_rate_makes_the_sum_a_floor(unit: str) -> None:
    """Audio is not text: its neighbour's rate is a lower bound and is called one."""
    priced = price_usage(sheet(), Usage(**{"input_tokens": 10, "output_tokens": 10, unit: 1000}))
    assert not priced.complete
    assert priced.usd > price_usage(sheet(), Usage(input_tokens=10, output_tokens=10)).usd
    assert not cost_of(priced).complete


def test_unreported_usage_is_not_free() -> None:
    """A call whose usage nobody reported costs at least 0, not 0."""
    assert not price_usage(sheet(), Usage()).complete
    assert not price_usage(sheet(), Usage(input_tokens=5)).complete


def test_a_mode_without_a_price_is_never_called_by_its_name() -> None:
    """Asking for batch where none is published gives the standard price under its own name."""
    half = Tariff({"input": Rate(Decimal("1.5")), "output": Rate(Decimal("7.5"))}, starts_on=date(2026, 10, 14))
    usage = Usage(input_tokens=1_000_000, output_tokens=0)
    with_batch = sheet(modes=(ModeTariff("batch", half),))
    assert (price_usage(with_batch, usage, mode="batch").usd, price_usage(with_batch, usage, mode="batch").mode) == (
        Decimal("1.5"),
        "batch",
    )
    before = price_usage(with_batch, usage, datetime(2026, 10, 13, tzinfo=UTC).timestamp(), mode="batch")
    assert (before.usd, before.mode) == (Decimal(3), "standard")
    without = price_usage(sheet(), usage, mode="batch")
    assert without.mode == "standard"
    assert "no batch price" in without.notes[-1]


def test_a_mode_keeps_the_standard_rate_of_units_it_does_not_name() -> None:
    """Batch halves what it lists; the cache rate stays."""
    half = ModeTariff("batch", Tariff({"input": Rate(Decimal("1.5"))}))
    usage = Usage(input_tokens=1_000_000, cache_read_tokens=1_000_000, output_tokens=0)
    assert price_usage(sheet(modes=(half,)), usage, mode="batch").usd == Decimal("1.8")


def test_hours_and_dates_decide_and_weekends_can_be_free() -> None:
    """The last tariff that holds wins; a window may wrap midnight and be shut at weekends."""
    peak = Tariff(
        {"input": Rate(Decimal(6)), "output": Rate(Decimal(30))},
        starts_on=date(2026, 9, 10),
        utc_minutes=(60, 240),
        free_weekends_from=date(2026, 9, 12),
    )
    hourly = sheet(PLAIN, peak)
    usage = Usage(input_tokens=1_000_000, output_tokens=0)

    def at(*when: int) -> Decimal:
        return price_usage(hourly, usage, datetime(*when, tzinfo=UTC).timestamp()).usd

    assert (at(2026, 11, 23, 2), at(2026, 11, 23, 4), at(2026, 9, 9, 2), at(2026, 11, 21, 2)) == (6, 3, 3, 3)
    assert day_range(hourly, usage) == (3, 6)
    wrap = sheet(PLAIN, Tariff({"input": Rate(Decimal(1)), "output": Rate(Decimal(1))}, utc_minutes=(1380, 60)))
    assert price_usage(wrap, usage, datetime(2026, 11, 23, 0, 30, tzinfo=UTC).timestamp()).usd == 1
    assert price_usage(wrap, usage, datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()).usd == 3


def test_a_fee_per_request_is_one_more_line() -> None:
    """Some search models charge for the call itself."""
    fee = sheet(Tariff({"input": Rate(Decimal(1)), "output": Rate(Decimal(1)), "request": Rate(Decimal(5000))}))
    assert price_usage(fee, Usage(input_tokens=1, output_tokens=1)).usd == Decimal("0.005002")


def test_the_published_shape_keeps_decimals_as_text() -> None:
    """Money in JSON is a decimal string, never a float."""
    shape = priced_json(price_usage(sheet(), Usage(input_tokens=1, output_tokens=1)))
    assert {"usd", "model_matched", "lines", "source", "checked_on", "variant_applied"} <= set(shape)
    assert shape["usd"] == "0.000018"


@given(st.lists(st.integers(0, 10**9), min_size=5, max_size=5))
def test_money_is_conserved(counts: list[int]) -> None:
    """For any usage the lines sum to the total exactly."""
    names = ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens", "output_audio_tokens")
    priced = price_usage(sheet(), Usage(**dict(zip(names, counts, strict=True))))
    assert priced.usd == add_usd(*(line.usd for line in priced.lines))
    assert sum(line.count for line in priced.lines) == sum(counts)
