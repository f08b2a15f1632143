"""A bake-off of models behind real HTTP: money, faults, limits, cache, first token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.bakeoff import write_bakeoff
from support.command import Ran, pointsman
from support.scripted_server import Server, scripted_server

SCRIPTS = {
    "old": {"quality": 0.7, "latency": {"ttft_s": 0.005, "total_s": 0.01}, "output_tokens": 12},
    "new": {"quality": 0.9, "latency": {"ttft_s": 0.002, "total_s": 0.006}, "output_tokens": 12},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_bakeoff(tmp_path, 60)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with scripted_server(scripts=SCRIPTS, answers=folder / "tests.jsonl", seed=3) as running:
        yield running


def run(folder: Path, server: Server, *arguments: str, old: str = "", new: str = "", **spec: Any) -> Ran:
    """One bake-off of `old` and `new` at the server, priced at 1 and 2 dollars a million."""
    at = f"provider: openai, base_url: '{server.openai_url}', price: {{input: 1, output: 2, source: test}}"
    lines = {
        "name": "http",
        "tests": "tests.jsonl",
        "variants": f"{{old: {{{at}, model: old{old}}}, new: {{{at}, model: new{new}}}}}",
        "baseline": "old",
        "scorers": "[{numeric: {extract: last}}]",
        "criteria": "{quality: {margin: 0.05}}",
        "seed": "1",
        **spec,
    }
    (folder / "eval.yaml").write_text("".join(f"{k}: {v}\n" for k, v in lines.items()))
    return pointsman("eval", "eval.yaml", "--json", *arguments, cwd=folder, env={"OPENAI_API_KEY": "sk-secret-of-the-test"})


def trials(folder: Path) -> list[dict[str, Any]]:
    (journal,) = (folder / "runs").glob("*/journal.jsonl")
    return [json.loads(line) for line in journal.read_text().splitlines()]


def test_every_answer_is_counted_timed_and_priced_as_the_server_counts_it(folder, server):
    ran = run(folder, server)
    assert ran.code in (0, 2, 3), ran.err
    found = ran.document["variants"]
    ledger = server.ledger()["models"]
    for name in ("old", "new"):
        assert sum(found[name]["outcomes"].values()) == ledger[name]["requests"] == 60
        tokens = ledger[name]
        dollars = (Decimal(tokens["input_tokens"]) + 2 * Decimal(tokens["output_tokens"])) / 1_000_000
        assert Decimal(found[name]["cost_usd"]["total"]) == dollars
        assert found[name]["latency_s"]["p50"]["value"] > 0.005
        assert "unknown" in found[name]["ttft_s"]["p50"]
    assert found["new"]["quality"]["value"] > found["old"]["quality"]["value"]


def test_a_first_token_criterion_makes_it_stream_and_measure(folder, server):
    ran = run(folder, server, criteria="{ttft_p50_s: {max: 5}}")
    found = ran.document["variants"]["new"]
    assert ran.code == 0, ran.err
    assert 0.001 < found["ttft_s"]["p50"]["value"] < found["latency_s"]["p50"]["value"]
    assert all(t["exchange"]["usage"].get("source", "provider") == "provider" for t in trials(folder))


@pytest.mark.parametrize("provider, suffix", [("anthropic", ""), ("gemini", "/v1beta"), ("openai_responses", "/v1")])
def test_each_protocol_is_asked_in_its_own_words(folder, server, provider, suffix):
    at = f"provider: {provider}, base_url: '{server.base_url}{suffix}', params: {{max_output_tokens: 64}}"
    write_bakeoff(
        folder,
        20,
        spec=(
            "tests: tests.jsonl\nname: http\nscorers: [{numeric: {extract: last}}]\nbaseline: old\n"
            f"variants: {{old: {{{at}, model: old}}, new: {{{at}, model: new}}}}\n"
            "stream: true\n"
        ),
    )
    ran = pointsman("eval", "eval.yaml", "--json", cwd=folder)
    assert ran.code in (0, 2, 3), ran.err
    for found in ran.document["variants"].values():
        assert found["outcomes"]["correct"] > 5
        assert found["outcomes"]["provider_error"] == 0
        assert found["ttft_s"]["p50"]["value"] > 0


def test_a_rate_limit_is_waited_for_and_never_part_of_a_latency(folder, server):
    server.arm("429;retry_after=0.2", count=6)
    ran = run(folder, server)
    found = ran.document["variants"]
    assert sum(found[n]["outcomes"]["provider_error"] for n in found) == 0
    retried = [t for t in trials(folder) if len(t["exchange"]["attempts"]) > 1]
    assert len(retried) >= 1
    for trial in retried:
        first, *_, last = trial["exchange"]["attempts"]
        assert first["failure"]["kind"] == "rate_limit"
        assert last["backoff_s"] >= 0.2
    assert max(found[n]["latency_s"]["curve"][-1] for n in found) < 5


def test_a_provider_that_answers_html_is_an_error_of_the_provider_not_a_wrong_answer(folder, server):
    server.arm("html", count=500, model="new")
    ran = run(folder, server, max_retries=0, concurrency=4)
    found = ran.document["variants"]["new"]
    assert found["outcomes"]["provider_error"] == 60
    assert found["outcomes"]["wrong"] == 0
    assert "unknown" in found["quality"]
    assert found["quality_if_missing"] == [0.0, 1.0]
    assert ran.document["verdict"] != "pass"


def test_a_key_that_is_refused_stops_that_variant_and_not_the_run(folder, server):
    server.arm("401", count=500, model="new")
    ran = run(folder, server, max_retries=0, concurrency=2)
    assert ran.code == 1
    assert "gave up" in ran.err
    found = ran.document["variants"]
    assert sum(found["old"]["outcomes"].values()) == 60
    assert 5 <= sum(found["new"]["outcomes"].values()) < 15
    assert "sk-secret" not in ran.out + ran.err
    # and after the key is mended, the run goes on, asking again what failed
    server.post("/_scripted/reset")
    again = pointsman("eval", "--resume", "--retry-errors", "--json", cwd=folder, env={"OPENAI_API_KEY": "sk-x"})
    assert again.document["finished"], again.err
    assert again.document["variants"]["new"]["outcomes"]["provider_error"] == 0


def test_nothing_secret_lies_in_the_directory_of_a_run(folder, server):
    run(folder, server, old=", key: '${OPENAI_API_KEY}'")
    for file in (folder / "runs").rglob("*"):
        if file.is_file():
            assert b"sk-secret" not in file.read_bytes(), file.name


def test_a_budget_is_never_overspent_and_the_rest_can_follow(folder, server):
    ran = run(
        folder,
        server,
        old=", params: {max_output_tokens: 20}",
        new=", params: {max_output_tokens: 20}",
        budget_usd="0.002",
        concurrency=8,
    )
    assert ran.code == 1
    assert "budget" in ran.err
    document = ran.document
    spent = sum(Decimal(v["cost_usd"]["total"]) for v in document["variants"].values())
    assert 0 < spent <= Decimal("0.002")
    assert not document["finished"]


def test_a_budget_without_a_price_is_refused_before_anything_is_sent(folder, server):
    (folder / "eval.yaml").write_text(
        "name: x\ntests: tests.jsonl\nscorers: [exact]\nbudget_usd: 1\n"
        "variants: {a: {provider: openai, model: no-such-model, base_url: 'https://models.invalid/v1'}}\n"
    )
    ran = pointsman("eval", "eval.yaml", cwd=folder)
    assert ran.code == 1
    assert "eval.yaml:5: variants.a: has no known price" in ran.err
    assert "price:" in ran.err
    assert not list((folder / "runs").glob("*"))


def test_a_server_on_this_machine_bills_nobody_so_a_budget_does_not_stop_it(folder, server):
    (folder / "eval.yaml").write_text(
        "name: x\ntests: tests.jsonl\nscorers: [exact]\nbudget_usd: 1\n"
        f"variants: {{a: {{provider: openai, model: no-such-model, base_url: '{server.openai_url}'}}}}\n"
    )
    ran = pointsman("eval", "eval.yaml", cwd=folder)
    assert ran.code == 3, ran.err
    assert "no price" in ran.err
    assert server.ledger()["models"]["no-such-model"]["requests"] == 60


def test_cached_answers_have_a_score_and_no_latency(folder, server):
    first = run(folder, server, cache="{dir: kept}")
    asked = {n: server.ledger()["models"][n]["requests"] for n in ("old", "new")}
    second = run(folder, server, cache="{dir: kept}")
    assert {n: server.ledger()["models"][n]["requests"] for n in ("old", "new")} == asked
    for name in ("old", "new"):
        before, after = first.document["variants"][name], second.document["variants"][name]
        assert after["outcomes"] == before["outcomes"]
        assert after["cost_usd"]["total"] == before["cost_usd"]["total"]
        assert "unknown" in after["latency_s"]["p50"]


def test_a_parameter_the_protocol_cannot_say_is_named_in_the_result(folder, server):
    ran = run(folder, server, new=", params: {top_k: 5}")
    assert any("new: top_k was not sent" in w for w in ran.document["warnings"]), ran.document["warnings"]
    shown = pointsman("report", "latest", "--json", cwd=folder)
    assert shown.document["warnings"] == ran.document["warnings"]
