"""A poisoned refresh is turned away with a diff, and the last good data stays."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pointsman.catalog.diff import diff
from pointsman.catalog.gate import check_prices
from pointsman.catalog.load import bundled_catalog
from pointsman.catalog.price_list import bundled_list, use_list
from pointsman.catalog.price_sheet import PriceSheet
from pointsman.catalog.prices import find_price
from pointsman.catalog.refresh import refresh
from pointsman.catalog.sources.litellm import _PROVIDERS as LITELLM_NAMES
from support.price_file import AT, all_zero, list_file, scaled, times_thousand

TODAY = date(2026, 11, 23)
CATALOG = bundled_catalog()


def one_model(factor: int) -> Any:
    def change(provider: str, model: dict[str, Any]) -> None:
        if (provider, model["id"]) == ("openai", "gpt-4o"):
            model["prices"] = {k: scaled(v, factor) for k, v in model["prices"].items()}

    return change


def run(raw: dict[str, bytes]) -> Any:
    return refresh(CATALOG, raw, bundled_list(), AT)


def test_an_honest_copy_is_taken_and_changes_no_price() -> None:
    """The same list read again passes the gate; only its date is new."""
    done = run({"genai_prices": list_file()})
    assert (done.taken, done.outcomes[0].gate.held, done.outcomes[0].gate.lost) == (True, (), ())
    assert [c for c in diff(CATALOG, done.catalog, TODAY) if c.kind in ("price", "gone")] == []
    assert done.catalog.sources["genai-prices"].checked_on == "2026-11-23"


@pytest.mark.parametrize(
    "raw, says",
    [
        (lambda: list_file(times_thousand), "moved more than 5-fold"),
        (lambda: list_file(all_zero), "became 0"),
        (lambda: list_file()[: len(list_file()) // 2], "cannot be read"),
        (lambda: b"<!DOCTYPE html><html><body>Rate limited</body></html>", "HTML page"),
        (lambda: b"", "cannot be read"),
        (lambda: b"{}", "cannot be read"),
        (lambda: b"[]", "cannot be read"),
        (lambda: json.dumps(json.loads(list_file())[:3]).encode(), "no longer names"),
    ],
)
def test_a_poisoned_list_is_refused_whole(raw: Any, says: str) -> None:
    """Prices × 1000, prices of 0, a cut file, a web page, nothing, and half a list: all leave the catalogue as it was."""
    done = run({"genai_prices": raw()})
    assert not done.taken
    assert says in done.outcomes[0].reason
    assert done.catalog is CATALOG
    assert done.prices is None


def test_what_a_poisoned_list_would_have_changed_is_shown() -> None:
    """The gate's report is the diff: offer, unit, before, now."""
    gate = run({"genai_prices": list_file(times_thousand)}).outcomes[0].gate
    held = next(h for h in gate.held if (h.offer, h.unit) == ("openai:gpt-4o", "input"))
    assert (held.before, held.now, held.reason) == (Decimal("2.5"), Decimal(2500), "moved 1000-fold")


@pytest.mark.parametrize("factor", [1000, 0])
def test_a_single_poisoned_price_is_held_and_the_rest_taken(factor: int) -> None:
    """One model off by a thousand, or at 0, keeps its last good price in the catalogue and in every bill."""
    done = run({"genai_prices": list_file(one_model(factor))})
    assert done.taken
    assert done.outcomes[0].gate.held_offers == {"openai:gpt-4o"}
    assert done.catalog.offers["openai:gpt-4o"].usd_per_million["input"] == Decimal("2.5")
    use_list(lambda: done.prices)
    try:
        sheet = find_price("openai", "gpt-4o", AT)
        other = find_price("openai", "gpt-4o-mini", AT)
    finally:
        use_list(None)
    assert isinstance(sheet, PriceSheet)
    assert isinstance(other, PriceSheet)
    assert sheet.rates(AT)[0]["input"].usd_per_million == Decimal("2.5")
    assert (sheet.source, other.source) == ("genai-prices 0.2.3", "genai-prices, read 2026-11-23")


def test_an_honest_price_cut_comes_through_as_a_diff() -> None:
    """A price halved is taken and shown."""

    def halve(provider: str, model: dict[str, Any]) -> None:
        if (provider, model["id"]) == ("openai", "gpt-4o-mini"):
            model["prices"] = {k: str(Decimal(v) / 2) for k, v in model["prices"].items()}

    done = run({"genai_prices": list_file(halve)})
    moves = [c for c in diff(CATALOG, done.catalog, TODAY) if c.kind == "price"]
    assert {(c.offer, c.times) for c in moves} == {("openai:gpt-4o-mini", 0.5)}


def _litellm(**rows: dict[str, Any]) -> bytes:
    """A litellm list with the catalogue's own prices of every offer it covers, and the given rows."""
    theirs = {ours: name for name, ours in reversed(LITELLM_NAMES.items())}
    out: dict[str, Any] = {}
    for offer in CATALOG.offers.values():
        if offer.provider not in theirs or not {"input", "output"} <= set(offer.usd_per_million):
            continue
        out[f"{theirs[offer.provider]}/{offer.name}"] = {
            "litellm_provider": theirs[offer.provider],
            "mode": "chat",
            "max_input_tokens": offer.max_input_tokens or 1,
            "input_cost_per_token": float(offer.usd_per_million["input"]) / 1e6,
            "output_cost_per_token": float(offer.usd_per_million["output"]) / 1e6,
        }
    return json.dumps(out | rows).encode()


def test_a_claims_source_off_by_a_thousand_is_refused() -> None:
    """Its own last good prices betray it."""
    rows = json.loads(_litellm())
    for row in rows.values():
        row["input_cost_per_token"] *= 1000
        row["output_cost_per_token"] *= 1000
    done = run({"litellm": json.dumps(rows).encode()})
    assert not done.taken
    assert "moved more than 5-fold" in done.outcomes[0].reason


def test_a_source_whose_units_were_always_wrong_is_refused() -> None:
    """A list never read before has no past; the price list is the second opinion."""
    rows = [
        {"id": o.name, "pricing": {"prompt": str(o.usd_per_million["input"]), "completion": str(o.usd_per_million["output"])}}
        for o in CATALOG.offers.values()
        if o.provider == "openrouter" and {"input", "output"} <= set(o.usd_per_million)
    ]
    done = run({"openrouter": json.dumps({"data": rows}).encode()})
    assert not done.taken
    assert "five times off" in done.outcomes[0].reason


def test_a_new_end_date_and_a_new_model_arrive() -> None:
    """Facts are taken field by field; hand-checked ones stay above them."""
    done = run(
        {
            "litellm": _litellm(
                **{
                    "openai/gpt-6.1-sol": {
                        "litellm_provider": "openai",
                        "mode": "chat",
                        "max_input_tokens": 1_000_000,
                        "deprecation_date": "2027-06-01",
                        "supports_function_calling": True,
                    },
                    "gpt-7": {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 5, "input_cost_per_token": 1e-6},
                    "openai/gpt-4o": {"litellm_provider": "openai", "mode": "chat", "deprecation_date": "2030-01-01"},
                }
            )
        }
    )
    changes = {(c.offer, c.kind): c for c in diff(CATALOG, done.catalog, TODAY)}
    assert changes["openai:gpt-7", "new"].after == "1 / "
    assert changes["openai:gpt-6.1-sol", "lifecycle"].after == "deprecated 2027-06-01"
    assert changes["openai:gpt-6.1-sol", "limit"].after == "1000000"
    ends = [str(e.day) for e in done.catalog.offers["openai:gpt-4o"].events if not e.name]
    assert ends == ["2027-01-14"]


def test_the_gate_compares_only_what_it_can() -> None:
    """Nothing before, nothing refused; equal prices and small moves pass."""
    assert check_prices({}, {"a": {"input": Decimal(1)}}).refused is None
    report = check_prices({"a": {"input": Decimal(1)}}, {"a": {"input": Decimal(5)}})
    assert (report.compared, report.held) == (1, ())
