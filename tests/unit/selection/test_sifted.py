"""What a selection says of offers that are neither refused nor finalists, of ties, and of figures nobody gave."""

from __future__ import annotations

import pytest

from pointsman.report.selection_lines import near_tie
from pointsman.selection.needs_words import needs_words
from pointsman.selection.requirements import Must, Requirements, Volume
from support.selection import chosen, market, offer, score

NEEDS = Requirements(name="n", nice={"quality": 1.0}, volume=Volume(requests_per_day=10))


def scored(*models: tuple[str, float]):
    return [score(m, v) for m, v in models]


def test_every_offer_is_accounted_for() -> None:
    """Refused, set aside and finalists add up to all that were considered."""
    found = chosen(
        market(
            offer("openai/gpt-9"),
            offer("openai/gpt-9", provider="azure"),
            offer("anthropic/claude-9"),
            offer("mistral/large-9", context_tokens=1_000),
            offer("mistral/grok-9", context_tokens=None),
            *scored(("openai/gpt-9", 0.7), ("anthropic/claude-9", 0.8), ("mistral/large-9", 0.6), ("mistral/grok-9", 0.7)),
        ),
        Requirements(name="n", nice={"quality": 1.0}, must=Must(context_tokens=50_000)),
    )
    aside = [int(line.partition(" × ")[0].replace(",", "")) for line in found.sifted]
    refused = len({f.offer for f in found.refused})
    assert aside
    assert refused + sum(aside) + len(found.finalists) == found.considered


def test_what_no_document_answers_is_named() -> None:
    """A candidate set aside because its window is unknown is told from one that is beaten."""
    found = chosen(
        market(
            offer("openai/gpt-9"),
            offer("anthropic/claude-9"),
            offer("mistral/grok-9", context_tokens=None),
            *scored(("openai/gpt-9", 0.7), ("anthropic/claude-9", 0.8), ("mistral/grok-9", 0.7)),
        ),
        Requirements(name="n", nice={"quality": 1.0}, must=Must(context_tokens=50_000)),
    )
    assert [line for line in found.sifted if "50,000 tokens in one request (1)" in line]


@pytest.mark.parametrize("second, tied", [(0.7, True), (0.3, False)])
def test_a_near_tie_is_said_and_a_clear_first_is_not(second: float, tied: bool) -> None:
    """Two that score alike are called a tie before anything else is told of them."""
    found = chosen(
        market(
            offer("openai/gpt-9"),
            offer("anthropic/claude-9"),
            *scored(("openai/gpt-9", 0.7), ("anthropic/claude-9", second)),
        ),
        NEEDS,
    )
    assert bool(near_tie(found)) is tied
    if tied:
        assert "anthropic:claude-9" in near_tie(found)
        assert "openai:gpt-9" in near_tie(found)


def test_a_limit_nobody_can_check_is_said_at_the_top() -> None:
    """No public source states latency: the notes say so, for whom, and what would tell."""
    found = chosen(
        market(offer("openai/gpt-9"), *scored(("openai/gpt-9", 0.7))),
        Requirements(name="n", nice={"quality": 1.0}, must=Must(latency=2.0)),
    )
    assert [n for n in found.notes if "latency is not checked for openai:gpt-9" in n and "pointsman eval" in n]


def test_figures_that_nobody_gave_are_called_ours() -> None:
    """Tokens, growth and horizon are marked where they are the defaults, and not where they were given."""
    asked, must, *_ = needs_words(NEEDS, ())
    assert asked.count("(our default)") == 2
    assert "(our default)" in must
    given = Requirements(name="n", volume=Volume(requests_per_day=10, input_tokens=700, growth=2), must=Must(horizon_months=12))
    assert "(our default)" not in "".join(needs_words(given, ()))
    silent = needs_words(Requirements(name="n"), ())[0]
    assert "volume.requests_per_day is not given" in silent
