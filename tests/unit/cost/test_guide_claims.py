"""What the guide says about money, reproduced, corrected or refuted by our own arithmetic (T1–T6, T17–T31)."""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from importlib import resources
from itertools import pairwise

import pytest

from pointsman.catalog.load import bundled_catalog
from pointsman.catalog.price_sheet import PriceSheet
from pointsman.catalog.prices import find_price
from pointsman.core.estimate import Unknown
from pointsman.core.usage import Usage
from pointsman.cost.breakeven import Arm, cheapest_by_volume, linear_breakeven, own_cards, per_request, wins_from
from pointsman.cost.capacity import downtime_minutes_per_month
from pointsman.cost.price import price_usage
from pointsman.cost.workload import Workload

THEN = datetime(2024, 10, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ONE_K = Usage(input_tokens=1000, output_tokens=1000)
CHAT = Usage(input_tokens=512, output_tokens=256)


def price(provider: str, model: str, usage: Usage, at: datetime = THEN, mode: str | None = None) -> Decimal:
    sheet = find_price(provider, model, at)
    assert isinstance(sheet, PriceSheet), sheet.reason
    return price_usage(sheet, usage, mode=mode).usd


def test_t01_t02_the_sums_are_right_and_the_label_is_not() -> None:
    """T01 and T02: $900 and $20 are 10,000 requests of 1K + 1K, which are 20M tokens; 10M tokens cost half."""
    gpt4, gpt35 = price("openai", "gpt-4", ONE_K), price("openai", "gpt-3.5-turbo", ONE_K)
    assert (10_000 * gpt4, 10_000 * gpt35) == (900, 20)
    assert 10_000 * (1000 + 1000) == 20_000_000
    assert (5_000 * gpt4, 5_000 * gpt35) == (450, 10)


@pytest.mark.parametrize("read, written, times", [(1000, 1000, "45"), (3000, 1000, "50"), (1000, 0, "60"), (0, 1000, "40")])
def test_t03_the_ratio_depends_on_the_mix(read: int, written: int, times: str) -> None:
    """T03: 45 times holds only at as much read as written."""
    mix = Usage(input_tokens=read, output_tokens=written)
    assert price("openai", "gpt-4", mix) / price("openai", "gpt-3.5-turbo", mix) == Decimal(times)


def test_t04_the_saving_is_not_ninety_percent() -> None:
    """T04: 97.8 % at 1:1, between 97.5 % (output) and 98.3 % (input)."""
    ratio = 1 - price("openai", "gpt-3.5-turbo", ONE_K) / price("openai", "gpt-4", ONE_K)
    assert round(ratio, 3) == Decimal("0.978")
    per_unit = [
        1 - price("openai", "gpt-3.5-turbo", u) / price("openai", "gpt-4", u)
        for u in (Usage(input_tokens=1000, output_tokens=0), Usage(input_tokens=0, output_tokens=1000))
    ]
    assert [round(r, 3) for r in per_unit] == [Decimal("0.983"), Decimal("0.975")]


def test_t05_list_prices_of_the_guide() -> None:
    """T05: Per thousand tokens: 0.03/0.06, 0.003/0.015, 0.0005/0.0015."""
    for provider, model, read, written in (
        ("openai", "gpt-4", "0.03", "0.06"),
        ("anthropic", "claude-3-5-sonnet-20240620", "0.003", "0.015"),
        ("openai", "gpt-3.5-turbo", "0.0005", "0.0015"),
    ):
        assert price(provider, model, Usage(input_tokens=1000, output_tokens=0)) == Decimal(read)
        assert price(provider, model, Usage(input_tokens=0, output_tokens=1000)) == Decimal(written)


def test_t06_input_is_two_to_ten_times_cheaper_for_most_but_not_for_all() -> None:
    """T06: Over all chat offers: median 4, three in four inside the guide's range, one in eight the same both ways."""
    ratios = sorted(
        o.usd_per_million["output"] / o.usd_per_million["input"]
        for o in bundled_catalog().offers.values()
        if o.kind == "chat" and o.usd_per_million.get("input") and o.usd_per_million.get("output")
    )
    inside = sum(2 <= r <= 10 for r in ratios) / len(ratios)
    same = sum(r == 1 for r in ratios) / len(ratios)
    assert len(ratios) > 2500
    assert 3 <= ratios[len(ratios) // 2] <= 5
    assert inside == pytest.approx(0.74, abs=0.01)
    assert 0.1 < same < 0.2


def test_t17_price_of_gpt_4_against_gpt_4o_mini() -> None:
    """T17: At 512 read and 256 written GPT-4 costs 133 times as much."""
    ratio = price("openai", "gpt-4", CHAT) / price("openai", "gpt-4o-mini", CHAT)
    assert round(ratio) == 133


def test_t23_the_three_thresholds_are_three_different_volumes() -> None:
    """T23: A million a day is 30.4 million a month, not 5–10 million."""
    workload = Workload.uniform(1_000_000, CHAT)
    assert round(workload.requests_per_month) == 30_416_667
    assert workload.requests_per_s == pytest.approx(11.574, abs=0.001)


def pair_of_h100(peak: str = "10", utilisation: str = "1") -> Arm:
    return own_cards(
        "own 2×H100",
        gpus_per_replica=2,
        usd_per_gpu_hour=Decimal("2.99"),
        output_tokens_per_s=Decimal(1728),
        output_tokens_per_request=Decimal(256),
        people_usd_per_month=Decimal(15_000),
        peak_factor=Decimal(peak),
        target_utilisation=Decimal(utilisation),
    )


@pytest.mark.parametrize(
    "provider, model, peaky, flat",
    [
        ("openai", "gpt-4", "0.53", None),
        ("anthropic", "claude-3-opus", "0.61", None),
        ("anthropic", "claude-3-5-sonnet", "5.15", "3.02"),
        ("openai", "gpt-4o", "10.88", "4.37"),
        ("google", "gemini-1.5-pro", None, "9.94"),
        ("openai", "gpt-3.5-turbo", None, "65"),
        ("anthropic", "claude-3-haiku", None, "397"),
        ("openai", "gpt-4o-mini", None, None),
    ],
)
def test_t24_t25_break_even_is_where_the_guide_says_only_in_a_corner(
    provider: str, model: str, peaky: str | None, flat: str | None
) -> None:
    """T24 and T25: Llama 70B on two H100 with $15,000 of people: 5.15M against 3.5 Sonnet, never against the small models."""
    line = per_request(model, price(provider, model, CHAT))
    stairs = pair_of_h100()
    assert stairs.step_usd_per_month == Decimal("4365.40")
    assert round(stairs.step_requests_per_month or 0, -4) == 1_770_000
    for expected, arm in ((peaky, stairs), (flat, pair_of_h100("1", "0.6"))):
        found = linear_breakeven(line, arm)
        if expected is None and arm is stairs:
            assert isinstance(found, Unknown)
        elif expected is not None:
            assert isinstance(found, Decimal)
            assert float(found) / 1e6 == pytest.approx(float(expected), rel=0.01)


def test_t25_gpt_4o_mini_never_loses_even_flat() -> None:
    """T25: A full replica costs 0.00041 a request; GPT-4o mini costs less than that."""
    found = linear_breakeven(per_request("gpt-4o-mini", price("openai", "gpt-4o-mini", CHAT)), pair_of_h100("1", "0.6"))
    assert isinstance(found, Unknown)


def test_t24_the_staircase_crosses_twice() -> None:
    """T24: Own cards first win at 5.226M with three replicas, lose at the fourth, and win for good from 6.038M."""
    sonnet = per_request("claude-3.5-sonnet", price("anthropic", "claude-3-5-sonnet", CHAT))
    intervals = cheapest_by_volume([sonnet, pair_of_h100()], Decimal(20_000_000))
    assert [i.arm for i in intervals] == ["claude-3.5-sonnet", "own 2×H100", "claude-3.5-sonnet", "own 2×H100"]
    edges = [float(i.from_requests) / 1e6 for i in intervals]
    assert edges == pytest.approx([0, 5.226, 5.322, 6.038], abs=0.001)
    assert intervals[-1].to_requests is None
    first, for_good = wins_from(intervals, "own 2×H100")
    assert (float(first or 0), float(for_good or 0)) == pytest.approx((5_226_200, 6_038_300), rel=1e-4)


def test_t26_today_the_small_models_have_no_break_even() -> None:
    """T26: gpt-6-luna and claude-haiku-5-5: $1,792 for 10M requests; own cards never pay."""
    for provider, model in (("openai", "gpt-6-luna"), ("anthropic", "claude-haiku-5-5")):
        each = price(provider, model, CHAT, NOW)
        assert 10_000_000 * each == Decimal(1792)
        for arm in (pair_of_h100(), pair_of_h100("1", "0.6")):
            assert isinstance(linear_breakeven(per_request(model, each), arm), Unknown)


@pytest.mark.parametrize("provider, model", [("openai", "gpt-6.1-sol"), ("anthropic", "claude-sonnet-5-5")])
def test_t26_today_the_large_ones_break_even_at_volume(provider: str, model: str) -> None:
    """T26: At 2 and 10 dollars per million: 13.4M requests with a tenfold peak, 4.7M flat."""
    line = per_request(model, price(provider, model, CHAT, NOW))
    found = [linear_breakeven(line, arm) for arm in (pair_of_h100(), pair_of_h100("1", "0.6"))]
    assert [float(f) / 1e6 for f in found if isinstance(f, Decimal)] == pytest.approx([13.4, 4.7], rel=0.02)


def test_t26_hosted_open_weights_are_the_third_arm() -> None:
    """T26: Llama 70B hosted at 0.4/0.4 costs $3,072 for 10M requests, less than one pair of H100."""
    hosted = per_request("hosted llama 70B", Decimal(768) * Decimal("0.4") / 1_000_000)
    assert hosted.usd_per_month(Decimal(10_000_000)) == Decimal(3072)
    assert hosted.usd_per_month(Decimal(10_000_000)) < pair_of_h100().step_usd_per_month
    api = per_request("gpt-6.1-sol", price("openai", "gpt-6.1-sol", CHAT, NOW))
    intervals = cheapest_by_volume([api, hosted, pair_of_h100()], Decimal(30_000_000))
    assert [(i.arm, i.to_requests) for i in intervals] == [("hosted llama 70B", None)]


def test_t27_eight_cards_cost_what_they_cost() -> None:
    """T27: 8×H100 at $2.99 for 730 hours is $17,461.60 a month, before anybody works on them."""
    cards = own_cards(
        "405B",
        gpus_per_replica=8,
        usd_per_gpu_hour=Decimal("2.99"),
        output_tokens_per_s=Decimal(1231),
        output_tokens_per_request=Decimal(256),
    )
    assert cards.step_usd_per_month == Decimal("17461.60")


def test_t30_three_nines_are_forty_four_minutes_a_month() -> None:
    """T30: 0.1 % of a 730-hour month."""
    assert downtime_minutes_per_month(0.999) == pytest.approx(43.8)


def test_t31_what_the_startup_band_buys() -> None:
    """T31: $100–500 buys 80,000 to 400,000 GPT-3.5 requests of 1K + 500 at $0.00125."""
    each = price("openai", "gpt-3.5-turbo", Usage(input_tokens=1000, output_tokens=500))
    assert (each, 100 / each, 500 / each) == (Decimal("0.00125"), 80_000, 400_000)


def test_t31_the_bands_leave_gaps() -> None:
    """T31: nothing is said for $500 to $1,000, nor for $10,000 to $50,000 a month."""
    text = (resources.files("pointsman.selection") / "data" / "budget_bands.toml").read_text(encoding="utf-8")
    bands = sorted((b["min_usd_per_month"], b.get("max_usd_per_month")) for b in tomllib.loads(text)["band"])
    gaps = [(below[1], above[0]) for below, above in pairwise(bands) if below[1] != above[0]]
    assert gaps == [(500, 1_000), (10_000, 50_000)]
