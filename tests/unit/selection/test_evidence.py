"""One scale for all benchmarks, discounts that are told, predecessors, and the user's own results on top."""

from __future__ import annotations

import statistics

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.catalog.load import bundled_catalog
from pointsman.core.estimate import Estimate, Unknown
from pointsman.selection.evidence import Ability, Evidence
from pointsman.selection.lineage import GAIN, GAIN_SD, Lineage, line_of
from pointsman.selection.own_results import OwnResult
from pointsman.selection.scale import ability_of, benchmarks, score_at
from support.selection import market, offer, score

NOT_MEASURED = Unknown("not measured")


def ability(evidence: Evidence, model: str, skill: str = "") -> Ability:
    found = evidence.ability(model, skill)
    assert isinstance(found, Ability), found
    return found


@given(st.sampled_from(sorted(benchmarks())), st.floats(0.02, 0.98))
def test_score_and_ability_are_inverse(name: str, share: float) -> None:
    """A score points to an ability, which expects that score; a higher score to a higher one."""
    b = benchmarks()[name]
    value = b.chance + (1 - b.chance) * share
    assert score_at(ability_of(value, b), b) == pytest.approx(value)
    assert ability_of(value + 0.001, b) > ability_of(value, b)


def test_per_cent_and_shares_are_the_same() -> None:
    """77.6 is read as 0.776."""
    b = benchmarks()["swe-bench-verified"]
    assert ability_of(77.6, b) == pytest.approx(ability_of(0.776, b))


def test_the_scale_knows_what_is_hard() -> None:
    """The same 70 % says more on SWE-bench Pro than on GPQA, and more there than on MMLU."""
    pro, gpqa, mmlu = (ability_of(0.7, benchmarks()[n]) for n in ("swe-bench-pro", "gpqa", "mmlu"))
    assert pro > gpqa > mmlu


def test_well_known_models_stand_in_order() -> None:
    """On the bundled results: Llama 3.1 8B, GPT-4o mini, GPT-4o, Claude 3.5 Sonnet, Claude Opus 4.8."""
    evidence = Evidence(bundled_catalog(), {})
    names = (
        "meta/llama-3.1-8b-instruct",
        "openai/gpt-4o-mini",
        "openai/gpt-4o",
        "anthropic/claude-3-5-sonnet",
        "anthropic/claude-opus-4-8",
    )
    values = [ability(evidence, n).value for n in names]
    assert values == sorted(values)


def test_a_saturated_or_self_reported_result_counts_less_and_says_so() -> None:
    """The interval is twice as wide, and the basis carries the caution."""
    plain = market(offer("openai/word"), score("openai/word", 0.6))
    reported = market(offer("openai/word"), msgspec.structs.replace(score("openai/word", 0.6), self_reported=True))
    sure, unsure = (ability(Evidence(c, {}), "openai/word") for c in (plain, reported))
    assert unsure.value == pytest.approx(sure.value)
    assert unsure.sd > 1.8 * sure.sd
    assert unsure.basis[0].caution == "reported by its maker only"
    saturated = ability(Evidence(market(offer("openai/word"), score("openai/word", 0.86, "mmlu")), {}), "openai/word")
    assert saturated.basis[0].caution == "saturated"


def test_a_skill_that_nothing_measures_is_said_to_be_general() -> None:
    """GPQA says nothing of code: the interval is wider, and the answer says that it is ability in general."""
    evidence = Evidence(market(offer("openai/word"), score("openai/word", 0.6)), {})
    general, code, reasoning = (ability(evidence, "openai/word", s) for s in ("", "code", "reasoning"))
    assert (code.on_skill, reasoning.on_skill) == (False, True)
    assert code.sd > general.sd == reasoning.sd


@pytest.mark.parametrize(
    "model, line, version",
    [
        ("anthropic/claude-haiku-4-5", "anthropic/claude-haiku", (4, 5)),
        ("anthropic/claude-3-5-haiku", "anthropic/claude-haiku", (3, 5)),
        ("openai/gpt-5.6-sol", "openai/gpt-sol", (5, 6)),
        ("google/gemini-3-flash-preview", "google/gemini-flash", (3,)),
        ("deepseek/deepseek-v4-pro", "deepseek/deepseek-pro", (4,)),
        ("zai/glm-5.3", "zai/glm", (5, 3)),
    ],
)
def test_lines_are_names_without_versions(model: str, line: str, version: tuple[int, ...]) -> None:
    """So that a successor finds its predecessor."""
    found = line_of(model)
    assert found is not None
    assert (found.name, found.version) == (line, version)


def test_a_name_without_a_version_has_no_line() -> None:
    """Nobody precedes it."""
    assert line_of("openai/chatgpt") is None


def test_successors_gain_as_we_say() -> None:
    """Over the scored pairs of the bundled catalogue: the mean gain, its spread, and how many gain."""
    catalog = bundled_catalog()
    evidence, lineage = Evidence(catalog, {}), Lineage(catalog, catalog.scores_by_model)
    gains = []
    for model in catalog.scores_by_model:
        older = [m for m, why in lineage.predecessors(model) if why.startswith("an earlier")]
        if not older:
            continue
        pair = [evidence.ability(m) for m in (model, older[0])]
        if all(isinstance(a, Ability) and not a.inherited_from for a in pair):
            gains.append(pair[0].value - pair[1].value)  # type: ignore[union-attr]  # both are abilities, as the line above says
    assert len(gains) >= 40
    assert statistics.mean(gains) == pytest.approx(GAIN, abs=0.1)
    assert statistics.stdev(gains) == pytest.approx(GAIN_SD, abs=0.1)
    assert sum(g > 0 for g in gains) / len(gains) > 0.8


def test_an_unscored_successor_is_read_as_its_predecessor_and_a_gain() -> None:
    """With a wider interval, and saying so; its own first result ends that."""
    old, new = offer("anthropic/claude-haiku-4-5"), offer("anthropic/claude-haiku-5-5")
    evidence = Evidence(market(old, new, score("anthropic/claude-haiku-4-5", 0.73)), {})
    before, after = ability(evidence, "anthropic/claude-haiku-4-5"), ability(evidence, "anthropic/claude-haiku-5-5")
    assert after.inherited_from == "anthropic/claude-haiku-4-5"
    assert after.value == pytest.approx(before.value + GAIN)
    assert after.sd > before.sd
    scored = market(old, new, score("anthropic/claude-haiku-4-5", 0.73), score("anthropic/claude-haiku-5-5", 0.6))
    assert not ability(Evidence(scored, {}), "anthropic/claude-haiku-5-5").inherited_from


def test_without_results_and_predecessors_nothing_is_known() -> None:
    """Unknown, with the reason."""
    assert isinstance(Evidence(market(offer("openai/word")), {}).ability("openai/word"), Unknown)


def test_price_is_no_guide_to_speed() -> None:
    """Over the models with published times, Spearman's rank correlation with the median output price is below 0.2."""
    from scipy.stats import spearmanr

    catalog = bundled_catalog()
    for benchmark in ("aider-edit-seconds", "aider-polyglot-seconds"):
        pairs = []
        for model, scores in catalog.scores_by_model.items():
            times = [s.value for s in scores if s.benchmark == benchmark and s.value > 0]
            prices = [
                float(o.usd_per_million["output"])
                for o in catalog.offers_by_model.get(model, ())
                if o.usd_per_million.get("output")
            ]
            if times and prices:
                pairs.append((statistics.median(prices), statistics.median(times)))
        assert len(pairs) > 30
        assert abs(spearmanr([p for p, _ in pairs], [t for _, t in pairs]).statistic) < 0.2


def own(model: str, value: float, *, n: int = 400) -> OwnResult:
    half = 1.96 * (value * (1 - value) / n) ** 0.5
    quality = Estimate(value=value, low=value - half, high=value + half, n=n, method="given")
    return OwnResult(
        run="r1",
        day="2026-11-20",
        tests="cases.jsonl",
        tests_hash="h",
        variant="v",
        provider=model.partition("/")[0],
        model=model.partition("/")[2],
        quality=quality,
        latency_p50_s=NOT_MEASURED,
        latency_p95_s=NOT_MEASURED,
        usd_per_request=NOT_MEASURED,
    )


def test_your_own_results_overrule_published_ones() -> None:
    """Published, A is far ahead; on your cases B is: B is read as the abler."""
    catalog = market(offer("openai/aword"), offer("anthropic/bword"), score("openai/aword", 0.75), score("anthropic/bword", 0.55))
    without = Evidence(catalog, {})
    assert ability(without, "openai/aword").value > ability(without, "anthropic/bword").value
    results = {"openai/aword": (own("openai/aword", 0.6),), "anthropic/bword": (own("anthropic/bword", 0.85),)}
    with_own = Evidence(catalog, results)
    a, b = ability(with_own, "openai/aword"), ability(with_own, "anthropic/bword")
    assert b.value > a.value
    assert a.own
    assert b.own
    assert "your run r1" in b.basis[0].source


def test_more_cases_make_your_own_results_surer() -> None:
    """100 cases leave more open than 2,000."""
    catalog = market(offer("openai/aword"), score("openai/aword", 0.6))
    few, many = (Evidence(catalog, {"openai/aword": (own("openai/aword", 0.8, n=n),)}) for n in (100, 2000))
    assert ability(few, "openai/aword").sd > ability(many, "openai/aword").sd
