"""`pointsman cost` as a user meets it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import jsonschema_rs
import msgspec
import pytest
from click.testing import CliRunner, Result

from pointsman.catalog.price_list import use_list
from pointsman.cli.cost import command
from pointsman.core.failure import PointsmanError
from pointsman.core.usage import Usage
from pointsman.providers.dialects.anthropic_messages.usage import WireUsage, ledger
from pointsman.providers.dialects.openai_chat import wire
from pointsman.providers.dialects.openai_chat.usage import read_usage
from pointsman.report.document import schema


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("POINTSMAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    yield
    use_list(None)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), standalone_mode=False, catch_exceptions=False)


def document(verb: str, *arguments: str) -> Any:
    """What `--json` prints, which has to keep the published schema."""
    found = json.loads(run(verb, *arguments, "--json").stdout)
    jsonschema_rs.validate(schema(f"cost_{verb}"), found)
    return found


@pytest.mark.parametrize(
    "arguments, usd, applied",
    [
        (("gemini-1.5-pro", "--provider", "google", "--input", "128000", "--output", "0"), "0.16", "standard"),
        (("gemini-1.5-pro", "--provider", "google", "--input", "128001", "--output", "0"), "0.3200025", "standard"),
        (("gpt-5.5", "--input", "272001", "--output", "1000"), "2.76501", "standard"),
        (("gpt-4o", "--provider", "openai", "--input", "1000", "--cache-read", "500", "--output", "100"), "0.004125", "standard"),
        (("gpt-5.6-sol", "--input", "1000", "--output", "1000", "--batch", "--as-of", "2026-11-23"), "0.012", "batch"),
        (("gpt-5.6-sol", "--input", "1000", "--output", "1000", "--batch", "--as-of", "2026-10-01"), "0.024", "standard"),
        (("deepseek-v4-flash", "--input", "1000000", "--output", "1000000", "--as-of", "2026-11-23T02:00Z"), "1.5", "standard"),
        (("deepseek-v4-flash", "--input", "1000000", "--output", "1000000", "--as-of", "2026-11-23"), "0.75", "standard"),
        (("o3", "--input", "1000000", "--output", "1000000", "--as-of", "2025-05-01"), "50", "standard"),
        (("Llama 3.1 405B", "--provider", "together", "--input", "1000000"), "3.5", "standard"),
    ],
)
def test_call_is_exact_and_has_the_published_shape(arguments: tuple[str, ...], usd: str, applied: str) -> None:
    """Tiers, cache, batch, hours and dates through the command, in decimal text."""
    found = document("call", *arguments)
    assert {"usd", "model_matched", "lines", "source", "checked_on", "variant_applied"} <= found.keys()
    assert (found["usd"], found["variant_applied"]) == (usd, applied)
    assert all(set(line) == {"unit", "count", "usd_per_million", "usd"} for line in found["lines"])


@pytest.mark.parametrize("name", command.commands)
def test_every_command_has_a_published_document(name: str) -> None:
    """`--json` is a contract wherever it is offered."""
    assert schema(f"cost_{name}")["title"] == f"pointsman cost {name} --json"


def test_a_token_is_counted_once_whoever_reports_it() -> None:
    """1,000 read, 400 of them from the cache: OpenAI says 1,000 and 400, Anthropic 600 and 400; both are --input 600.

    600 × 2.50 + 400 × 1.25 + 100 × 10 per million is $0.003, which is also what the price list's own calculator
    makes of 1,000 read with 400 from the cache.
    """
    import genai_prices

    found = document("call", "gpt-4o", "--provider", "openai", "--input", "600", "--cache-read", "400", "--output", "100")
    assert (found["usd"], found["input_tokens_total"], found["output_tokens_total"]) == ("0.003", 1000, 100)
    assert {line["unit"]: line["count"] for line in found["lines"]} == {"input": 600, "cache_read": 400, "output": 100}
    read = genai_prices.Usage(input_tokens=1000, cache_read_tokens=400, output_tokens=100)
    theirs = genai_prices.calc_price(read, "gpt-4o", provider_id="openai")
    assert Decimal(found["usd"]) == theirs.total_price
    said = {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}
    openai = read_usage(msgspec.convert(said, wire.WireUsage))
    anthropic = ledger(WireUsage(input_tokens=600, cache_read_input_tokens=400, output_tokens=100))
    assert openai == anthropic == Usage(input_tokens=600, cache_read_tokens=400, output_tokens=100)


def test_the_context_tier_goes_by_everything_read() -> None:
    """100,000 fresh and 28,001 cached tokens are 128,001 read: the dear tier for all of them."""
    arguments = ("call", "gemini-1.5-pro", "--provider", "google", "--input", "100000", "--as-of", "2024-10-01")
    below, above = (document(*arguments, "--cache-read", n) for n in ("28000", "28001"))
    rates = [[line["usd_per_million"] for line in found["lines"]] for found in (below, above)]
    assert rates[0][0] == "1.25"
    assert rates[1][0] == "2.5"
    assert (below["input_tokens_total"], above["input_tokens_total"]) == (128_000, 128_001)


def test_no_count_of_cached_tokens_is_too_large_for_the_input() -> None:
    """A prompt that comes from the cache whole has an input of 0."""
    found = document("call", "gpt-4o", "--provider", "openai", "--cache-read", "1000000")
    assert found["usd"] == "1.25"


@pytest.mark.parametrize(
    "arguments, says",
    [
        (("no-such-model",), "knows no model"),
        (("gpt-4o-foo", "--provider", "openai"), "lists no price"),
        (("gpt-4o", "--provider", "nowhere"), "lists no provider"),
        (("mistral-large-latest", "--provider", "mistral"), "alias that moves"),
        (("gpt-4o", "--as-of", "yesterday"), "not a date"),
    ],
)
def test_what_cannot_be_priced_is_an_error_with_a_way_on(arguments: tuple[str, ...], says: str) -> None:
    """No guess, and a hint."""
    with pytest.raises(PointsmanError, match=says) as caught:
        run("call", *arguments, "--input", "1")
    assert caught.value.hint


def test_a_price_only_another_source_knows_is_used_and_named() -> None:
    """StarCoder2 at Fireworks is not in the price list; litellm has it, and is named."""
    found = document("call", "accounts/fireworks/models/starcoder2-15b", "--provider", "fireworks", "--input", "1000000")
    assert (found["usd"], found["source"]) == ("0.2", "litellm 1.109.1")
    assert "tiers, modes and dates are not known" in found["notes"][0]


def test_a_rerouted_name_is_billed_as_what_answers() -> None:
    """gemini-2.5-pro costs its own price until 1 December 2026, and gemini-3.8-flash's from then on."""
    before, after = (
        document("call", "gemini-2.5-pro", "--provider", "gemini", "--input", "1000", "--as-of", day)
        for day in ("2026-11-30", "2026-12-01")
    )
    assert (before["model_matched"], after["model_matched"]) == ("gemini-2.5-pro", "gemini-3.8-flash")
    assert "answered by gemini-3.8-flash" in " ".join(after["notes"])


def test_what_speaks_against_a_price_stands_beside_it() -> None:
    """A known unit error in the list, and a model that has stopped, are said with the sum."""
    notes = " ".join(document("call", "gemini-pro", "--provider", "gemini", "--input", "1000", "--as-of", "2026-11-23")["notes"])
    assert "per thousand characters" in notes
    assert "stopped answering on 2025-04-09" in notes


def test_your_own_price_comes_first(tmp_path: Path) -> None:
    """A negotiated price in catalog.d/ beats the list and is named."""
    (tmp_path / "catalog.d").mkdir()
    (tmp_path / "catalog.d" / "ours.yaml").write_text(
        "source: {name: our contract, checked_on: 2026-11-01}\n"
        "offer:\n  - {provider: openai, name: gpt-4o, usd_per_million: {input: '2', output: '8'}}\n"
    )
    found = document("call", "gpt-4o", "--input", "1000000", "--output", "1000000")
    assert (found["usd"], found["source"], found["checked_on"]) == ("10", "our contract", "2026-11-01")


def test_forecast_and_tco() -> None:
    """50,000 a day of 800 + 200 tokens at GPT-4o mini: $365 in the first month."""
    load = ("--input", "800", "--output", "200", "--requests-per-day", "50000", "--provider", "openai")
    months = document("forecast", "gpt-4o-mini", *load, "--growth", "10")["months"]
    assert (len(months), months[0]["expected_usd"], months[0]["requests"]) == (12, "365", "1520833")
    total = document("tco", "gpt-4o-mini", *load, "--development", "12000", "--maintenance", "1000", "--instead-of", "3365")
    assert (total["total_usd"], total["payback_months"]) == ("28380", "6.0")


def test_breakeven_reproduces_both_crossings() -> None:
    """T24 through the command: 3.5 Sonnet against two H100 with $15,000 of people."""
    found = document(
        *("breakeven", "claude-3-5-sonnet", "--provider", "anthropic", "--input", "512", "--output", "256"),
        *("--gpus", "2", "--gpu-usd-per-hour", "2.99", "--tokens-per-s", "1728", "--people", "15000"),
    )
    starts = [round(int(i["from_requests"]) / 1e6, 3) for i in found["intervals"]]
    assert starts == [0.0, 5.226, 5.322, 6.038]
    assert found["intervals"][-1]["to_requests"] is None
    assert round(int(found["linear_requests_per_month"]) / 1e6, 2) == 5.15


def test_breakeven_says_when_there_is_none() -> None:
    """Today's small models undercut any card (T26), and hosted weights are the third arm."""
    found = document(
        *("breakeven", "gpt-6-luna", "--input", "512", "--output", "256", "--people", "15000", "--hosted-usd", "0.4", "0.4")
    )
    assert "no break-even" in found["linear_requests_per_month"]["unknown"]
    assert [i["arm"] for i in found["intervals"]] == ["gpt-6-luna"]
    priced = [arm["usd_per_request"] is not None for arm in found["arms"].values()]
    assert priced == [True, True, False], "cards have no price per request"
    assert (found["sizing"]["gpus"], found["sizing"]["precision"]) == (2, "fp8")


def test_breakeven_refuses_a_window_the_weights_do_not_have() -> None:
    """T32: 500K tokens on Llama 3.1 is refused, not priced."""
    with pytest.raises(PointsmanError, match="at most 131072 tokens"):
        run("breakeven", "gpt-6.1-sol", "--input", "500000", "--output", "256")


def test_capacity_answers_with_its_exit_code() -> None:
    """2 where a limit breaks, 0 where it holds, 3 where none is known."""
    base = ("capacity", "--requests-per-day", "100000", "--input", "800", "--output", "200")
    assert run(*base, "--rpm", "500").return_value == 2
    assert run(*base, "--rpm", "10000", "--uptime", "0.999").return_value == 0
    assert run(*base).return_value == 3
    assert document(*base, "--rpm", "500")["breaks_at_requests_per_day"] == pytest.approx(72_000)


def test_savings_show_their_arithmetic_and_the_largest_first() -> None:
    """Right-sizing leads; each line says how it was computed and what must be true."""
    found = document(
        *("savings", "gpt-6.1-sol", "--input", "2000", "--output", "300", "--requests-per-day", "50000"),
        *("--cheaper", "gpt-6-luna", "--hit", "0.2", "--prefix", "1500", "--max-output", "200"),
    )["savings"]
    assert [s["name"] for s in found] == [
        *("right-sizing", "routing split", "batch", "prompt cache", "response cache", "output limit"),
    ]
    assert all("requests a month" in s["arithmetic"] and s["mind"] for s in found)


@pytest.mark.parametrize("name", sorted(command.commands))  # type: ignore[attr-defined]  # a click group
def test_every_help_ends_with_an_example_that_runs(name: str) -> None:
    """The example in the help is a real command line."""
    import shlex

    epilog = command.commands[name].epilog or ""  # type: ignore[attr-defined]  # a click group
    words = shlex.split(epilog.partition("Example:")[2])
    assert words[:3] == ["pointsman", "cost", name]
    assert isinstance(run(*words[2:]).return_value, int | None)


def test_numbers_stay_exact() -> None:
    """What is not a number is refused by name."""
    with pytest.raises(click.BadParameter, match="not a number"):
        run("capacity", "--requests-per-day", "many")
