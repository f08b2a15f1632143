"""Run results to show: a rich one, an empty one, a lone variant, a crowd, and one made of nasty strings."""

from __future__ import annotations

import math
from decimal import Decimal

import msgspec

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.verdict import VerdictName
from pointsman.evals.outcome import Outcome
from pointsman.evals.poc import PocFacts, checklist, pitfalls
from pointsman.evals.result import (
    Comparison,
    CostResult,
    CriterionResult,
    Disagreement,
    Quantiles,
    RunResult,
    Shown,
    Slice,
    TestSetInfo,
    VariantResult,
)

NASTY = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "' onmouseover='alert(3)",
    "]]><svg/onload=alert(4)>",
    "a|b`c`*d*_e_[f](javascript:alert(5))",
    "\x1b[31mred\x1b[0m\x00\u202eevil\ud800",
    "[bold red]markup[/]",
    "@everyone fixes #1 &lt;b&gt;",
)


def share(value: float, n: int, *, method: str = "wilson") -> Estimate:
    """A share with its Wilson interval."""
    z = 1.959964
    centre = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    return Estimate(value=value, low=max(0.0, centre - half), high=min(1.0, centre + half), n=n, method=method)


def spread(value: float, relative: float, n: int, *, method: str = "order-statistics", open_above: bool = False) -> Estimate:
    """A value with an interval of so many per cent to each side."""
    high = math.inf if open_above else value * (1 + relative)
    return Estimate(value=value, low=value * (1 - relative), high=high, n=n, method=method)


def quantiles(median_s: float, n: int, sigma: float = 0.45) -> Quantiles:
    """Log-normal latencies."""
    curve = tuple(median_s * math.exp(sigma * _probit(min(max(i / 100, 0.002), 0.998))) for i in range(101))
    return Quantiles(
        p50=spread(curve[50], 0.04, n), p95=spread(curve[95], 0.12, n, open_above=n < 59), curve=tuple(round(c, 4) for c in curve)
    )


def unmeasured(reason: str) -> Quantiles:
    return Quantiles(p50=Unknown(reason), p95=Unknown(reason))


def cost(per_request: float | None, n: int, correct: float = 0.8) -> CostResult:
    """Costs with a price source, or unknown."""
    if per_request is None:
        unknown = Unknown("no price is known for this model")
        return CostResult(total_usd=None, per_request_usd=unknown, per_correct_usd=unknown, unpriced=n)
    return CostResult(
        total_usd=Decimal(str(per_request)) * n,
        per_request_usd=spread(per_request, 0.03, n, method="t"),
        per_correct_usd=spread(per_request / correct, 0.05, n, method="bootstrap"),
        source="catalog/providers/openai.toml",
        checked_on="2026-11-01",
        estimated=3,
    )


def variant(name: str, quality: float, n: int = 1319, **changes: object) -> VariantResult:
    """A measured variant; the wrong answers are spread over every way of being wrong."""
    errors, timeouts, unscored = round(n * 0.006), round(n * 0.003), round(n * 0.004)
    inside = n - errors - timeouts - unscored
    right = round(inside * quality)
    lost = inside - right
    outcomes = {
        Outcome.CORRECT: right,
        Outcome.BAD_FORMAT: round(lost * 0.1),
        Outcome.REFUSED: round(lost * 0.04),
        Outcome.TRUNCATED: round(lost * 0.08),
        Outcome.PROVIDER_ERROR: errors,
        Outcome.TIMEOUT: timeouts,
        Outcome.UNSCORED: unscored,
    }
    outcomes[Outcome.WRONG] = n - sum(outcomes.values())
    made = VariantResult(
        name=name,
        hash="3f1c9a7be2d04415",
        provider="replay",
        model=f"maker/{name}",
        params={"temperature": 0},
        served_models=(f"{name}-2026-08-06",),
        trials=n,
        outcomes=outcomes,
        quality=share(quality, inside),
        quality_if_missing=(right / n, (right + n - inside) / n),
        rates={o: share(outcomes[o] / n, n) for o in Outcome if o not in (Outcome.CORRECT, Outcome.WRONG)},
        error_rate=share((errors + timeouts) / n, n),
        latency_s=quantiles(1.4, n),
        ttft_s=quantiles(0.32, n),
        cost=cost(0.00415, n, quality),
        input_tokens=n * 180,
        output_tokens=n * 220,
        reasoning_tokens=None,
        cache_read_tokens=0,
        retries=7,
        slices=(),
    )
    return msgspec.structs.replace(made, **changes)


def comparison(candidate: str, baseline: str, points: float, n: int = 1302, **changes: object) -> Comparison:
    """A paired difference in quality, in percentage points."""
    half = 0.028 * math.sqrt(1302 / n)
    d = points / 100
    verdict: VerdictName = "pass" if d - half > -0.02 else "fail" if d + half < -0.02 else "unknown"
    made = Comparison(
        candidate=candidate,
        baseline=baseline,
        metric="quality",
        difference=Estimate(value=d, low=d - half, high=d + half, n=n, method="newcombe-paired"),
        p_value=0.00001 if abs(d) > half else 0.41,
        p_adjusted=0.00003 if abs(d) > half else 0.82,
        margin=0.02,
        verdict=verdict,
        reason={
            "pass": "every loss the evidence allows is within the margin of 2 points",
            "fail": "every difference the evidence allows is a loss of more than 2 points",
            "unknown": "a loss of more than 2 points is neither shown nor ruled out",
        }[verdict],
        needed=1240 if verdict == "unknown" else None,
        only_candidate=max(0, round(n * (0.08 + d / 2))),
        only_baseline=max(0, round(n * (0.08 - d / 2))),
        both=round(n * 0.6),
        neither=round(n * 0.2),
    )
    return msgspec.structs.replace(made, **changes)


def change(candidate: str, baseline: str, metric: str, ratio: float, verdict: VerdictName, n: int = 1302) -> Comparison:
    """A change of latency or cost, as a ratio minus 1."""
    return Comparison(
        candidate=candidate,
        baseline=baseline,
        metric=metric,
        difference=Estimate(value=ratio, low=ratio - 0.06, high=ratio + 0.07, n=n, method="paired-log-ratio"),
        p_value=0.0004,
        p_adjusted=0.0008,
        margin=0.2,
        verdict=verdict,
        reason="against a margin of 20 %",
    )


def criterion(name: str, key: str, limit: str, m: Measured, verdict: VerdictName, reason: str = "") -> CriterionResult:
    needed = m.needed if isinstance(m, Unknown) else None
    return CriterionResult(
        variant=name,
        criterion=key,
        limit=limit,
        measured=m,
        verdict=verdict,
        reason=reason or f"{verdict} at 95 %",
        needed=needed,
    )


def disagreement(case: str, answers: tuple[tuple[str, Outcome, str, str | None], ...], **changes: object) -> Disagreement:
    made = Disagreement(
        case=case,
        input="Janet’s ducks lay 16 eggs per day. She eats three for breakfast every morning and bakes muffins for her "
        "friends every day with four. She sells the remainder at the market for $2 per egg. How much does she make?",
        target="18",
        tags=("arithmetic", "money"),
        answers=tuple(Shown(variant=v, outcome=o, output=text, read=read, reason=None) for v, o, text, read in answers),
    )
    return msgspec.structs.replace(made, **changes)


def run(variants: tuple[VariantResult, ...], comparisons: tuple[Comparison, ...] = (), **changes: object) -> RunResult:
    """A run around variants, its checklist answered as the engine would."""
    made = RunResult(
        run="20261123-140501-7f3a",
        name="gsm8k",
        started_s=1795442701.0,
        elapsed_s=734.2,
        tests=TestSetInfo(
            file="test.jsonl",
            hash="9b1d6f0ac3e25577",
            cases=1319,
            clusters=None,
            tags={"arithmetic": 1010, "money": 420, "time": 96},
            edge_cases=24,
            smallest_difference=spread(0.031, 0.2, 1319, method="connor"),
        ),
        baseline=variants[0].name if comparisons else None,
        repeats=1,
        seed=7,
        level=0.95,
        budget_usd=Decimal(5),
        scorers=("numeric",),
        finished=True,
        missing_trials=0,
        stopped_because=None,
        variants=variants,
        comparisons=comparisons,
        criteria=(),
        verdict="unknown",
        verdict_reason="",
        tied_best=(),
        disagreements=(),
        disagreement_count=0,
        checklist=(),
        pitfalls=(),
        warnings=(),
        versions={"pointsman": "0.1.0", "python": "3.11.7"},
    )
    changed = msgspec.structs.replace(made, **changes)
    known = facts(changed)
    return msgspec.structs.replace(changed, checklist=checklist(known), pitfalls=pitfalls(known))


def facts(result: RunResult, **changes: object) -> PocFacts:
    """What the checklist asks, read from a result."""
    made = PocFacts(
        cases=result.tests.cases,
        edge_cases=result.tests.edge_cases,
        tags=len(result.tests.tags),
        origin=None,
        smallest_difference=result.tests.smallest_difference,
        margin=0.02,
        criteria=tuple(dict.fromkeys(c.criterion for c in result.criteria)),
        outcomes={v.name: v.outcomes for v in result.variants},
        baseline=result.baseline,
        repeats=result.repeats,
        elapsed_s=result.elapsed_s,
        measured_quality=sum(isinstance(v.quality, Estimate) for v in result.variants),
        measured_latency=sum(isinstance(v.latency_s.p95, Estimate) for v in result.variants),
        measured_cost=sum(isinstance(v.cost.per_request_usd, Estimate) for v in result.variants),
        served_models={v.name: v.served_models for v in result.variants},
        finished=result.finished,
        missing_trials=result.missing_trials,
        verdict=result.verdict,
        verdict_reason=result.verdict_reason,
    )
    return msgspec.structs.replace(made, **changes)


def rich_run() -> RunResult:
    """Three variants, one without a price, everything measured, all three verdicts."""
    slices = {"arithmetic": 1010, "money": 420, "time": 96}
    base = variant(
        "mixtral",
        0.636,
        latency_s=quantiles(0.9, 1319),
        cost=cost(0.00031, 1319, 0.63),
        slices=tuple(Slice(tag=t, quality=share(0.62, n)) for t, n in slices.items()),
    )
    strong = variant("gpt4", 0.888, slices=tuple(Slice(tag=t, quality=share(0.88, n)) for t, n in slices.items()))
    local = variant(
        "llama-local",
        0.629,
        latency_s=quantiles(2.6, 1319, 0.9),
        ttft_s=unmeasured("not streamed"),
        cost=cost(None, 1319),
        slices=(
            *(Slice(tag=t, quality=share(0.6, n)) for t, n in list(slices.items())[:2]),
            Slice(tag="time", quality=Unknown("no scored answer")),
        ),
    )
    comparisons = (
        comparison("gpt4", "mixtral", 25.2),
        change("gpt4", "mixtral", "latency", 0.55, "fail"),
        change("gpt4", "mixtral", "cost", 12.4, "fail"),
        comparison("llama-local", "mixtral", -0.7),
        change("llama-local", "mixtral", "latency", 1.9, "fail"),
        Comparison(
            candidate="llama-local",
            baseline="mixtral",
            metric="cost",
            difference=Unknown("llama-local has no known price"),
            p_value=None,
            p_adjusted=None,
            margin=None,
            verdict="unknown",
            reason="llama-local has no known price",
        ),
    )
    criteria = (
        criterion("mixtral", "latency_p95_s", "≤ 2 s", base.latency_s.p95, "pass"),
        criterion("mixtral", "cost_per_request_usd", "≤ $0.01", base.cost.per_request_usd, "pass"),
        criterion("gpt4", "quality", "no more than 2 points below mixtral", comparisons[0].difference, "pass"),
        criterion("gpt4", "latency_p95_s", "≤ 2 s", strong.latency_s.p95, "fail"),
        criterion("gpt4", "cost_per_request_usd", "≤ $0.01", strong.cost.per_request_usd, "pass"),
        criterion("llama-local", "quality", "no more than 2 points below mixtral", comparisons[3].difference, "unknown"),
        criterion("llama-local", "cost_per_request_usd", "≤ $0.01", local.cost.per_request_usd, "unknown"),
    )
    long = "Let us think step by step. " * 60
    return run(
        (base, strong, local),
        comparisons,
        criteria=criteria,
        verdict="fail",
        verdict_reason="gpt4 breaks latency_p95_s ≤ 2 s: 2.94 s",
        disagreement_count=412,
        disagreements=(
            disagreement(
                "test-17",
                (
                    ("mixtral", Outcome.WRONG, "She has 16 − 3 = 13 eggs left, so she makes 13 × $2 = $26.", "26"),
                    ("gpt4", Outcome.CORRECT, f"{long}\n16 − 3 − 4 = 9 eggs; 9 × $2 = $18.\nThe answer is 18.", "18"),
                    ("llama-local", Outcome.TRUNCATED, "", None),
                ),
            ),
            disagreement(
                "test-90",
                (
                    ("mixtral", Outcome.CORRECT, "The answer is 18", "18"),
                    ("gpt4", Outcome.REFUSED, "I am sorry, but I cannot help with that.", None),
                    ("llama-local", Outcome.BAD_FORMAT, "eighteen", None),
                ),
            ),
        ),
        warnings=("llama-local: 12 % of answers were cut off by the output limit of 256 tokens",),
    )


def lone_run() -> RunResult:
    """One variant, no baseline, no criteria."""
    only = variant("solo", 0.93, n=60, ttft_s=unmeasured("not streamed"))
    tests = msgspec.structs.replace(rich_run().tests, cases=60, tags={}, edge_cases=0, smallest_difference=None)
    return run((only,), tests=tests)


def empty_run() -> RunResult:
    """Stopped before the first trial: n = 0 everywhere, so nothing is known."""
    none = Unknown("no trial has finished")
    nothing = CostResult(total_usd=None, per_request_usd=none, per_correct_usd=none)
    blank = variant("mixtral", 0.5)
    blank = msgspec.structs.replace(
        blank,
        trials=0,
        outcomes={},
        quality=none,
        quality_if_missing=None,
        rates={},
        error_rate=none,
        latency_s=unmeasured("no trial has finished"),
        ttft_s=unmeasured("no trial has finished"),
        cost=nothing,
        served_models=(),
        input_tokens=None,
        output_tokens=None,
    )
    open_question = comparison(
        "gpt4", "mixtral", 0.0, difference=none, p_value=None, p_adjusted=None, verdict="unknown", reason=none.reason
    )
    open_question = msgspec.structs.replace(open_question, only_candidate=0, only_baseline=0, both=0, neither=0)
    return run(
        (blank, msgspec.structs.replace(blank, name="gpt4")),
        (open_question,),
        finished=False,
        missing_trials=2638,
        stopped_because="interrupted",
        verdict_reason="no trial has finished",
    )


def crowd_run() -> RunResult:
    """Twelve variants and forty tags."""
    tags = {f"topic-{i:02}": 600 // (i + 1) + 5 for i in range(40)}
    names = ["incumbent", *(f"maker-{c}/model-{c}-{7 * i}b-instruct" for i, c in enumerate("bcdefghijkl", start=1))]
    variants = tuple(
        variant(
            name,
            0.6 + 0.03 * i,
            latency_s=quantiles(0.3 * 1.3**i, 1319, 0.3 + 0.05 * i),
            cost=cost(None if i == 4 else 0.00002 * 2.3**i, 1319, 0.6 + 0.03 * i),
            slices=tuple(
                Slice(tag=t, quality=share(min(0.99, 0.55 + 0.03 * i + 0.01 * (j % 7)), n))
                for j, (t, n) in enumerate(tags.items())
            ),
        )
        for i, name in enumerate(names)
    )
    comparisons = tuple(comparison(v.name, "incumbent", 3 * i) for i, v in enumerate(variants) if i)
    tests = msgspec.structs.replace(rich_run().tests, tags=tags)
    sample = tuple(
        disagreement(
            f"case-{k}",
            tuple(
                (v.name, Outcome.CORRECT if (k + i) % 3 else Outcome.WRONG, f"Working… {'so on and so forth, ' * 12} 18", "18")
                for i, v in enumerate(variants)
            ),
        )
        for k in range(30)
    )
    return run(
        variants,
        comparisons,
        tests=tests,
        tied_best=(variants[-1].name, variants[-2].name),
        disagreements=sample,
        disagreement_count=700,
        verdict="pass",
        verdict_reason="every candidate holds the margin of 2 points",
    )


def nasty_run() -> RunResult:
    """Every string a stranger could have written is hostile."""
    names = NASTY[:4]
    variants = tuple(
        variant(
            name,
            0.5 + 0.1 * i,
            model=NASTY[(i + 1) % len(NASTY)],
            provider=NASTY[(i + 2) % len(NASTY)],
            served_models=(NASTY[(i + 3) % len(NASTY)],),
            params={NASTY[0]: NASTY[1]},
            hash=NASTY[i],
            slices=tuple(Slice(tag=t, quality=share(0.5, 50)) for t in NASTY[:6]),
            ttft_s=unmeasured(NASTY[i]),
            cost=msgspec.structs.replace(cost(0.001 * (i + 1), 100), source=NASTY[i], checked_on=NASTY[5]),
        )
        for i, name in enumerate(names)
    )
    comparisons = tuple(comparison(n, names[0], 5, reason=NASTY[4]) for n in names[1:])
    criteria = tuple(
        criterion(n, NASTY[(i + 4) % 8], NASTY[(i + 5) % 8], Unknown(NASTY[6]), "unknown", NASTY[7]) for i, n in enumerate(names)
    )
    sample = tuple(
        disagreement(
            bad,
            tuple((n, Outcome.CORRECT if i else Outcome.WRONG, f"{bad} {NASTY[0]} {bad}", bad) for i, n in enumerate(names)),
            input=bad,
            target=bad,
            tags=(bad,),
        )
        for bad in NASTY
    )
    tests = TestSetInfo(
        file=NASTY[0], hash=NASTY[1], cases=50, clusters=3, tags=dict.fromkeys(NASTY, 9), edge_cases=0, smallest_difference=None
    )
    return run(
        variants,
        comparisons,
        run=NASTY[1],
        name=NASTY[0],
        tests=tests,
        criteria=criteria,
        disagreements=sample,
        disagreement_count=8,
        warnings=NASTY,
        versions=dict(zip(NASTY, NASTY, strict=True)),
        stopped_because=NASTY[2],
        finished=False,
        verdict_reason=NASTY[3],
        tied_best=names,
        scorers=NASTY[:2],
    )


RUNS = {"rich": rich_run, "empty": empty_run, "lone": lone_run, "crowd": crowd_run, "nasty": nasty_run}
"""Every result, by name, made on demand."""


def _probit(p: float) -> float:
    """Normal quantile, good to 5 · 10⁻⁴ (Abramowitz and Stegun 26.2.23): enough to draw a curve."""
    q = min(p, 1 - p)
    t = math.sqrt(-2 * math.log(q))
    x = t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t**3)
    return x if p > 0.5 else -x
