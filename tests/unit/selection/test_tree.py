"""The guide's tree: its own answers on its own day, living models today, and every conflict told."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest

from pointsman.catalog.lifecycle import lifecycle
from pointsman.catalog.load import bundled_catalog
from pointsman.selection.candidate import candidates
from pointsman.selection.evidence import Evidence
from pointsman.selection.requirements import Must, Privacy, Requirements, Situation, Volume
from pointsman.selection.roles import RoleFinder, roles
from pointsman.selection.rules import Rule, firing
from pointsman.selection.screen import month_after
from pointsman.selection.select import Selection, catalog_day, select
from pointsman.selection.situation import answers
from pointsman.selection.tables import table
from pointsman.selection.tree import guide_model_id, walk
from pointsman.selection.usecases import find_use_case, use_cases
from support.selection import GUIDE_DAY

CALLABLE = frozenset(
    {"openai", "anthropic", "gemini", "mistral", "groq", "together", "openrouter", "vllm", "deepseek", "moonshot"}
)
WALKS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "L01": (
        {"situation": {"compliance": ["healthcare"], "gpu_budget": True}},
        ("meta/llama-3.1-405b-instruct", "meta/llama-3.1-70b-instruct"),
    ),
    "L02": ({"situation": {"compliance": ["classified"], "gpu_budget": False}}, ()),
    "L03": (
        {"must": {"context_tokens": 900_000, "modalities_in": ["video"]}, "situation": {"mostly_video": True}},
        ("google/gemini-1.5-pro",),
    ),
    "L04": ({"must": {"context_tokens": 150_000}}, ("anthropic/claude-3-5-sonnet",)),
    "L05": (
        {"must": {"latency": "real_time"}, "situation": {"reasoning": "high"}},
        ("openai/gpt-4o-mini", "anthropic/claude-3-haiku"),
    ),
    "L06": ({"must": {"latency": 0.4}, "situation": {"reasoning": "none"}}, ("openai/gpt-3.5-turbo",)),
    "L07": (
        {"task": "code", "situation": {"budget_constrained": True}},
        ("meta/codellama-34b-instruct", "openai/gpt-3.5-turbo"),
    ),
    "L08": ({"task": "code", "must": {"budget_usd_per_month": 20_000}}, ("anthropic/claude-3-5-sonnet",)),
    "L09": ({"must": {"modalities_in": ["text", "audio"]}}, ("openai/gpt-4o",)),
    "L10": (
        {"volume": {"requests_per_day": 2_000_000}, "situation": {"can_self_host": True}},
        ("meta/llama-3.1-70b-instruct", "mistral/mixtral-8x22b-instruct"),
    ),
    "L11": (
        {"volume": {"requests_per_day": 2_000_000}, "situation": {"can_self_host": False}},
        ("openai/gpt-3.5-turbo", "anthropic/claude-3-haiku"),
    ),
    "L12": ({"situation": {"reasoning": "maximum", "reasoning_type": "creative_nuanced"}}, ("anthropic/claude-3-opus",)),
    "L13": ({"situation": {"reasoning": "maximum", "reasoning_type": "code_technical"}}, ("anthropic/claude-3-5-sonnet",)),
    "L14": (
        {"situation": {"reasoning": "maximum", "reasoning_type": "general_complex"}},
        ("openai/gpt-4", "anthropic/claude-3-opus"),
    ),
    "L15": (
        {"situation": {"reasoning": "maximum", "reasoning_type": "mathematical"}},
        ("openai/gpt-4", "anthropic/claude-3-5-sonnet"),
    ),
    "L16": (
        {"volume": {"requests_per_day": 500_000}, "situation": {"complexity": "low"}},
        ("anthropic/claude-3-haiku", "openai/gpt-3.5-turbo"),
    ),
    "L17": ({}, ("openai/gpt-4-turbo", "anthropic/claude-3-5-sonnet")),
}
"""Leaf → needs that lead there, and the guide's own answer."""


@cache
def _select(leaf: str, day: date) -> Selection:
    needs = msgspec.convert(WALKS[leaf][0], Requirements)
    return select(bundled_catalog(), needs, as_of=day, own={}, callable_providers=CALLABLE)


def today() -> date:
    """The day the bundled catalogue speaks of."""
    return catalog_day(bundled_catalog())


def answers_on(model: str, day: date) -> bool:
    """Whether weights are there to be served, or the maker's own offer or somebody's answers on the day."""
    entry = bundled_catalog().models.get(model)
    if entry is not None and entry.open_weights:
        return True
    offers = bundled_catalog().offers_by_model.get(model, ())
    return any(lifecycle(o, day).alive(day) for o in offers)


@pytest.mark.parametrize("leaf", WALKS)
def test_on_the_guides_day_the_tree_gives_the_guides_answer(leaf: str) -> None:
    """`--as-of 2024-10-01`: every leaf is reached, and answers with the models the guide names."""
    guidance = _select(leaf, GUIDE_DAY).guidance
    assert guidance.trace.leaf.id == leaf
    assert guidance.bound.models == WALKS[leaf][1]
    assert tuple(guide_model_id(n) for n in guidance.trace.leaf.models) == WALKS[leaf][1]


@pytest.mark.parametrize("leaf", WALKS)
def test_today_the_tree_names_no_dead_model(leaf: str) -> None:
    """Every model of the answer and of the shortlist outlives the horizon; who of the guide's does not is told."""
    found = _select(leaf, today())
    until = month_after(today(), 6)
    assert found.guidance.trace.leaf.id == leaf
    assert all(answers_on(m, until) for m in found.guidance.bound.models)
    assert all(answers_on(c.ranked.candidate.model, until) for c in found.shortlist)
    for named in found.guidance.bound.named:
        assert named.alive or any(named.name in line for line in found.guidance.conflicts)


def test_a_leaf_with_a_role_always_has_an_answer_today() -> None:
    """Only the leaf that names no model is left without one."""
    empty = [leaf for leaf in WALKS if not _select(leaf, today()).guidance.bound.models]
    assert empty == ["L02"]


@pytest.mark.parametrize("day", [GUIDE_DAY, None])
def test_t32_a_private_job_of_500k_tokens_reports_the_conflict(day: date | None) -> None:
    """T32: Privacy is asked before length, so the tree says Llama 3.1 with its 128K window: that is reported."""
    needs = Requirements(
        must=Must(context_tokens=500_000, privacy=Privacy(stays_on_premises=True)), situation=Situation(gpu_budget=True)
    )
    found = select(bundled_catalog(), needs, as_of=day or today(), own={}, callable_providers=CALLABLE)
    guidance = found.guidance
    assert guidance.trace.leaf.id == "L01"
    assert any("Llama 3.1 405B: a window of 131,072 tokens" in c and "500,000 tokens" in c for c in guidance.conflicts)
    assert any("very long documents" in c and "the tree never asks" in c for c in guidance.conflicts)
    assert not {c.ranked.candidate.model for c in found.shortlist} & set(guidance.bound.models)


def test_t33_beyond_200k_tokens_the_long_leaf_does_not_fit_either() -> None:
    """T33: For documents the guide says Claude 3.5 Sonnet, which reads 200K."""
    needs = Requirements(must=Must(context_tokens=400_000))
    found = select(bundled_catalog(), needs, as_of=GUIDE_DAY, own={}, callable_providers=CALLABLE)
    assert found.guidance.trace.leaf.id == "L04"
    assert any(c.startswith("Claude 3.5 Sonnet: a window of 200,000 tokens") for c in found.guidance.conflicts)


def test_low_latency_hides_voice() -> None:
    """A voice assistant under 500 ms never reaches the voice leaf; the hidden branch is reported."""
    needs = Requirements(must=Must(latency=0.3, modalities_in=("text", "audio")))
    found = select(bundled_catalog(), needs, as_of=GUIDE_DAY, own={}, callable_providers=CALLABLE)
    assert found.guidance.trace.leaf.id == "L06"
    assert any("voice or audio" in c and "L09: GPT-4o" in c for c in found.guidance.conflicts)


def test_t18_the_cheap_leaf_is_beaten_on_the_day() -> None:
    """T18: GPT-3.5 Turbo is no better than GPT-4o mini on quality, price or window, and the tree is told so."""
    needs = Requirements(
        volume=Volume(requests_per_day=500_000, input_tokens=512, output_tokens=256),
        nice={"quality": 1, "cost": 1, "context": 1},
        situation=Situation(complexity="low"),
    )
    found = select(bundled_catalog(), needs, as_of=GUIDE_DAY, own={}, callable_providers=CALLABLE)
    assert found.guidance.trace.leaf.id == "L16"
    assert any(c.startswith("openai:gpt-3.5-turbo is no better than") for c in found.guidance.conflicts)


def test_t17_gpt_4_is_beaten_on_the_day() -> None:
    """T17: Budget unlimited and quality critical says GPT-4: on quality, price and window others are no worse."""
    needs = Requirements(
        volume=Volume(requests_per_day=1000, input_tokens=512, output_tokens=256),
        nice={"quality": 1, "cost": 1, "context": 1},
        situation=Situation(reasoning="maximum", budget_unlimited=True, quality_critical=True),
    )
    found = select(bundled_catalog(), needs, as_of=GUIDE_DAY, own={}, callable_providers=CALLABLE)
    assert found.guidance.trace.leaf.id == "L14"
    assert any(r.startswith("decision matrix M1") for r in found.guidance.rules)
    assert any(c.startswith("openai:gpt-4 is no better than") for c in found.guidance.conflicts)


def test_rules_that_disagree_are_named() -> None:
    """Production at scale: the matrix says one cheap model, the shortcut says routing."""
    needs = Requirements(volume=Volume(requests_per_day=500_000), situation=Situation(complexity="low", stage="production"))
    fired = {r.id for r in firing(answers(needs))}
    assert {"M8", "S7"} <= fired
    found = select(bundled_catalog(), needs, as_of=GUIDE_DAY, own={}, callable_providers=CALLABLE)
    assert any("M8 says" in c and "S7 says" in c for c in found.guidance.conflicts)


def test_what_was_not_said_counts_as_no_and_is_shown() -> None:
    """The path tells an answer from a silence."""
    path = walk(answers(Requirements())).path
    assert path[-1].answer == "no (not said)"
    assert all(step.input for step in path)


def test_every_rule_and_role_names_models_and_inputs_we_know() -> None:
    """Tables refer to each other: a misspelt name would only show when somebody gets there."""
    rules = table("rules.toml", _Rules).rule
    known = answers(Requirements())
    role_ids = {r.id for r in roles()}
    for rule in rules:
        assert set(rule.when) <= set(known)
        assert not rule.role or rule.role in role_ids
        assert [guide_model_id(m) for m in rule.models] or rule.advice
    for role in roles():
        assert [guide_model_id(m) for m in role.guide]
    for name in use_cases():
        case = find_use_case(name)
        assert set(case.roles.values()) <= role_ids
        assert [guide_model_id(m) for m in case.best]


class _Rules(msgspec.Struct):
    rule: tuple[Rule, ...]


@pytest.mark.parametrize("day", [GUIDE_DAY, None])
def test_every_role_is_held(day: date | None) -> None:
    """In the guide's time and today, by models that answered then and go on for the horizon."""
    on = day or today()
    catalog = bundled_catalog()
    finder = RoleFinder(candidates(catalog), on, today(), Evidence(catalog, {}, on.isoformat() if day else None))
    for role in roles():
        held = finder.holders(role.id)
        assert held or (role.id in _NOT_IN_2024 and day), role.id
        assert all(answers_on(r.candidate.model, on + timedelta(days=180)) for r in held)


_NOT_IN_2024 = {"voice"}
"""No offer of that time with audio in and out has a dated release in the catalogue."""


def test_eleven_profiles() -> None:
    """The guide's ten use cases and its shortlist example."""
    assert len(use_cases()) == 11


@pytest.mark.parametrize("name", use_cases())
def test_every_profile_has_a_shortlist_today_that_lives(name: str) -> None:
    """Two or three, each with reasons, a price where one is published, and nobody who ends within the horizon."""
    case = find_use_case(name)
    needs = msgspec.structs.replace(case.requirements, profile=name)
    found = select(bundled_catalog(), needs, as_of=today(), own={}, callable_providers=CALLABLE)
    assert 2 <= len(found.shortlist) <= 3
    assert set(found.role_holders) == set(case.roles)
    until = month_after(today(), needs.must.horizon_months)
    for choice in found.shortlist:
        assert answers_on(choice.ranked.candidate.model, until)
        assert choice.why
