"""From one variant's tally to its measured result. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pointsman.core.estimate import Measured, Unknown
from pointsman.core.variant import Variant
from pointsman.evals.facts import CaseFacts
from pointsman.evals.outcome import Outcome
from pointsman.evals.result import CostResult, Quantiles, Slice, VariantResult
from pointsman.evals.tally import Floats, Tally
from pointsman.stats.intervals import mean_interval, proportion_or_mean, ratio_of_sums
from pointsman.stats.quantiles import between_ranks, quantile

__all__ = ["measure", "quality_of"]

_RATED = (Outcome.BAD_FORMAT, Outcome.REFUSED, Outcome.TRUNCATED, Outcome.PROVIDER_ERROR, Outcome.TIMEOUT, Outcome.UNSCORED)
_CURVE = tuple(np.linspace(0, 1, 101).tolist())


def measure(name: str, variant: Variant, tally: Tally, facts: CaseFacts, level: float, seed: int) -> VariantResult:
    """Everything a report says about one variant."""
    return VariantResult(
        name=name,
        hash=variant.hash,
        provider=variant.provider,
        model=variant.model,
        params=variant.params,
        served_models=tuple(sorted(tally.served_models)),
        trials=int(tally.run.sum()),
        outcomes=tally.counts(),
        quality=quality_of(tally, facts, level, seed),
        quality_if_missing=_quality_bounds(tally),
        rates={o: _mean_of(tally.share(o), facts, level, seed, "no trials") for o in _RATED},
        error_rate=_mean_of(tally.share(Outcome.PROVIDER_ERROR, Outcome.TIMEOUT), facts, level, seed, "no trials"),
        latency_s=_quantiles(tally.latency_s, level, "no latency was measured"),
        ttft_s=_quantiles(tally.ttft_s, level, "answers were not streamed: set `stream: true` to measure the first token"),
        cost=_cost(tally, facts, level, seed),
        input_tokens=tally.tokens.get("input"),
        output_tokens=tally.tokens.get("output"),
        reasoning_tokens=tally.tokens.get("reasoning"),
        cache_read_tokens=tally.tokens.get("cache_read"),
        retries=tally.retries,
        slices=_slices(tally, facts, level, seed),
    )


def quality_of(tally: Tally, facts: CaseFacts, level: float, seed: int) -> Measured:
    """Mean score per case over the trials in which the model did something."""
    return _mean_of(tally.case_scores(), facts, level, seed, "no scored answers")


def _quality_bounds(tally: Tally) -> tuple[float, float] | None:
    if not tally.run.any():
        return None
    return float(np.nanmean(tally.case_scores_if(0.0))), float(np.nanmean(tally.case_scores_if(1.0)))


def _mean_of(per_case: Floats, facts: CaseFacts, level: float, seed: int, none_reason: str) -> Measured:
    known = ~np.isnan(per_case)
    if not known.any():
        return Unknown(none_reason)
    return proportion_or_mean(per_case[known], facts.clusters_of(known), level, seed=seed)


def _quantiles(values: Floats, level: float, none_reason: str) -> Quantiles:
    known = np.sort(values[~np.isnan(values)])
    if known.size == 0:
        return Quantiles(p50=Unknown(none_reason), p95=Unknown(none_reason))
    return Quantiles(
        p50=quantile(known, 0.5, level),
        p95=quantile(known, 0.95, level),
        curve=tuple(between_ranks(known, q) for q in _CURVE),
    )


def _cost(tally: Tally, facts: CaseFacts, level: float, seed: int) -> CostResult:
    per_case = tally.case_mean(tally.cost_usd)
    known = ~np.isnan(per_case)
    if not known.any():
        why = "the answers carry no token counts" if tally.without_usage else "no price is known: add `price:` to the variant"
        reason = Unknown(why)
        return CostResult(total_usd=None, per_request_usd=reason, per_correct_usd=reason, unpriced=tally.unpriced)
    correct = tally.correct_by_case()
    both = known & ~np.isnan(correct)
    trials = tally.run.sum(axis=1)
    return CostResult(
        total_usd=tally.total_usd,
        per_request_usd=mean_interval(per_case[known], level, clusters=facts.clusters_of(known), seed=seed),
        per_correct_usd=ratio_of_sums((per_case * trials)[both], correct[both], facts.clusters_of(both), level, seed=seed),
        source=", ".join(tally.price_sources) or None,
        checked_on=min((d for d in tally.price_sources.values() if d), default=None),
        unpriced=tally.unpriced,
        estimated=tally.estimated_usage,
    )


def _slices(tally: Tally, facts: CaseFacts, level: float, seed: int) -> tuple[Slice, ...]:
    scores = tally.case_scores()
    return tuple(Slice(tag=tag, quality=_slice(scores, chosen, facts, level, seed)) for tag, chosen in facts.tags.items())


def _slice(scores: Floats, chosen: npt.NDArray[np.bool_], facts: CaseFacts, level: float, seed: int) -> Measured:
    return _mean_of(np.where(chosen, scores, np.nan), facts, level, seed, "no scored answers with this tag")
