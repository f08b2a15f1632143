"""A run as the one JSON document that `pointsman eval --json` prints; `schemas/run.schema.json` is its contract."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from pointsman.core.estimate import measured_json
from pointsman.core.units import usd_text
from pointsman.core.verdict import VerdictName
from pointsman.evals.outcome import Outcome
from pointsman.evals.result import (
    Check,
    Comparison,
    CostResult,
    CriterionResult,
    Quantiles,
    RunResult,
    TestSetInfo,
    VariantResult,
)

__all__ = ["compare_document", "comparison_document", "run_document", "schema"]

_SCHEMAS = Path(__file__).with_name("schemas")


@cache
def schema(name: str) -> dict[str, Any]:
    """A published JSON Schema, by the name of its file: `run`, `compare`, `select`, `cost_call`, …"""
    found: dict[str, Any] = msgspec.json.decode((_SCHEMAS / f"{name}.schema.json").read_bytes())
    return found


def run_document(result: RunResult) -> dict[str, Any]:
    """Everything a run found, as JSON values.

    The keys named in the design's fixed shape keep their meaning; the others are ours, and the
    schema describes each. Money is a decimal string, except inside an Estimate, whose parts are numbers.
    """
    document = {
        "run": result.run,
        "name": result.name,
        "cases": result.tests.cases,
        "verdict": result.verdict,
        "verdict_reason": result.verdict_reason,
        "decisions": [
            {"candidate": d.candidate, "verdict": d.verdict, "broken": list(d.broken), "open": list(d.open)}
            for d in result.decisions
        ],
        "variants": {v.name: _variant(v) for v in result.variants},
        "comparisons": [comparison_document(c) for c in result.comparisons],
        "criteria": [_criterion(c) for c in result.criteria],
        "tied_best": list(result.tied_best),
        "baseline": result.baseline,
        "tests": _tests(result.tests),
        "repeats": result.repeats,
        "scorers": list(result.scorers),
        "seed": result.seed,
        "level": result.level,
        "budget_usd": None if result.budget_usd is None else usd_text(result.budget_usd),
        "started_s": result.started_s,
        "elapsed_s": result.elapsed_s,
        "finished": result.finished,
        "missing_trials": result.missing_trials,
        "stopped_because": result.stopped_because,
        "disagreement_count": result.disagreement_count,
        "checklist": [_check(c) for c in result.checklist],
        "pitfalls": [_check(c) for c in result.pitfalls],
        "warnings": list(result.warnings),
        "versions": dict(result.versions),
    }
    return {key: _writable(value) for key, value in document.items()}


def compare_document(
    runs: tuple[str, str], comparisons: tuple[Comparison, ...], verdict: VerdictName, reason: str, warnings: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Two runs against each other (`runs` is baseline, candidate), as `pointsman compare --json` prints them."""
    return {
        "baseline_run": runs[0],
        "candidate_run": runs[1],
        "verdict": verdict,
        "verdict_reason": reason,
        "comparisons": [comparison_document(c) for c in comparisons],
        "warnings": list(warnings),
    }


def comparison_document(c: Comparison) -> dict[str, Any]:
    """One comparison; `needed` is there only where more cases would settle it, `pairs` only for quality."""
    document: dict[str, Any] = {
        "candidate": c.candidate,
        "baseline": c.baseline,
        "metric": c.metric,
        "difference": measured_json(c.difference),
        "p_value": c.p_value,
        "p_adjusted": c.p_adjusted,
        "margin": c.margin,
        "verdict": c.verdict,
        "reason": c.reason,
    }
    if c.needed is not None:
        document["needed"] = c.needed
    if c.metric == "quality":
        document["pairs"] = {
            "both": c.both,
            "only_candidate": c.only_candidate,
            "only_baseline": c.only_baseline,
            "neither": c.neither,
        }
    return document


def _writable(value: Any) -> Any:
    """The same with lone surrogates replaced: a file name that is not UTF-8 has them, and JSON cannot."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case dict():
            return {_writable(key): _writable(item) for key, item in value.items()}
        case list():
            return [_writable(item) for item in value]
        case _:
            return value


def _variant(v: VariantResult) -> dict[str, Any]:
    return {
        "hash": v.hash,
        "provider": v.provider,
        "model": v.model,
        "params": msgspec.to_builtins(v.params),
        "served_models": list(v.served_models),
        "trials": v.trials,
        "quality": measured_json(v.quality),
        "quality_if_missing": None if v.quality_if_missing is None else list(v.quality_if_missing),
        "outcomes": {o.value: v.outcomes.get(o, 0) for o in Outcome},
        "rates": {o.value: measured_json(m) for o, m in v.rates.items()},
        "error_rate": measured_json(v.error_rate),
        "latency_s": _quantiles(v.latency_s),
        "ttft_s": _quantiles(v.ttft_s),
        "cost_usd": _cost(v.cost),
        "tokens": {
            "input": v.input_tokens,
            "output": v.output_tokens,
            "reasoning": v.reasoning_tokens,
            "cache_read": v.cache_read_tokens,
        },
        "retries": v.retries,
        "slices": {s.tag: measured_json(s.quality) for s in v.slices},
    }


def _quantiles(q: Quantiles) -> dict[str, Any]:
    return {"p50": measured_json(q.p50), "p95": measured_json(q.p95), "curve": list(q.curve)}


def _cost(c: CostResult) -> dict[str, Any]:
    total: object = usd_text(c.total_usd) if c.total_usd is not None else {"unknown": "no price is known"}
    return {
        "total": total,
        "per_request": measured_json(c.per_request_usd),
        "per_correct": measured_json(c.per_correct_usd),
        "source": c.source,
        "checked_on": c.checked_on,
        "unpriced": c.unpriced,
        "estimated": c.estimated,
    }


def _criterion(c: CriterionResult) -> dict[str, Any]:
    document: dict[str, Any] = {
        "variant": c.variant,
        "criterion": c.criterion,
        "limit": c.limit,
        "measured": measured_json(c.measured),
        "verdict": c.verdict,
        "reason": c.reason,
    }
    if c.needed is not None:
        document["needed"] = c.needed
    return document


def _tests(t: TestSetInfo) -> dict[str, Any]:
    smallest = None if t.smallest_difference is None else measured_json(t.smallest_difference)
    return {
        "file": t.file,
        "hash": t.hash,
        "cases": t.cases,
        "clusters": t.clusters,
        "tags": dict(t.tags),
        "edge_cases": t.edge_cases,
        "smallest_difference": smallest,
    }


def _check(c: Check) -> dict[str, Any]:
    return {"item": c.item, "answer": c.answer, "why": c.why}
