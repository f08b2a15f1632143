"""The bounds a user may set, by name: what each one measures and how its limit reads."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping

import msgspec

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.failure import ConfigError
from pointsman.core.verdict import verdict_name
from pointsman.evals.outcome import Outcome
from pointsman.evals.reasons import bound_reason
from pointsman.evals.result import CriterionResult, VariantResult
from pointsman.evals.spec import CriterionSpec
from pointsman.stats.quantiles import needed_for_bound
from pointsman.stats.verdicts import at_least, at_most

__all__ = ["COMPARED", "CRITERIA", "check_criteria", "judge_criteria", "streams"]


class _Criterion(msgspec.Struct, frozen=True):
    measured: Callable[[VariantResult], Measured]
    unit: str
    """`share`, `s` or `usd`."""


CRITERIA: Mapping[str, _Criterion] = {
    "quality": _Criterion(lambda v: v.quality, "share"),
    "latency_p50_s": _Criterion(lambda v: v.latency_s.p50, "s"),
    "latency_p95_s": _Criterion(lambda v: v.latency_s.p95, "s"),
    "ttft_p50_s": _Criterion(lambda v: v.ttft_s.p50, "s"),
    "ttft_p95_s": _Criterion(lambda v: v.ttft_s.p95, "s"),
    "cost_per_request_usd": _Criterion(lambda v: v.cost.per_request_usd, "usd"),
    "cost_per_correct_usd": _Criterion(lambda v: v.cost.per_correct_usd, "usd"),
    "error_rate": _Criterion(lambda v: v.error_rate, "share"),
    "refusal_rate": _Criterion(lambda v: v.rates[Outcome.REFUSED], "share"),
    "truncation_rate": _Criterion(lambda v: v.rates[Outcome.TRUNCATED], "share"),
    "bad_format_rate": _Criterion(lambda v: v.rates[Outcome.BAD_FORMAT], "share"),
}
"""Absolute bounds, with `min` or `max`."""

COMPARED = ("quality", "latency", "cost")
"""Bounds against the baseline, with `margin`: for quality in share of cases, for the others as a ratio."""


def streams(criteria: Mapping[str, CriterionSpec]) -> bool:
    """Whether a criterion needs the first-token time, which only a streamed answer has."""
    return any(name.startswith("ttft") for name in criteria)


def check_criteria(criteria: Mapping[str, CriterionSpec], *, file: str, baseline: str | None) -> None:
    """Refuse what cannot be judged, before anything is spent. Raises `ConfigError`."""
    known = sorted({*CRITERIA, *COMPARED})
    for name, spec in criteria.items():
        problem = _problem(name, spec, known, baseline)
        if problem is not None:
            raise ConfigError(problem[0], file=file, key=f"criteria.{name}", hint=problem[1])


def _problem(name: str, spec: CriterionSpec, known: list[str], baseline: str | None) -> tuple[str, str] | None:
    """What is wrong and what to do, or None."""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = (f"did you mean `{near[0]}`? " if near else "") + f"known criteria: {', '.join(known)}"
        return "there is no such criterion", hint
    bounded = spec.max is not None or spec.min is not None
    if not bounded and spec.margin is None:
        return "sets no bound", "add `max`, `min` or `margin`"
    if spec.margin is not None and name not in COMPARED:
        return "takes no margin", f"a margin goes with {', '.join(COMPARED)}; use `max` or `min` here"
    if bounded and name not in CRITERIA:
        return "takes a margin only", f"for an absolute bound use one of {', '.join(CRITERIA)}"
    if spec.margin is not None and baseline is None:
        return "a margin needs something to compare with", "name the variant in service under `baseline:`"
    if spec.max is not None and spec.min is not None and spec.min > spec.max:
        return "min is above max, so nothing could pass", "swap them"
    return None


def judge_criteria(variant: VariantResult, criteria: Mapping[str, CriterionSpec]) -> list[CriterionResult]:
    """Every absolute bound, judged for one variant."""
    results: list[CriterionResult] = []
    for name, spec in criteria.items():
        for bound, limit in (("max", spec.max), ("min", spec.min)):
            if limit is not None:
                results.append(_judge(variant, name, bound, limit))
    return results


def _judge(variant: VariantResult, name: str, bound: str, limit: float) -> CriterionResult:
    criterion = CRITERIA[name]
    measured = criterion.measured(variant)
    if bound == "max":
        verdict = at_most(measured, limit, needed=_needed_for_a_bound(name, measured))
    else:
        verdict = at_least(measured, limit)
    return CriterionResult(
        variant=variant.name,
        criterion=name,
        limit=f"{'≤' if bound == 'max' else '≥'} {_limit_text(limit, criterion.unit)}",
        measured=measured,
        verdict=verdict_name(verdict),
        reason=bound_reason(verdict),
        needed=verdict.needed if isinstance(verdict, Unknown) else None,
    )


def _needed_for_a_bound(name: str, measured: Measured) -> int | None:
    """Further answers until a percentile has any upper bound at all; None if it has one, or is no percentile."""
    if not (isinstance(measured, Estimate) and measured.high == math.inf and (quantile := _QUANTILES.get(name[-6:-2]))):
        return None
    return max(1, needed_for_bound(quantile, measured.level) - measured.n)


_QUANTILES = {"_p50": 0.5, "_p95": 0.95}


def _limit_text(limit: float, unit: str) -> str:
    match unit:
        case "share":
            return f"{limit * 100:g} %"
        case "usd":
            return f"${limit:g}"
        case _:
            return f"{limit:g} s"
