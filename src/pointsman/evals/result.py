"""What a run found: everything a report says, with every number's interval and n."""

from __future__ import annotations

import msgspec

from pointsman.core.estimate import Measured
from pointsman.core.units import Usd
from pointsman.core.verdict import VerdictName
from pointsman.evals.outcome import Outcome

__all__ = [
    "Check",
    "Comparison",
    "CostResult",
    "CriterionResult",
    "Decision",
    "Disagreement",
    "Quantiles",
    "RunResult",
    "Shown",
    "Slice",
    "TestSetInfo",
    "VariantResult",
]


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution of seconds over the trials that answered, without cached ones."""

    p50: Measured
    p95: Measured
    curve: tuple[float, ...] = ()
    """The 0th, 1st, … 100th percentile as seen, for drawing; empty if nothing was measured."""


class CostResult(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars, as far as prices and usage are known."""

    total_usd: Usd | None
    """Exact sum over all attempts; None if no price is known."""
    per_request_usd: Measured
    """Mean over requests, in dollars."""
    per_correct_usd: Measured
    """Total over correct answers: what a right answer costs."""
    source: str | None = None
    """Where the prices come from; None if there are none."""
    checked_on: str | None = None
    unpriced: int = 0
    """Answered requests whose cost is unknown or a floor."""
    estimated: int = 0
    """Answered requests whose token counts we estimated because the provider reported none."""


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Quality on the cases with one tag."""

    tag: str
    quality: Measured


class VariantResult(msgspec.Struct, frozen=True, kw_only=True):
    """One variant, measured."""

    name: str
    hash: str
    provider: str
    model: str
    params: dict[str, object]
    served_models: tuple[str, ...]
    """Every model name the provider said had answered."""
    trials: int
    outcomes: dict[Outcome, int]
    """Count of trials by outcome; the counts add up to `trials`."""
    quality: Measured
    """Mean score per case over the trials in which the model did something (see `outcome.MODEL_OUTCOMES`)."""
    quality_if_missing: tuple[float, float] | None
    """Quality if every error, timeout and unscored trial had been wrong, and if right; None without trials."""
    rates: dict[Outcome, Measured]
    """Share of all trials, for each outcome that is not simply right or wrong."""
    error_rate: Measured
    """Provider errors and timeouts over all trials."""
    latency_s: Quantiles
    ttft_s: Quantiles
    cost: CostResult
    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cache_read_tokens: int | None
    retries: int
    slices: tuple[Slice, ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate against the baseline on the cases both answered, pair by pair."""

    candidate: str
    baseline: str
    metric: str
    """`quality`, `latency`, `cost`."""
    difference: Measured
    """Candidate − baseline in the metric's unit; for latency and cost the ratio minus 1."""
    p_value: float | None
    """Two-sided, of no difference; None if the test cannot be made."""
    p_adjusted: float | None
    """The same after Holm's correction over all candidates."""
    margin: float | None
    verdict: VerdictName
    reason: str
    """The verdict in words."""
    needed: int | None = None
    """How many more cases would settle an `unknown`."""
    only_candidate: int = 0
    """Cases only the candidate got right."""
    only_baseline: int = 0
    both: int = 0
    neither: int = 0


class CriterionResult(msgspec.Struct, frozen=True, kw_only=True):
    """One bound the user set, for one variant."""

    variant: str
    criterion: str
    """Its key in `eval.yaml`, such as `latency_p95_s`."""
    limit: str
    """In words, such as `≤ 2 s`."""
    measured: Measured
    verdict: VerdictName
    reason: str
    needed: int | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one candidate, over every bound that applies to it."""

    candidate: str
    verdict: VerdictName
    broken: tuple[str, ...]
    """Bounds the evidence says it breaks, such as `quality` or `latency_p95_s ≤ 3 s`."""
    open: tuple[str, ...]
    """Bounds the evidence does not settle."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What one variant said to one case."""

    variant: str
    outcome: Outcome
    output: str
    read: str | None
    reason: str | None


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """A case on which variants differ, to read side by side."""

    case: str
    input: str
    target: str
    tags: tuple[str, ...]
    answers: tuple[Shown, ...]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the proof-of-concept checklist or of its pitfalls, answered from the run."""

    item: str
    answer: VerdictName
    why: str
    """The figure or fact behind the answer."""


class TestSetInfo(msgspec.Struct, frozen=True, kw_only=True):
    file: str
    hash: str
    """Content hash of all cases, in order."""
    cases: int
    clusters: int | None
    """Number of clusters; None if the set has none, so that each case stands alone."""
    tags: dict[str, int]
    edge_cases: int
    smallest_difference: Measured | None
    """The smallest difference in quality the set can see with 80 % power at 5 % significance, in share of cases."""


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run, ready to be shown."""

    run: str
    name: str
    started_s: float
    """Wall clock, Unix seconds."""
    elapsed_s: float
    """Time at work, over all its resumptions."""
    tests: TestSetInfo
    baseline: str | None
    repeats: int
    seed: int
    level: float
    budget_usd: Usd | None
    scorers: tuple[str, ...]
    finished: bool
    """False if trials are missing: stopped, out of budget, or killed."""
    missing_trials: int
    stopped_because: str | None
    variants: tuple[VariantResult, ...]
    comparisons: tuple[Comparison, ...]
    criteria: tuple[CriterionResult, ...]
    verdict: VerdictName
    verdict_reason: str
    decisions: tuple[Decision, ...] = ()
    """One per candidate; empty if nothing was asked."""
    tied_best: tuple[str, ...]
    """Variants that nothing in this run tells apart from the best."""
    disagreements: tuple[Disagreement, ...]
    """A bounded sample, seeded; `disagreement_count` says of how many."""
    disagreement_count: int
    checklist: tuple[Check, ...]
    pitfalls: tuple[Check, ...]
    warnings: tuple[str, ...]
    versions: dict[str, str]
