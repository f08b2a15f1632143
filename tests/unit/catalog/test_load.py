"""The catalogue knows every model the guide names, who said what, and lets later layers win field by field."""

import re
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from pointsman.catalog.entry import Score, Source
from pointsman.catalog.lifecycle import lifecycle
from pointsman.catalog.load import bundled_catalog, load_catalog, with_file, with_scores
from pointsman.catalog.lookup import Filter, find_model, find_offer, list_offers
from pointsman.catalog.naming import MAKER_OF_PROVIDER
from pointsman.core.failure import ConfigError, PointsmanError

TODAY = date(2026, 11, 23)
CATALOG = bundled_catalog()

NAMED_BY_THE_GUIDE = """
GPT-4 | GPT-4 Turbo | GPT-4 Vision | GPT-4o | GPT-4o mini | GPT-3.5 Turbo | DALL-E 3 | Codex
Claude 3 Opus | Claude 3 Sonnet | Claude 3 Haiku | Claude 3.5 Sonnet
Gemini 1.5 Pro | Gemini 1.5 Flash | Gemini Ultra | Gemini Pro | Gemini Nano | Med-PaLM 2 | AlphaFold
Llama 3.1 8B | Llama 3.1 70B | Llama 3.1 405B | CodeLlama 7B | CodeLlama 34B | Galactica | SAM
Mistral Large 2 | Mixtral 8x7B | Mixtral 8x22B | Mistral 7B | StarCoder | StarCoder2 3B | StarCoder2 15B
Phi-3 mini | Phi-3 medium | Falcon 7B | Falcon 40B | Falcon 180B | BLOOM | Midjourney | Stable Diffusion | YOLO
GitHub Copilot | BloombergGPT | category/radiology | category/clinical-notes | category/contract-analysis
category/legal-summarisation | category/case-law | category/chemistry | category/fraud-detection | category/risk-assessment
"""
TODAYS = (
    "gpt-6.1-sol gpt-6.1-terra gpt-6-luna gpt-6-astra claude-opus-5-5 claude-sonnet-5-5 claude-haiku-5-5 claude-fable-5-2 "
    "gemini-4-argon gemini-3.8-flash grok-4.7 kimi-k3 glm-5.3 mistral-large-4 deepseek-v4-flash deepseek-v4-pro"
)


@pytest.mark.parametrize("name", [n.strip() for line in NAMED_BY_THE_GUIDE.strip().splitlines() for n in line.split("|")])
def test_every_model_the_guide_names_has_a_row(name: str) -> None:
    """General, vision, image, medical, legal, scientific, code and financial: each can be looked up."""
    assert find_model(CATALOG, name).kind


@pytest.mark.parametrize("name", TODAYS.split())
def test_todays_models_answer_and_have_a_price_and_a_window(name: str) -> None:
    """The frontier of November 2026 is offered by its maker, alive and priced."""
    offer = find_offer(CATALOG, name)
    assert lifecycle(offer, TODAY).alive(TODAY)
    assert offer.usd_per_million["output"] > offer.usd_per_million["input"] > 0
    assert CATALOG.fact(offer, "context_tokens") or CATALOG.fact(offer, "max_input_tokens")


@pytest.mark.parametrize(
    "name, tokens",
    [
        *(("GPT-4", 8192), ("GPT-3.5 Turbo", 16385), ("Claude 3.5 Sonnet", 200_000), ("GPT-4o", 128_000)),
        *(("Gemini 1.5 Pro", 2_097_152), ("Gemini 1.5 Flash", 1_048_576), ("gpt-4-32k", 32_768), ("GPT-4 Turbo", 128_000)),
    ],
)
def test_windows_are_the_real_ones(name: str, tokens: int) -> None:
    """T07 and T08: the guide's 128K for GPT-4 is GPT-4 Turbo's; the others it has right."""
    fact = CATALOG.fact(find_model(CATALOG, name), "context_tokens")
    assert fact is not None
    assert (fact.value, bool(fact.source), bool(fact.checked_on)) == (tokens, True, True)


def test_vision_came_with_gpt_4_turbo() -> None:
    """T07: plain GPT-4 reads text only."""
    assert find_model(CATALOG, "GPT-4").modalities_in == ("text",)
    assert "image" in (find_model(CATALOG, "GPT-4 Turbo").modalities_in or ())


def test_structured_output_is_not_for_all_models() -> None:
    """T20: GPT-4 and GPT-3.5 have no schema output, GPT-4o has."""
    facts = {
        n: CATALOG.fact(find_offer(CATALOG, n), "capabilities.structured_output") for n in ("gpt-4", "gpt-3.5-turbo", "gpt-4o")
    }
    assert {n: f.value if f else None for n, f in facts.items()} == {"gpt-4": False, "gpt-3.5-turbo": False, "gpt-4o": True}


def test_plain_gpt_4o_has_no_audio() -> None:
    """T21: native audio needs the audio or realtime name."""
    plain = CATALOG.fact(find_offer(CATALOG, "gpt-4o"), "modalities_in")
    assert plain is not None
    assert "audio" not in plain.value  # type: ignore[operator]  # a tuple of words
    assert "audio" in (find_model(CATALOG, "openai/gpt-4o-audio-preview").modalities_in or ())


def test_open_weights_are_not_all_free_to_use() -> None:
    """T22: Llama 3.1 is open with a condition, Mistral Large 2 is for research only."""
    llama, large = find_model(CATALOG, "Llama 3.1 405B"), find_model(CATALOG, "Mistral Large 2")
    assert (llama.open_weights, llama.commercial_use, "700 million" in llama.note) == (True, True, True)
    assert (large.open_weights, large.commercial_use, large.licence) == (True, False, "Mistral Research")


@pytest.mark.parametrize(
    "name, gone_on",
    [
        ("gpt-4", "2026-10-23"),
        ("gpt-3.5-turbo", "2026-10-23"),
        ("claude-3-opus", "2026-01-05"),
        ("claude-3-sonnet", "2025-07-21"),
        ("claude-3-5-sonnet", "2025-10-28"),
        ("gemini-1.5-pro", "2025-09-24"),
        ("gpt-4o", "2027-01-14"),
        ("gpt-4o-mini", "2027-01-14"),
    ],
)
def test_the_guides_models_end_on_their_days(name: str, gone_on: str) -> None:
    """All of them answered on the guide's day in 2024 and stop when their makers said."""
    found, end = find_offer(CATALOG, name), date.fromisoformat(gone_on)
    assert lifecycle(found, date(2024, 10, 1)).alive(date(2024, 10, 1))
    assert not lifecycle(found, end).alive(end)
    assert lifecycle(found, end).stage == "shut_down"


@pytest.mark.parametrize(
    "offer, gone_on",
    [
        ("anthropic:claude-mythos-preview", "2026-06-09"),
        ("gemini:gemini-omni-flash-preview", "2026-10-22"),
        ("gemini:deep-research-pro-preview-12-2025", "2026-10-23"),
        ("openai:gpt-4o-audio-preview", "2027-01-20"),
        ("openai:gpt-4o-2024-05-13", "2026-10-23"),
    ],
)
def test_a_preview_ends_like_any_other_offer(offer: str, gone_on: str) -> None:
    """Its own end is its own, though the end of a preview never ends what it previewed."""
    assert lifecycle(CATALOG.offers[offer], date(2026, 11, 23)).ends_on == date.fromisoformat(gone_on)
    assert lifecycle(CATALOG.offers["openai:computer-use"], date(2026, 11, 23)).ends_on is None


def test_a_name_that_ends_before_its_offer_is_told_apart() -> None:
    """GPT-5's Codex name stopped in July; the offer it was listed under lasts until December."""
    offer = find_offer(CATALOG, "gpt-5-codex", "openai")
    on = date(2026, 11, 23)
    assert (lifecycle(offer, on, "gpt-5-codex").stage, lifecycle(offer, on).stage) == ("shut_down", "deprecated")


def test_no_model_knows_what_happened_after_its_release() -> None:
    """Where two lists speak of different snapshots of one name, the cut-off is unknown instead of impossible."""
    impossible = [
        m.id
        for m in CATALOG.models.values()
        if m.released_on and m.knowledge_cutoff and m.knowledge_cutoff[:7] > m.released_on[:7]
    ]
    assert impossible == []


def test_no_release_is_dated_after_the_makers_own_snapshot_of_it() -> None:
    """A dated name was there on its day at the latest."""
    late = []
    for model, offers in CATALOG.offers_by_model.items():
        released = CATALOG.models[model].released_on if model in CATALOG.models else None
        maker = [o for o in offers if MAKER_OF_PROVIDER.get(o.provider) == model.partition("/")[0]]
        days = [found[0] for o in maker for n in (o.name, *o.names) if (found := re.search(r"20[12]\d-[01]\d-[0-3]\d", n))]
        if released and days and released[:7] > min(days)[:7]:
            late.append((model, released, min(days)))
    assert late == []


def test_a_reroute_is_announced_as_one() -> None:
    """gemini-2.5-pro will answer as another model at another price."""
    offer = find_offer(CATALOG, "gemini-2.5-pro", "google")
    before, after = lifecycle(offer, TODAY), lifecycle(offer, date(2026, 12, 1))
    assert (before.stage, before.days_left(TODAY), after.stage, after.to) == ("deprecated", 8, "rerouted", "gemini-3.8-flash")


def test_silence_of_the_current_list_is_not_a_life_sign() -> None:
    """Claude 3 Haiku has no known end, but nobody lists it any more."""
    assert lifecycle(find_offer(CATALOG, "claude-3-haiku"), TODAY).stage == "unconfirmed"


def test_unknown_fields_are_none_and_fail_filters() -> None:
    """BLOOM's tools are unknown: the fact is None, and a filter for tools does not find it."""
    assert CATALOG.fact(find_model(CATALOG, "BLOOM"), "capabilities.tool_calling") is None
    found = list_offers(CATALOG, Filter(capabilities=("tool_calling",), min_context_tokens=200_000, alive_on=TODAY))
    assert len(found) > 100
    assert all(CATALOG.fact(o, "capabilities.tool_calling") for o in found)


def test_no_offer_is_cheapest_by_being_unknown() -> None:
    """No price of 0 is kept unless the name says `:free`."""
    zero = [o.id for o in CATALOG.offers.values() if o.usd_per_million.get("output") == 0 == o.usd_per_million.get("input")]
    assert [z for z in zero if ":free" not in z] == []


def test_the_users_file_wins_and_is_named(tmp_path: Path) -> None:
    """A private limit replaces the list's, remembers its file, and leaves the other fields alone."""
    file = tmp_path / "ours.yaml"
    file.write_text(
        "source: {name: our contract, checked_on: 2026-11-01}\n"
        "offer:\n  - {provider: openai, name: gpt-4o, max_output_tokens: 9000}\n"
        "model:\n  - {id: acme/secret, name: Secret, context_tokens: 1000}\n"
        "event:\n  - {offer: 'openai:gpt-4o', kind: shut_down, day: 2026-12-31}\n"
        "score:\n  - {model: openai/gpt-4o, benchmark: ours, value: 0.9}\n"
    )
    mine = with_file(CATALOG, file)
    offer = mine.offers["openai:gpt-4o"]
    fact = mine.fact(offer, "max_output_tokens")
    assert (fact.value, fact.source, fact.checked_on) == (9000, "our contract", "2026-11-01")  # type: ignore[union-attr]  # shown above
    assert mine.fact(offer, "context_tokens").source != "our contract"  # type: ignore[union-attr]  # as bundled
    assert lifecycle(offer, date(2026, 12, 31)).stage == "shut_down"
    assert find_model(mine, "Secret").context_tokens == 1000
    assert [s.value for s in mine.scores_by_model["openai/gpt-4o"] if s.benchmark == "ours"] == [0.9]
    assert CATALOG.offers["openai:gpt-4o"].max_output_tokens != 9000


@pytest.mark.parametrize(
    "text, says",
    [
        ("modell: []", "did you mean 'model'"),
        ("offer:\n  - {provider: openai, name: x, contxt_tokens: 1}", "did you mean 'context_tokens'"),
        ("event:\n  - {offer: 'openai:gpt-4p', kind: shut_down}", "did you mean 'openai:gpt-4"),
        ("offer:\n  - {provider: openai, name: x, context_tokens: many}", None),
        ("- just\n- a list", None),
        ("a: [", None),
    ],
)
def test_a_users_mistake_is_named(tmp_path: Path, text: str, says: str | None) -> None:
    """File, key and the nearest valid key stand in the error."""
    file = tmp_path / "ours.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        with_file(CATALOG, file)
    assert str(file) in str(caught.value)
    assert says is None or says in (caught.value.hint or "")


def test_own_measurements_are_a_layer_of_their_own() -> None:
    """Results of the user's runs stand beside published scores under their own source."""
    mine = with_scores(
        CATALOG,
        [Score(model="openai/gpt-4o", benchmark="support-tickets", value=0.91, low=0.87, high=0.94)],
        Source(name="run 7f3a", checked_on="2026-11-20", layer="measured"),
    )
    score = mine.scores_by_model["openai/gpt-4o"][-1]
    assert (score.value, mine.sources[score.source].layer) == (0.91, "measured")


def test_a_wrong_name_gets_near_names() -> None:
    """A typo, a family and a model without an offer each say what to do."""
    for name, hint in (("gpt-4oo", "openai/gpt-4o"), ("StarCoder2", "bigcode/starcoder2-15b"), ("Falcon", "tii/falcon-40b")):
        with pytest.raises(PointsmanError) as caught:
            find_model(CATALOG, name)
        assert hint in (caught.value.hint or "")
    with pytest.raises(PointsmanError, match="is not offered by openai"):
        find_offer(CATALOG, "Claude 3 Opus", "openai")


def test_a_missing_refreshed_folder_changes_nothing(tmp_path: Path) -> None:
    """Offline, nothing is needed beyond the package."""
    assert load_catalog(tmp_path).offers == CATALOG.offers


def test_start_up_loads_no_more_than_it_uses() -> None:
    """Listing the catalogue needs neither the price list, nor numpy, nor anything of evaluation."""
    code = (
        "import sys; from pointsman.cli.catalog import command;"
        "command.main(['list', '--text', 'gpt-6', '--json'], standalone_mode=False);"
        "heavy = {'genai_prices', 'numpy', 'aiohttp', 'pydantic'};"
        "print(sorted({m.split('.')[0] for m in sys.modules} & heavy), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"


def test_the_whole_catalogue_is_read_and_asked_in_a_blink() -> None:
    """3,588 offers: reading and one filter over all of them stay far below the 0.3 s a shortlist may take."""
    bundled_catalog.cache_clear()
    start = time.process_time()
    catalog = bundled_catalog()
    list_offers(catalog, Filter(capabilities=("tool_calling",), modalities_in=("image",), min_context_tokens=100_000))
    assert len(catalog.offers) > 3000
    assert time.process_time() - start < 0.2
