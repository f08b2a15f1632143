"""Forecast, ownership, limits and savings over simple sheets whose answers can be done by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.catalog.price_sheet import ModeTariff, PriceSheet, Rate, Tariff, Tier
from pointsman.core.estimate import Unknown
from pointsman.core.failure import PointsmanError
from pointsman.core.usage import Usage
from pointsman.cost.breakeven import Arm, cheapest_by_volume, linear_breakeven, per_request
from pointsman.cost.capacity import RateLimits, capacity
from pointsman.cost.forecast import forecast, year
from pointsman.cost.savings import batch, output_limit, prompt_cache, response_cache, right_size, routing_split
from pointsman.cost.tco import payback_months, tco
from pointsman.cost.workload import Part, Workload

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def sheet(read: str, written: str, *tariffs: Tariff, name: str = "m", modes: tuple[ModeTariff, ...] = ()) -> PriceSheet:
    rates = {"input": Rate(Decimal(read)), "output": Rate(Decimal(written)), "cache_read": Rate(Decimal(read) / 10)}
    rates["cache_write"] = Rate(Decimal(read) * Decimal("1.25"))
    return PriceSheet(
        provider="acme",
        model=name,
        provider_matched="acme",
        model_matched=name,
        match="exact",
        as_of=NOON,
        source="test",
        checked_on="2026-11-09",
        tariffs=(Tariff(rates), *tariffs),
        modes=modes,
    )


PLAIN = sheet("1", "5")
LOAD = Workload.uniform(12_000, Usage(input_tokens=1000, output_tokens=200))


def test_a_month_is_requests_times_one_request() -> None:
    """365,000 requests at $0.002 are $730; the spread moves it by a quarter either way."""
    month = forecast(PLAIN, LOAD, months=1).months[0]
    assert (month.requests, month.expected_usd, month.low_usd, month.high_usd) == (
        365_000,
        Decimal("730.00"),
        Decimal("547.50"),
        Decimal("912.50"),
    )


def test_growth_is_reached_after_a_year() -> None:
    """Tenfold in twelve months: the thirteenth month has ten times the first."""
    grown = Workload.uniform(12_000, LOAD.parts[0].usage, growth_ratio=Decimal(10))
    months = forecast(PLAIN, grown, months=13).months
    assert months[12].requests == 10 * months[0].requests
    assert year(forecast(PLAIN, grown, months=0)) == (0, 0, 0)


def test_a_forecast_never_sums_before_pricing() -> None:
    """A month of small requests stays below the tier that their sum would reach."""
    tiered = sheet("1", "5", Tariff({"input": Rate(Decimal(1), (Tier(2000, Decimal(2)),)), "output": Rate(Decimal(5))}))
    assert forecast(tiered, LOAD, months=1).months[0].expected_usd == Decimal("730.00")


def test_hours_widen_the_range() -> None:
    """Low takes the cheap hour, high the dear one, and expected the hour of asking."""
    peak = Tariff({"input": Rate(Decimal(2)), "output": Rate(Decimal(10))}, utc_minutes=(60, 120))
    month = forecast(sheet("1", "5", peak), msgspec_replace(LOAD, volume_spread_ratio=Decimal(0)), months=1).months[0]
    assert (month.low_usd, month.expected_usd, month.high_usd) == (730, 730, 1460)


def test_an_announced_change_is_in_its_month() -> None:
    """A price that doubles in January doubles the January bill, and no earlier one."""
    dearer = Tariff({"input": Rate(Decimal(2)), "output": Rate(Decimal(10))}, starts_on=date(2027, 1, 1))
    months = forecast(sheet("1", "5", dearer), LOAD, months=4).months
    assert [m.expected_usd for m in months] == [730, 730, 1460, 1460]


def msgspec_replace(workload: Workload, **changes: Decimal) -> Workload:
    import msgspec

    return msgspec.structs.replace(workload, **changes)


def test_a_mixed_workload_prices_each_kind() -> None:
    """Nine short and one long request: the average is over prices, not over tokens."""
    mixed = Workload(
        requests_per_day=Decimal(1),
        parts=(
            Part(Decimal("0.9"), Usage(input_tokens=100, output_tokens=10)),
            Part(Decimal("0.1"), Usage(input_tokens=10_000, output_tokens=1000)),
        ),
    )
    assert forecast(PLAIN, mixed).usd_per_request == Decimal("0.9") * Decimal("0.00015") + Decimal("0.1") * Decimal("0.015")


def test_a_workload_must_add_up() -> None:
    """Shares that miss 1, or a growth of 0, are refused."""
    with pytest.raises(PointsmanError, match=r"add up to 0\.5"):
        Workload(requests_per_day=Decimal(1), parts=(Part(Decimal("0.5"), Usage()),))
    with pytest.raises(PointsmanError):
        Workload.uniform(1, Usage(), growth_ratio=Decimal(0))


def test_ownership_is_the_guides_four_parts() -> None:
    """API + development + maintenance + infrastructure, with the sum written out."""
    total = tco(
        (Decimal(100), Decimal(200)),
        development_usd=Decimal(5000),
        maintenance_usd_per_month=Decimal(300),
        infrastructure_usd_per_month=Decimal(50),
    )
    assert (total.total_usd, total.usd_per_month) == (Decimal(6000), Decimal("3000.00"))
    assert "300.00 API + 5,000.00 development + 2 × 300.00" in total.arithmetic
    assert tco(()).usd_per_month == 0


def test_payback() -> None:
    """Effort over saving; a saving of nothing never pays back, as the guide warns."""
    assert payback_months(Decimal(9000), Decimal(2000)) == Decimal("4.5")
    assert isinstance(payback_months(Decimal(9000), Decimal(0)), Unknown)


def test_limits_at_peak_and_after_growth() -> None:
    """T23, scale: 100K a day are 1.157/s, 11.57/s at the peak and 115.7/s after growth at the peak."""
    load = Workload.uniform(100_000, Usage(input_tokens=1000, output_tokens=200), growth_ratio=Decimal(10))
    report = capacity(load, RateLimits(requests_per_minute=500, requests_per_day=2_000_000), latency_s=2.0)
    assert list(report.requests_per_s.values()) == pytest.approx([1.157, 11.574, 11.574, 115.74], rel=1e-3)
    need = {(u.situation, u.limit): u for u in report.uses}
    assert need["peak", "requests_per_minute"].keys_needed == 2
    assert need["grown peak", "requests_per_minute"].keys_needed == 14
    assert need["grown", "requests_per_day"].use_ratio == pytest.approx(0.5)
    assert report.breaks_at_requests_per_day == pytest.approx(72_000)
    assert not report.holds
    assert "tokens_per_minute" in report.unknown_limits


def test_without_limits_nothing_is_claimed() -> None:
    """No known limit is not the same as no limit."""
    report = capacity(LOAD, RateLimits())
    assert (report.breaks_at_requests_per_day, report.uses, len(report.unknown_limits)) == (None, (), 6)


def test_each_saving_shows_its_arithmetic() -> None:
    """Halving by cache, batch, routing and size, each by hand."""
    half = ModeTariff("batch", Tariff({"input": Rate(Decimal("0.5")), "output": Rate(Decimal("2.5"))}))
    cheap = sheet("0.1", "0.5", name="small")
    assert response_cache(PLAIN, LOAD, Decimal("0.5")).saved_usd == Decimal("365.00")
    assert batch(sheet("1", "5", modes=(half,)), LOAD, Decimal(1)).saved_usd == Decimal("365.00")
    assert right_size(PLAIN, cheap, LOAD).saved_usd == Decimal("657.00")
    assert routing_split(PLAIN, cheap, LOAD, Decimal("0.5")).saved_usd == Decimal("328.50")
    assert output_limit(PLAIN, LOAD, 100).saved_usd == Decimal("182.50")
    assert "365,000 requests a month" in response_cache(PLAIN, LOAD, Decimal("0.5")).arithmetic


def test_a_batch_price_that_does_not_exist_saves_nothing() -> None:
    """No published batch price: the saving is 0 and says why."""
    found = batch(PLAIN, LOAD, Decimal(1))
    assert found.saved_usd == 0
    assert "no published batch price" in found.mind


def test_a_prompt_cache_that_is_never_read_costs_more() -> None:
    """Writing 800 tokens at a quarter more and never reading them loses; nine reads per write win."""
    assert prompt_cache(PLAIN, LOAD, 800, Decimal(0)).saved_usd == Decimal("-73.00")
    # 0.9 × (200 + 80 + 1000) + 0.1 × (200 + 1000 + 1000) = 1372 of 2000 microdollars
    assert prompt_cache(PLAIN, LOAD, 800, Decimal(9)).after_usd == Decimal("500.78")


def test_shares_outside_zero_and_one_are_refused() -> None:
    """A hit ratio of 80 is a typo for 0.8."""
    with pytest.raises(PointsmanError, match="not a share"):
        response_cache(PLAIN, LOAD, Decimal(80))


def test_a_replica_without_capacity_is_refused() -> None:
    """Zero capacity would divide by zero later."""
    with pytest.raises(PointsmanError):
        Arm(name="x", step_usd_per_month=Decimal(1), step_requests_per_month=Decimal(0))
    with pytest.raises(PointsmanError):
        linear_breakeven(per_request("a", Decimal(1)), per_request("b", Decimal(1)))


@settings(max_examples=40, deadline=None)
@given(
    st.decimals("0.0001", "0.02", places=4),
    st.integers(100, 20_000),
    st.integers(20_000, 600_000),
    st.integers(0, 40_000),
    st.integers(1, 2_000_000),
)
def test_the_intervals_name_the_cheapest_bill_everywhere(each: Decimal, step: int, size: int, people: int, volume: int) -> None:
    """At any volume the named arm's bill is the least, computed independently."""
    arms = [
        per_request("api", each),
        per_request("hosted", each / 3, Decimal(500)),
        Arm(
            name="own",
            fixed_usd_per_month=Decimal(people),
            step_usd_per_month=Decimal(step),
            step_requests_per_month=Decimal(size),
        ),
    ]
    intervals = cheapest_by_volume(arms, Decimal(2_000_000))
    here = next(i for i in intervals if i.from_requests < volume and (i.to_requests is None or volume <= i.to_requests))
    bills = {a.name: Fraction(a.usd_per_month(Decimal(volume))) for a in arms}
    # Volumes are rounded up to whole requests, so at an edge the bills may differ by one request's price.
    assert bills[here.arm] - min(bills.values()) <= Fraction(each)
    assert intervals[0].from_requests == 0
