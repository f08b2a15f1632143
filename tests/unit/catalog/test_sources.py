"""Outside lists are read in our words and units; what they do not say stays unknown."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from pointsman.catalog.claim import FactSource, fact_sources
from pointsman.catalog.load import bundled_catalog
from pointsman.catalog.price_list import bundled_list
from pointsman.catalog.price_sheet import PriceSheet
from pointsman.catalog.prices import every_sheet
from pointsman.core.estimate import Unknown

FAMILY = fact_sources()
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", FAMILY.names())
@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"<html></html>", b'{"data": []}', b'{"openai": 3}', b"null"])
def test_what_is_not_the_list_is_refused(name: str, raw: bytes) -> None:
    """Every source raises for bytes that are not its own, and never answers with nothing."""
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        FAMILY.load(name).read(raw)


@pytest.mark.parametrize("name", FAMILY.names())
def test_every_source_says_where_it_is_and_under_which_licence(name: str) -> None:
    """An address over TLS, and terms."""
    source = FAMILY.load(name)
    assert isinstance(source, FactSource)
    assert source.url.startswith("https://")
    assert source.licence


def test_litellm_zero_is_unknown_and_floats_become_exact_dollars() -> None:
    """A price of 0 is dropped; 1.5e-07 per token is exactly 0.15 per million; silence on a capability is silence."""
    rows = {
        "gpt-x": {
            "litellm_provider": "openai",
            "mode": "chat",
            "input_cost_per_token": 1.5e-07,
            "output_cost_per_token": 0,
            "max_input_tokens": 1000,
            "supports_function_calling": True,
            "supports_response_schema": False,
            "deprecation_date": "2027-01-01",
        },
        "together_ai/llama": {"litellm_provider": "together_ai", "mode": "chat", "deprecation_date": "soon"},
        "somebody/else": {"litellm_provider": "nobody-we-know", "mode": "chat"},
    }
    first, second = FAMILY.load("litellm").read(json.dumps(rows).encode())
    assert first.usd_per_million == {"input": Decimal("0.15")}
    assert first.capabilities == {"tool_calling": True, "structured_output": False}
    assert (first.ends_on, first.max_input_tokens, first.context_tokens) == (date(2027, 1, 1), 1000, None)
    assert (second.provider, second.name, second.ends_on) == ("together", "llama", None)


def test_models_dev_states_modalities_and_dates() -> None:
    """Complete modalities, a cut-off, and limits; a missing window stays None."""
    row = {
        "limit": {"output": 10},
        "modalities": {"input": ["text", "image"], "output": ["text"]},
        "tool_call": False,
        "knowledge": "2025-01",
        "open_weights": True,
        "cost": {"input": 0.1, "output": 0},
    }
    claim = FAMILY.load("models_dev").read(json.dumps({"google": {"models": {"gemini-x": row}}}).encode())[0]
    assert (claim.provider, claim.context_tokens, claim.max_output_tokens) == ("gemini", None, 10)
    assert (claim.modalities_in, claim.capabilities, claim.open_weights) == (("text", "image"), {"tool_calling": False}, True)
    assert claim.usd_per_million == {"input": Decimal("0.1")}


def test_openrouter_parameters_are_complete_and_negative_prices_are_routers() -> None:
    """A parameter it does not list is not supported; a price of -1 is no price."""
    row = {"id": "a/b", "pricing": {"prompt": "-1", "completion": "0.000002"}, "supported_parameters": ["tools"], "created": 0}
    claim = FAMILY.load("openrouter").read(json.dumps({"data": [row]}).encode())[0]
    assert claim.usd_per_million == {"output": Decimal(2)}
    assert claim.capabilities == {"tool_calling": True, "structured_output": False, "reasoning": False}
    assert claim.released_on == "1970-01-01"


def test_the_carried_prices_are_those_of_the_installed_list() -> None:
    """The frozen list prices in the catalogue agree with the price list they were taken from, offer by offer."""
    offers, compared = bundled_catalog().offers, 0
    for provider, name, _, sheet in every_sheet(bundled_list(), AT):
        offer = offers[f"{provider}:{name}"]
        if isinstance(sheet, Unknown):
            assert offer.said_by.get("usd_per_million", "") != "genai-prices"
            continue
        assert isinstance(sheet, PriceSheet)
        rates = {u: r.usd_per_million for u, r in sheet.rates(AT)[0].items()}
        assert offer.usd_per_million == rates, offer.id
        compared += 1
    assert compared > 2000
