"""Reading needs, profiles and earlier runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pointsman.app.select import choose, load_requirements, own_results, write_eval
from pointsman.app.yaml_file import convert, read_yaml
from pointsman.catalog.load import bundled_catalog
from pointsman.core.estimate import Estimate
from pointsman.core.failure import ConfigError, PointsmanError, StorageError
from pointsman.evals.spec import EvalSpec
from pointsman.selection.usecases import use_cases


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "requirements.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text, line, said",
    [
        ("task: general\nmust:\n  contex_tokens: 5\n", 3, "context_tokens"),
        ("must:\n  latency: interactiv\n", 2, "interactive"),
        ("nice:\n  qualty: 3\n", 1, "quality"),
        ("must:\n  budget: startup\n", 2, "startup_mvp"),
        ("must:\n  quality: [{benchmark: gpqaa, min: 0.5}]\n", 2, "gpqa"),
        ("profile: customer_support\n", None, "customer_support_chatbot"),
        ("volume: {requests_per_day: 1, requests_per_month: 1}\n", 1, "keep one"),
        ("must: {capabilities: [tools]}\n", 1, "tools"),
        ("- a list\n", None, "mapping"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_nearest_name(tmp_path: Path, text: str, line: int | None, said: str) -> None:
    """File, line, key, value, and what was probably meant."""
    path = written(tmp_path, text)
    with pytest.raises(PointsmanError) as caught:
        load_requirements(path, None, {})
    error = caught.value
    assert said in f"{error.message} {error.hint}"
    if line is not None:
        assert isinstance(error, ConfigError)
        assert f"{path}:{line}:" in error.message


def test_a_file_lies_over_a_profile(tmp_path: Path) -> None:
    """Single keys are replaced; wishes are replaced whole, because weights mean something only together."""
    path = written(tmp_path, "volume: {requests_per_day: 5}\nnice: {quality: 1}\nmust: {horizon_months: 24}\n")
    needs = load_requirements(path, "customer_support_chatbot", {})
    assert needs.profile == "customer_support_chatbot"
    assert (needs.volume.requests_per_day, needs.volume.input_tokens) == (5, 1200)
    assert needs.nice == {"quality": 1.0}
    assert (needs.must.horizon_months, needs.must.latency) == (24, "interactive")


@pytest.mark.parametrize("name", use_cases())
def test_every_profile_can_be_used_alone(name: str) -> None:
    """Without a file."""
    assert load_requirements(None, name, {}).profile == name


def result(tmp_path: Path, run: str, **variants: dict[str, Any]) -> None:
    folder = tmp_path / run
    folder.mkdir(parents=True)
    document = {
        "run": run,
        "started_s": 1_795_000_000.0,
        "tests": {"file": "cases.jsonl", "hash": "h"},
        "variants": variants,
        "more": "what later versions may add",
    }
    (folder / "result.json").write_text(json.dumps(document), encoding="utf-8")


def measured(value: float, half: float) -> dict[str, Any]:
    return {"value": value, "low": value - half, "high": value + half, "n": 500, "method": "wilson", "level": 0.95}


def variant(provider: str, model: str, quality: float) -> dict[str, Any]:
    return {
        "provider": provider,
        "model": model,
        "quality": measured(quality, 0.02),
        "latency_s": {"p50": measured(0.4, 0.05), "p95": {"unknown": "too few"}},
        "cost_usd": {"per_request": measured(0.001, 0.0001)},
    }


def test_results_of_runs_are_found_by_model(tmp_path: Path) -> None:
    """By the catalogue's id, snapshots and recorded answers included; scripted models and broken files are not evidence."""
    result(
        tmp_path,
        "one",
        live=variant("openai", "gpt-6-luna", 0.9),
        recorded=variant("replay", "anthropic/claude-haiku-5-5", 0.8),
        play=variant("scripted", "actor", 1.0),
        strange=variant("openai", "no-such-model", 1.0),
    )
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "result.json").write_text("<html>", encoding="utf-8")
    found = own_results(tmp_path, bundled_catalog())
    assert set(found) == {"openai/gpt-6-luna", "anthropic/claude-haiku-5-5"}
    [luna] = found["openai/gpt-6-luna"]
    assert isinstance(luna.quality, Estimate)
    assert luna.quality.value == 0.9
    assert luna.day == "2026-11-18"


def test_your_own_run_turns_the_order_round(tmp_path: Path) -> None:
    """What comes second by published results comes first after a bake-off that it won clearly, and the reason says so."""
    needs = load_requirements(written(tmp_path, "nice: {quality: 5, cost: 1}\nvolume: {requests_per_day: 1000}\n"), None, {})
    before = [c.ranked.candidate for c in choose(needs, runs=tmp_path / "runs").shortlist]
    first, second = before[:2]
    result(
        tmp_path / "runs",
        "poc",
        a=variant(first.provider, first.name, 0.55),
        b=variant(second.provider, second.name, 0.95),
    )
    after = choose(needs, runs=tmp_path / "runs").shortlist
    assert after[0].ranked.candidate.id == second.id
    assert any("your run poc" in line for line in after[0].why)


def test_the_skeleton_is_an_eval_file(tmp_path: Path) -> None:
    """It reads as one, has the shortlist as variants and the limits as criteria, and never overwrites."""
    needs = load_requirements(None, "ecommerce_support", {})
    selection = choose(needs)
    path = tmp_path / "eval.yaml"
    write_eval(path, selection)
    spec = convert(read_yaml(path), EvalSpec)
    assert [(v.provider, v.model) for v in spec.variants.values() if v is not None] == [
        (c.ranked.candidate.provider, c.ranked.candidate.name) for c in selection.shortlist
    ]
    assert spec.criteria["latency_p95_s"].max == 2.0
    assert spec.baseline in spec.variants
    with pytest.raises(StorageError, match="there already"):
        write_eval(path, selection)
