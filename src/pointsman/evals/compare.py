"""A candidate against the baseline, pair by pair. Pure.

Quality is compared on the cases both answered, one pair per case (repeats are averaged first), and
judged for non-inferiority against the user's margin, or for superiority where no margin is set.
Latency and cost are compared as ratios. p-values are corrected over candidates by Holm's method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.verdict import Verdict, verdict_name
from pointsman.evals.facts import CaseFacts
from pointsman.evals.reasons import quality_reason, ratio_reason
from pointsman.evals.result import Comparison
from pointsman.evals.spec import CriterionSpec
from pointsman.evals.tally import Tally
from pointsman.stats.multiplicity import holm
from pointsman.stats.paired import paired_difference
from pointsman.stats.ratios import cost_ratio, latency_ratio
from pointsman.stats.verdicts import at_most, non_inferiority, superiority

__all__ = ["compare_all", "compare_cost", "compare_latency", "compare_quality"]


def compare_all(
    names: Sequence[str],
    tallies: Sequence[Tally],
    baseline: str,
    criteria: Mapping[str, CriterionSpec],
    facts: CaseFacts,
    level: float,
    seed: int,
) -> list[Comparison]:
    """Every other variant against the baseline: quality, then latency, then cost."""
    base = tallies[names.index(baseline)]
    found: list[Comparison] = []
    for metric, compare in (("quality", compare_quality), ("latency", compare_latency), ("cost", compare_cost)):
        margin = criteria[metric].margin if metric in criteria else None
        rows = [
            compare(name, tally, baseline, base, facts, margin, level, seed)
            for name, tally in zip(names, tallies, strict=True)
            if name != baseline
        ]
        found.extend(_corrected(rows))
    return found


def compare_quality(
    name: str, tally: Tally, baseline: str, base: Tally, facts: CaseFacts, margin: float | None, level: float, seed: int
) -> Comparison:
    """Candidate − baseline in mean score per case."""
    ours, theirs = tally.case_scores(), base.case_scores()
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    if not both.any():
        return _unmeasured(name, baseline, "quality", "no case has a scored answer of both", margin)
    paired = paired_difference(ours[both], theirs[both], facts.clusters_of(both), level, seed=seed)
    verdict = superiority(paired.difference) if margin is None else non_inferiority(paired.difference, margin)
    return Comparison(
        candidate=name,
        baseline=baseline,
        metric="quality",
        difference=paired.difference,
        p_value=paired.p_value,
        p_adjusted=None,
        margin=margin,
        verdict=verdict_name(verdict),
        reason=quality_reason(verdict, margin),
        needed=_needed(verdict),
        only_candidate=paired.a_only,
        only_baseline=paired.b_only,
        both=paired.both,
        neither=paired.neither,
    )


def compare_latency(
    name: str, tally: Tally, baseline: str, base: Tally, facts: CaseFacts, margin: float | None, level: float, seed: int
) -> Comparison:
    """Ratio of the median latencies, less 1, on the cases both have a latency for."""
    ours, theirs = tally.case_mean(tally.latency_s), base.case_mean(base.latency_s)
    both = (ours > 0.0) & (theirs > 0.0)  # NaN compares false; a time of 0 was not measured
    if not both.any():
        return _unmeasured(name, baseline, "latency", "no case has a latency of both", margin)
    ratio = latency_ratio(ours[both], theirs[both], 0.5, facts.clusters_of(both), level, seed=seed)
    return _ratio_comparison(name, baseline, "latency", ratio, margin)


def compare_cost(
    name: str, tally: Tally, baseline: str, base: Tally, facts: CaseFacts, margin: float | None, level: float, seed: int
) -> Comparison:
    """Ratio of the dollars spent, less 1, on the cases both have a cost for."""
    ours, theirs = tally.case_mean(tally.cost_usd), base.case_mean(base.cost_usd)
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    if not both.any():
        return _unmeasured(name, baseline, "cost", "no case has a cost of both", margin)
    ratio = cost_ratio(ours[both], theirs[both], facts.clusters_of(both), level, seed=seed)
    return _ratio_comparison(name, baseline, "cost", ratio, margin)


def _ratio_comparison(name: str, baseline: str, metric: str, ratio: Measured, margin: float | None) -> Comparison:
    """A ratio shown as what it is above 1: +0.2 is a fifth more."""
    change: Measured = ratio
    if isinstance(ratio, Estimate):
        change = msgspec.structs.replace(ratio, value=ratio.value - 1.0, low=ratio.low - 1.0, high=ratio.high - 1.0)
    verdict = at_most(change, margin or 0.0)
    return Comparison(
        candidate=name,
        baseline=baseline,
        metric=metric,
        difference=change,
        p_value=None,
        p_adjusted=None,
        margin=margin,
        verdict=verdict_name(verdict),
        reason=ratio_reason(verdict, metric, margin),
        needed=_needed(verdict),
    )


def _corrected(rows: Sequence[Comparison]) -> list[Comparison]:
    tested = [r for r in rows if r.p_value is not None]
    if len(tested) < 2:  # one test is its own correction
        return list(rows)
    adjusted = iter(holm([r.p_value for r in tested if r.p_value is not None]))
    return [msgspec.structs.replace(r, p_adjusted=next(adjusted)) if r.p_value is not None else r for r in rows]


def _unmeasured(name: str, baseline: str, metric: str, why: str, margin: float | None) -> Comparison:
    return Comparison(
        candidate=name,
        baseline=baseline,
        metric=metric,
        difference=Unknown(why),
        p_value=None,
        p_adjusted=None,
        margin=margin,
        verdict="unknown",
        reason=why,
    )


def _needed(verdict: Verdict) -> int | None:
    return verdict.needed if isinstance(verdict, Unknown) else None
