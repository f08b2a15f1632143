"""Published prices are found by documented names only, and each trap of the list is closed."""

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pointsman.catalog.price_sheet import PriceSheet
from pointsman.catalog.prices import find_price
from pointsman.core.estimate import Unknown
from pointsman.core.usage import Usage
from pointsman.cost.price import price_usage

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def priced(provider: str, model: str, *when: int, mode: str | None = None, **counts: int) -> Decimal:
    sheet = find_price(provider, model, NOON)
    assert isinstance(sheet, PriceSheet), sheet.reason
    at_s = datetime(*when, tzinfo=UTC).timestamp() if when else None
    return price_usage(sheet, Usage(**({"input_tokens": 0, "output_tokens": 0} | counts)), at_s, mode).usd


def test_start_up_does_not_load_the_price_list() -> None:
    """Importing the module costs nothing until the first price is asked for."""
    code = "import sys, pointsman.catalog.prices, pointsman.cost.price; print('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


@pytest.mark.parametrize(
    "provider, model, tokens, usd",
    [
        ("google", "gemini-1.5-pro", 128_000, "0.16"),
        ("google", "gemini-1.5-pro", 128_001, "0.3200025"),
        ("openai", "gpt-5.5", 272_000, "1.36"),
        ("openai", "gpt-5.5", 272_001, "2.72001"),
    ],
)
def test_context_tiers_are_exact_at_the_edge(provider: str, model: str, tokens: int, usd: str) -> None:
    """The edge belongs to the lower tier and the next token reprices the whole request."""
    assert priced(provider, model, input_tokens=tokens) == Decimal(usd)


def test_output_is_repriced_by_the_size_of_the_input() -> None:
    """gpt-5.5 writes at $30 up to 272,000 read tokens and at $45 above."""
    below = priced("openai", "gpt-5.5", input_tokens=272_000, output_tokens=1000) - Decimal("1.36")
    above = priced("openai", "gpt-5.5", input_tokens=272_001, output_tokens=1000) - Decimal("2.72001")
    assert (below, above) == (Decimal("0.03"), Decimal("0.045"))


def test_a_million_small_calls_are_not_one_big_call() -> None:
    """The same tokens cost $35 as a thousand requests and $55 as one, so a month is n × one request."""
    when = (2026, 7, 1, 12)
    assert 1000 * priced("openai", "gpt-5.6-sol", *when, input_tokens=1000, output_tokens=1000) == 35
    assert priced("openai", "gpt-5.6-sol", *when, input_tokens=10**6, output_tokens=10**6) == 55


def test_prices_follow_their_dates() -> None:
    """o3 fell from $50 to $10 per million in and out in June 2025."""
    assert priced("openai", "o3", 2025, 5, 1, input_tokens=10**6, output_tokens=10**6) == 50
    assert priced("openai", "o3", 2025, 6, 20, input_tokens=10**6, output_tokens=10**6) == 10


def test_peak_hours_cost_more_but_not_before_they_existed_nor_at_weekends() -> None:
    """DeepSeek: $1.50 at 02:00 on a Monday, $0.75 at noon and on a Saturday, and the old price in July."""
    both = {"input_tokens": 10**6, "output_tokens": 10**6}
    assert priced("deepseek", "deepseek-v4-flash", 2026, 11, 23, 2, **both) == Decimal("1.5")
    assert priced("deepseek", "deepseek-v4-flash", 2026, 11, 23, 12, **both) == Decimal("0.75")
    assert priced("deepseek", "deepseek-v4-flash", 2026, 11, 21, 2, **both) == Decimal("0.75")
    assert priced("deepseek", "deepseek-v4-flash", 2026, 7, 1, 2, **both) == Decimal("0.42")


@pytest.mark.parametrize(
    "model, mode, when, label",
    [
        ("gpt-5.6-sol", "batch", (2026, 11, 23), "batch"),
        ("gpt-5.6-sol", "Batch", (2026, 11, 23), "standard"),
        ("gpt-5.6-sol", "batch", (2026, 10, 1), "standard"),
        ("gpt-4-32k", "batch", (2026, 11, 23), "standard"),
    ],
)
def test_batch_is_only_called_batch_if_a_batch_price_was_used(model: str, mode: str, when: tuple[int, ...], label: str) -> None:
    """A misspelled, an undated and a missing batch price all answer the standard price, and say so."""
    sheet = find_price("openai", model, NOON)
    assert isinstance(sheet, PriceSheet)
    at_s = datetime(*when, tzinfo=UTC).timestamp()
    assert price_usage(sheet, Usage(input_tokens=1, output_tokens=1), at_s, mode).mode == label


@pytest.mark.parametrize(
    "provider, model",
    [
        ("openai", "gpt-4o-foo"),
        ("google", "gemini-1.5-flash-8b"),
        ("openai", "llama-3.1-70b"),
        ("nowhere", "gpt-4o"),
        ("ollama", "llama3.1"),
        ("replay", "anything"),
        ("cerebras", "qwen-3-coder-480b"),
        ("mistral", "mistral-large-latest"),
        ("openai", "moderation"),
    ],
)
def test_what_is_not_documented_is_unknown(provider: str, model: str) -> None:
    """No substring guess, no moved alias, no price of 0 that may mean nobody knows."""
    assert isinstance(find_price(provider, model, NOON), Unknown)


@pytest.mark.parametrize(
    "provider, model, matched",
    [
        ("anthropic", "claude-3-5-sonnet-20241022", "claude-3-5-sonnet"),
        ("mistral", "mistral-large-2407", "mistral-large"),
        ("google", "gemini-1.5-pro-002", "gemini-1.5-pro"),
        ("openai", "gpt-5.2-20251211", "gpt-5.2"),
        ("replay", "openai/gpt-4-1106-preview", "gpt-4-turbo"),
        ("replay", "mistral/mixtral-8x7b-instruct", "mixtral-8x7b"),
        ("bedrock", "us.anthropic.claude-3-5-sonnet-20241022-v2:0", "regional.anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ("openai", "ft:gpt-4o-2024-08-06:acme::abc", "ft:gpt-4o"),
        ("xai", "grok-4.7", "grok-4.7"),
        ("azure", "gpt-4o", "gpt-4o"),
    ],
)
def test_documented_names_are_found_and_the_matched_entry_is_shown(provider: str, model: str, matched: str) -> None:
    """Dates, versions, fine-tunes and provider prefixes lead to the entry that carries their price."""
    sheet = find_price(provider, model, NOON)
    assert isinstance(sheet, PriceSheet), sheet.reason
    assert sheet.model_matched == matched


def test_another_providers_price_is_named_as_such() -> None:
    """Azure bills OpenAI's models, but the list has OpenAI's price only."""
    sheet = find_price("azure", "gpt-4o", NOON)
    assert isinstance(sheet, PriceSheet)
    assert (sheet.provider_matched, "openai's price was used" in sheet.notes[0]) == ("openai", True)


def test_every_sheet_agrees_with_the_lists_own_arithmetic() -> None:
    """An independent computation: the package prices the same call for every model of five providers."""
    from genai_prices import Usage as TheirUsage
    from genai_prices.data_snapshot import get_snapshot

    compared = 0
    for provider in get_snapshot().providers:
        if provider.id not in {"openai", "anthropic", "google", "mistral", "x-ai"}:
            continue
        for model in provider.models:
            sheet = find_price(provider.id, model.id, NOON)
            if isinstance(sheet, Unknown) or sheet.depends_on_hour or "input" not in sheet.tariffs[0].rates:
                continue
            theirs = model.calc_price(
                TheirUsage(input_tokens=300_000, cache_read_tokens=1000, output_tokens=777),
                provider,
                genai_request_timestamp=NOON,
            )
            ours = price_usage(sheet, Usage(input_tokens=299_000, cache_read_tokens=1000, output_tokens=777))
            assert sheet.model_matched == model.id
            if all(line.usd_per_million is not None for line in ours.lines):
                assert ours.usd == theirs.total_price, model.id
                compared += 1
    assert compared > 200
