"""One model has one id, whoever serves it."""

import pytest

from pointsman.catalog.naming import model_id, model_key, provider_name


@pytest.mark.parametrize(
    "name",
    [
        "meta-llama/Meta-Llama-3.1-70B-Instruct-Turbo",
        "accounts/fireworks/models/llama-v3p1-70b-instruct",
        "us.meta.llama3-1-70b-instruct-v1:0",
        "llama-3.1-70b-instruct",
        "meta-llama/llama-3.1-70b-instruct:free",
        "Meta-Llama-3.1-70B-Instruct-FP8",
    ],
)
def test_hosts_names_meet(name: str) -> None:
    """Paths, regions, quantisation and packaging fall away."""
    assert model_id(name) == "meta/llama-3.1-70b-instruct"


@pytest.mark.parametrize(
    "name, found",
    [
        ("claude-3-5-sonnet-20241022", "anthropic/claude-3-5-sonnet"),
        ("anthropic/claude-3.5-sonnet", "anthropic/claude-3-5-sonnet"),
        ("regional.anthropic.claude-3-5-sonnet-20241022-v2:0", "anthropic/claude-3-5-sonnet"),
        ("claude-3-5-sonnet-v2@20241022", "anthropic/claude-3-5-sonnet"),
        ("gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("gemini-1.5-pro-002", "google/gemini-1.5-pro"),
        ("open-mixtral-8x7b", "mistral/open-mixtral-8x7b"),
    ],
)
def test_dates_fall_away(name: str, found: str) -> None:
    """A dated snapshot is an offer of a model, not a model."""
    assert model_id(name) == found


@pytest.mark.parametrize(
    "one, other",
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("llama-3.1-8b-instruct", "llama-3.1-70b-instruct"),
        ("gemini-1.5-flash", "gemini-1.5-flash-8b"),
        ("mistral-large-2407", "mistral-large-2512"),
        ("claude-opus-4-5", "claude-opus-4-6"),
        ("grok-4-fast", "grok-4"),
    ],
)
def test_sizes_versions_and_modes_stay(one: str, other: str) -> None:
    """What is another model keeps another name."""
    assert model_key(one) != model_key(other)


def test_an_unknown_maker_is_none_unless_its_provider_tells() -> None:
    """No maker is made up."""
    assert model_id("frobnicate-9") is None
    assert model_id("frobnicate-9", "cohere") == "cohere/frobnicate-9"


def test_providers_go_by_their_rows_names() -> None:
    """Google's models are served by the row called gemini."""
    assert [provider_name(n) for n in ("google", "x-ai", "openai_responses", "Together_AI", "groq")] == [
        *("gemini", "xai", "openai", "together", "groq"),
    ]
