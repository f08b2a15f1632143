"""What the guide says about models, reproduced, corrected or refuted (T7–T9, T17–T18 on arena ratings, T29)."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path

import pytest

from pointsman.catalog.load import bundled_catalog
from pointsman.core.estimate import Estimate
from pointsman.selection.candidate import candidates
from pointsman.selection.criteria import Criterion, Part
from pointsman.selection.guide_matrix import Claim, matrix_claims
from pointsman.selection.pareto import dominates, front
from pointsman.selection.rank import Ranked, score_of
from pointsman.selection.requirements import Must, Requirements
from pointsman.selection.select import select
from pointsman.stats.intervals import wilson
from support.selection import TODAY
from support.shared import SHARED, needs_shared

ARENA = "data/catalog/lmarena_text_categories_2025-12-17.csv"
# Arena name, catalogue offer, dollars per million read and written on 2024-10-01, window.
FIELD = (
    ("gpt-4-0613", "openai:gpt-4", "30", "60", 8_192),
    ("gpt-4-turbo-2024-04-09", "openai:gpt-4-turbo", "10", "30", 128_000),
    ("gpt-4o-2024-08-06", "openai:gpt-4o", "2.5", "10", 128_000),
    ("gpt-4o-mini-2024-07-18", "openai:gpt-4o-mini", "0.15", "0.6", 128_000),
    ("gpt-3.5-turbo-0125", "openai:gpt-3.5-turbo", "0.5", "1.5", 16_385),
    ("claude-3-opus-20240229", "anthropic:claude-3-opus-latest", "15", "75", 200_000),
    ("claude-3-sonnet-20240229", "anthropic:claude-3-sonnet", "3", "15", 200_000),
    ("claude-3-haiku-20240307", "anthropic:claude-3-haiku", "0.25", "1.25", 200_000),
    ("claude-3-5-sonnet-20240620", "anthropic:claude-3-5-sonnet", "3", "15", 200_000),
    ("gemini-1.5-pro-002", "gemini:gemini-1.5-pro", "1.25", "5", 2_097_152),
    ("gemini-1.5-flash-002", "gemini:gemini-1.5-flash", "0.075", "0.3", 1_048_576),
    ("mistral-large-2407", "azure:mistral-large-2407", "2", "6", 128_000),
)


def claims() -> dict[tuple[str, str], Claim]:
    return {(c.model, c.column): c for c in matrix_claims(bundled_catalog())}


def test_t07_the_matrix_gives_gpt_4_what_turbo_has() -> None:
    """T07: 128K and vision are GPT-4 Turbo's; GPT-4 reads 8K of text."""
    found = claims()
    assert found["GPT-4", "context"].verdict == "refuted"
    assert found["GPT-4", "context"].fact == "8,192"
    assert found["GPT-4", "multimodal"].verdict == "refuted"
    assert "8,192" in found["GPT-4", "context"].words


@pytest.mark.parametrize(
    "model",
    ["GPT-4o", "Claude 3.5 Sonnet", "Claude 3 Opus", "Claude 3 Haiku", "Gemini 1.5 Pro", "GPT-3.5 Turbo", "Llama 3.1 405B"],
)
def test_t08_the_other_windows_hold(model: str) -> None:
    """T08: 16K, 128K, 200K, 2M, as the catalogue has them."""
    assert claims()[model, "context"].verdict == "holds"


def test_t21_plain_gpt_4o_does_not_read_audio() -> None:
    """T21: The matrix gives it audio; the API needs the audio or realtime name."""
    assert claims()["GPT-4o", "multimodal"].verdict == "refuted"


def test_t09_two_hours_of_video_fill_the_window() -> None:
    """T09: At 258 tokens of picture and 32 of sound a second, an hour is 1.044M tokens and Gemini 1.5 Pro holds 2.0 hours."""
    tokens_per_hour = (258 + 32) * 3600
    window = bundled_catalog().models["google/gemini-1.5-pro"].context_tokens
    assert tokens_per_hour == 1_044_000
    assert window is not None
    assert window / tokens_per_hour == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(
    "right, n, low, high", [(94, 100, 0.875, 0.972), (99, 100, 0.9455, None), (100, 100, 0.963, None), (470, 500, 0.916, 0.958)]
)
def test_t29_a_hundred_examples_do_not_show_ninety_five(right: int, n: int, low: float, high: float | None) -> None:
    """T29: Of 100 cases only 100 right show more than 95 %; 470 of 500 do not."""
    found = wilson(right, n)
    assert isinstance(found, Estimate)
    assert found.low == pytest.approx(low, abs=0.0006)
    if high is not None:
        assert found.high == pytest.approx(high, abs=0.0006)
    assert (found.low > 0.95) is (right == n)


def _part(name: str, value: float, low: float, high: float, raw: float) -> Part:
    return Part(criterion=name, weight=1 / 3, value=value, low=low, high=high, raw=raw, words="")


@pytest.fixture(scope="module")
def arena() -> list[Ranked]:
    """The API models of the guide's time by rating, dollars for 512 read and 256 written, and window."""
    with (SHARED / ARENA).open(newline="", encoding="utf-8") as file:
        rows = {r["model"]: r for r in csv.DictReader(file) if r["category"] == "full"}
    by_id = {c.id: c for c in candidates(bundled_catalog())}
    rating = Criterion(name="rating", weight=1 / 3, worst=1000, best=1500)
    cost = Criterion(name="cost", weight=1 / 3, worst=0.5, best=0.00005, logarithmic=True)
    window = Criterion(name="context", weight=1 / 3, worst=8000, best=2_200_000, logarithmic=True)
    found = []
    for name, offer_id, read, written, tokens in FIELD:
        row = rows[name]
        mid, low, high = (float(row[k]) for k in ("rating_style_control", "ci95_low", "ci95_high"))
        usd = float((512 * Decimal(read) + 256 * Decimal(written)) / 1_000_000)
        parts = (
            _part("rating", rating.utility(mid), rating.utility(low), rating.utility(high), mid),
            _part("cost", cost.utility(usd), cost.utility(usd), cost.utility(usd), usd),
            _part("context", window.utility(tokens), window.utility(tokens), window.utility(tokens), tokens),
        )
        found.append(Ranked(candidate=by_id[offer_id], parts=parts, score=score_of(parts), to_verify=(), callable=True))
    return found


@needs_shared(ARENA)
def test_t18_the_front_of_the_guides_time(arena: list[Ranked]) -> None:
    """T18: Rating, price and window leave three: Gemini 1.5 Pro, GPT-4o mini, Gemini 1.5 Flash; none of the guide's cheap two."""
    found = front(arena)
    assert {r.candidate.id for r in found.members} == {
        "gemini:gemini-1.5-pro",
        "openai:gpt-4o-mini",
        "gemini:gemini-1.5-flash",
    }
    assert len(found.beaten) == len(FIELD) - 3
    assert found.incomparable == ()


@needs_shared(ARENA)
@pytest.mark.parametrize(
    "loser, winners",
    [
        ("openai:gpt-3.5-turbo", {"openai:gpt-4o-mini", "anthropic:claude-3-haiku", "gemini:gemini-1.5-flash"}),
        ("anthropic:claude-3-haiku", {"gemini:gemini-1.5-flash"}),
    ],
)
def test_t18_the_guides_two_cheap_models_are_each_dominated(arena: list[Ranked], loser: str, winners: set[str]) -> None:
    """T18: GPT-3.5 by 4o mini, Haiku and 1.5 Flash; Haiku by 1.5 Flash."""
    by_id = {r.candidate.id: r for r in arena}
    assert {r.candidate.id for r in arena if dominates(r, by_id[loser])} >= winners


@needs_shared(ARENA)
def test_t17_gpt_4_is_dominated_by_nine_of_eleven(arena: list[Ranked]) -> None:
    """T17: rating, price and window: nine others are no worse on any, eight of them beyond the rating's error."""
    by_id = {r.candidate.id: r for r in arena}
    gpt_4 = by_id["openai:gpt-4"]
    over = [r for r in arena if dominates(r, gpt_4)]
    rated = gpt_4.parts[0]
    beyond = [r.candidate.id for r in over if r.parts[0].low > rated.high]
    assert (len(arena) - 1, len(over), len(beyond)) == (11, 9, 8)
    assert {r.candidate.id for r in over} - set(beyond) == {"anthropic:claude-3-sonnet"}
    assert set(by_id) - {r.candidate.id for r in over} == {"openai:gpt-4", "openai:gpt-3.5-turbo", "anthropic:claude-3-haiku"}


@needs_shared(ARENA)
def test_t17_gpt_4_is_beaten_in_words(arena: list[Ranked]) -> None:
    """T17: By 4o mini alone it is beaten on all three, at 133 times the price, beyond the error of the rating."""
    pair = [r for r in arena if r.candidate.id in ("openai:gpt-4", "openai:gpt-4o-mini")]
    [beaten] = front(pair).beaten
    assert beaten.offer == "openai:gpt-4"
    assert "133 times the price" in beaten.words or "133.3 times the price" in beaten.words
    assert "intervals overlap" not in beaten.words


def test_t22_a_licence_is_a_constraint() -> None:
    """T22: Mistral Large 2, which the guide lists among the open models, is refused for commercial use; Llama 3.1 is not."""
    needs = Requirements(must=Must(open_weights=True, commercial_use=True))
    found = select(bundled_catalog(), needs, as_of=TODAY, own={}, callable_providers=frozenset({"vllm"}))
    refused = {f.offer: f for f in found.refused if f.constraint == "commercial_use"}
    assert "Mistral Research" in refused["vllm:mistral/mistral-large-2407"].fact
    assert "vllm:meta/llama-3.1-405b-instruct" not in refused


def test_every_claim_of_the_guide_has_a_test_that_names_it() -> None:
    """T01 to T33 each open the docstring of at least one test, so that a search for the number finds it."""
    tests = Path(__file__).parents[2]
    opened = re.compile(r'"""(T\d\d)(?: and (T\d\d))?[:,]')
    named = {
        n for file in tests.rglob("test_*.py") for found in opened.findall(file.read_text(encoding="utf-8")) for n in found if n
    }
    assert named == {f"T{n:02}" for n in range(1, 34)}
