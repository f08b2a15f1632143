"""The published JSON: fixed keys stand, the schema describes every key, and real documents keep to it."""

from __future__ import annotations

import json
from decimal import Decimal

import jsonschema_rs
import pytest

from pointsman.core.units import usd
from pointsman.report.document import compare_document, comparison_document, run_document, schema
from support.results import RUNS, comparison, empty_run, lone_run, quantiles, rich_run, run, variant


@pytest.mark.parametrize("name", RUNS)
def test_every_run_keeps_to_the_schema(name):
    jsonschema_rs.validator_for(schema("run")).validate(run_document(RUNS[name]()))


def test_the_schema_would_notice_a_key_too_many_or_too_few():
    validator = jsonschema_rs.validator_for(schema("run"))
    document = run_document(rich_run())
    assert not validator.is_valid({**document, "extra": 1})
    assert not validator.is_valid({k: v for k, v in document.items() if k != "seed"})
    document["variants"]["gpt4"]["quality"] = 0.8
    assert not validator.is_valid(document)


@pytest.mark.parametrize("name", ["run", "compare"])
def test_every_key_of_the_schema_is_described(name):
    def undescribed(node, path):
        for key, child in node.get("properties", {}).items():
            if not child.get("description"):
                yield f"{path}.{key}"
            yield from undescribed(child, f"{path}.{key}")

    root = schema(name)
    assert not [*undescribed(root, name), *(p for d, n in root["$defs"].items() for p in undescribed(n, d))]


def test_the_fixed_shape_stands():
    document = run_document(rich_run())
    assert {"run", "cases", "variants", "comparisons", "verdict"} <= document.keys()
    one = document["variants"]["gpt4"]
    assert {"hash", "quality", "outcomes", "latency_s", "ttft_s", "cost_usd", "error_rate"} <= one.keys()
    assert set(one["quality"]) == {"value", "low", "high", "n", "method", "level"}
    assert list(one["outcomes"]) == [
        "correct",
        "wrong",
        "bad_format",
        "refused",
        "truncated",
        "provider_error",
        "timeout",
        "unscored",
    ]
    assert sum(one["outcomes"].values()) == one["trials"]
    assert {"p50", "p95"} <= one["latency_s"].keys()
    assert {"candidate", "baseline", "metric", "difference", "p_value", "verdict"} <= document["comparisons"][0].keys()


def test_money_is_exact_decimal_text():
    document = run_document(rich_run())
    total = document["variants"]["gpt4"]["cost_usd"]["total"]
    assert usd(total) == Decimal("0.00415") * 1319
    assert document["budget_usd"] == "5"


def test_unknowns_carry_their_reason_and_are_never_zero():
    blank = run_document(empty_run())["variants"]["mixtral"]
    assert blank["quality"] == {"unknown": "no trial has finished"}
    assert "unknown" in blank["cost_usd"]["total"]
    assert blank["outcomes"]["correct"] == 0


def test_needed_is_there_only_where_more_would_settle_it():
    assert comparison_document(comparison("b", "a", -0.7))["needed"] == 1240
    assert "needed" not in comparison_document(comparison("b", "a", 25.2))


def test_every_document_is_strict_json():
    for make in RUNS.values():
        json.dumps(run_document(make()), allow_nan=False, ensure_ascii=False).encode("utf-8")


def test_an_open_bound_is_null():
    p95 = run_document(lone_run())["variants"]["solo"]["latency_s"]["p95"]
    assert p95["high"] is not None
    few = variant("few", 0.5, n=30, latency_s=quantiles(1.0, 30))
    assert run_document(run((few,)))["variants"]["few"]["latency_s"]["p95"]["high"] is None


def test_two_runs_compared_keep_to_their_schema():
    made = compare_document(
        ("old", "new"), (comparison("new", "old", -10),), "fail", "worse by more than 2 points", ("other scorers",)
    )
    jsonschema_rs.validator_for(schema("compare")).validate(made)
    assert made["comparisons"][0]["pairs"]["both"] == 781
