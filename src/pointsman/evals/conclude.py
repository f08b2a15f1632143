"""From tallies to the whole result of a run. Pure but for reading the answers it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from pointsman.core.chat import Text
from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.units import Usd
from pointsman.core.variant import Variant
from pointsman.core.verdict import VerdictName
from pointsman.evals.case import Case
from pointsman.evals.compare import compare_all, compare_quality
from pointsman.evals.criteria import judge_criteria
from pointsman.evals.dataset import Dataset
from pointsman.evals.facts import CaseFacts, facts_of
from pointsman.evals.measure import measure
from pointsman.evals.outcome import Outcome
from pointsman.evals.poc import Origin, PocFacts, checklist, pitfalls
from pointsman.evals.result import (
    Comparison,
    CriterionResult,
    Decision,
    Disagreement,
    RunResult,
    Shown,
    TestSetInfo,
    VariantResult,
)
from pointsman.evals.spec import CriterionSpec
from pointsman.evals.tally import Tally
from pointsman.evals.trial import Trial
from pointsman.stats.power import smallest_difference

__all__ = ["RunFacts", "conclude"]

_SHOWN_DISAGREEMENTS = 40


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run besides its trials."""

    run: str
    name: str
    started_s: float
    elapsed_s: float
    baseline: str | None
    repeats: int
    seed: int
    level: float
    budget_usd: Usd | None
    scorers: tuple[str, ...]
    criteria: Mapping[str, CriterionSpec]
    origin: Origin | None
    stopped_because: str | None
    versions: dict[str, str]
    warnings: tuple[str, ...] = ()


def conclude(
    run: RunFacts,
    variants: Mapping[str, Variant],
    tallies: Sequence[Tally],
    dataset: Dataset,
    read: Callable[[int], Trial],
) -> RunResult:
    """Measure, compare and judge. `read` gives the trial at an offset of the journal."""
    facts = facts_of(dataset)
    names = list(variants)
    measured = [measure(n, variants[n], t, facts, run.level, run.seed) for n, t in zip(names, tallies, strict=True)]
    comparisons = compare_all(names, tallies, run.baseline, run.criteria, facts, run.level, run.seed) if run.baseline else []
    criteria = [c for v in measured for c in judge_criteria(v, run.criteria)]
    decisions = _decisions(names, run, comparisons, criteria)
    verdict, reason = _overall(decisions)
    missing = sum(int(t.run.size - t.run.sum()) for t in tallies)
    visible = _visible_difference(facts)
    count, disagreements = _disagreements(names, tallies, dataset, read, run.seed)
    open_quality = any(c.metric == "quality" and c.verdict == "unknown" for c in comparisons)
    poc = _poc_facts(run, facts, dataset, measured, visible, verdict, reason, missing, quality_open=open_quality)
    return RunResult(
        run=run.run,
        name=run.name,
        started_s=run.started_s,
        elapsed_s=run.elapsed_s,
        tests=_tests(dataset, visible),
        baseline=run.baseline,
        repeats=run.repeats,
        seed=run.seed,
        level=run.level,
        budget_usd=run.budget_usd,
        scorers=run.scorers,
        finished=missing == 0,
        missing_trials=missing,
        stopped_because=run.stopped_because,
        variants=tuple(measured),
        comparisons=tuple(comparisons),
        criteria=tuple(criteria),
        verdict=verdict,
        verdict_reason=reason,
        decisions=decisions,
        tied_best=_tied_best(names, tallies, facts, run),
        disagreements=disagreements,
        disagreement_count=count,
        checklist=checklist(poc),
        pitfalls=pitfalls(poc),
        warnings=(*run.warnings, *_warnings(measured, dataset)),
        versions=run.versions,
    )


def _decisions(
    names: Sequence[str], run: RunFacts, comparisons: Sequence[Comparison], criteria: Sequence[CriterionResult]
) -> tuple[Decision, ...]:
    """Each candidate against every bound; without criteria, the question is whether its quality is better."""
    if not run.criteria and run.baseline is None:
        return ()
    return tuple(_decision(n, run, comparisons, criteria) for n in names if n != run.baseline)


def _decision(name: str, run: RunFacts, comparisons: Sequence[Comparison], criteria: Sequence[CriterionResult]) -> Decision:
    bounds: list[tuple[str, VerdictName]] = [
        (c.metric, c.verdict)
        for c in comparisons
        if c.candidate == name and (c.margin is not None or (c.metric == "quality" and not run.criteria))
    ]
    bounds += [(f"{c.criterion} {c.limit}", c.verdict) for c in criteria if c.variant == name]
    broken = tuple(bound for bound, verdict in bounds if verdict == "fail")
    still_open = tuple(bound for bound, verdict in bounds if verdict == "unknown")
    verdict: VerdictName = "fail" if broken else "unknown" if still_open or not bounds else "pass"
    return Decision(candidate=name, verdict=verdict, broken=broken, open=still_open)


def _overall(decisions: Sequence[Decision]) -> tuple[VerdictName, str]:
    """Pass if some candidate meets every bound, fail if every candidate breaks one, otherwise unknown."""
    if not decisions:
        return "unknown", "nothing was asked: name a baseline or set criteria"
    for wanted in ("pass", "unknown", "fail"):
        chosen = [d for d in decisions if d.verdict == wanted]
        if chosen:
            return chosen[0].verdict, "; ".join(_words(d) for d in chosen)
    return "unknown", "there is no candidate to judge"


def _words(decision: Decision) -> str:
    match decision.verdict:
        case "pass":
            return f"{decision.candidate}: every bound holds"
        case "fail":
            return f"{decision.candidate} breaks {', '.join(decision.broken)}"
        case "unknown":
            return f"{decision.candidate}: not settled: {', '.join(decision.open) or 'no bound applies to it'}"


def _tests(dataset: Dataset, visible: Measured) -> TestSetInfo:
    info = dataset.info
    return TestSetInfo(
        file=info.file,
        hash=info.hash,
        cases=info.cases,
        clusters=info.clusters,
        tags=info.tags,
        edge_cases=info.edge_cases,
        smallest_difference=visible,
    )


def _units(facts: CaseFacts) -> int:
    return facts.cases if facts.clusters is None else len(np.unique(facts.clusters))


def _visible_difference(facts: CaseFacts) -> Measured:
    return smallest_difference(_units(facts))


def _poc_facts(
    run: RunFacts,
    facts: CaseFacts,
    dataset: Dataset,
    measured: Sequence[VariantResult],
    visible: Measured,
    verdict: VerdictName,
    reason: str,
    missing: int,
    *,
    quality_open: bool,
) -> PocFacts:
    quality = run.criteria.get("quality")
    return PocFacts(
        cases=_units(facts),
        edge_cases=dataset.info.edge_cases,
        tags=len(dataset.info.tags),
        origin=run.origin,
        smallest_difference=visible if len(measured) > 1 else None,
        margin=quality.margin if quality else None,
        criteria=tuple(run.criteria),
        outcomes={v.name: v.outcomes for v in measured},
        baseline=run.baseline,
        repeats=run.repeats,
        elapsed_s=run.elapsed_s,
        measured_quality=sum(isinstance(v.quality, Estimate) for v in measured),
        measured_latency=sum(isinstance(v.latency_s.p95, Estimate) for v in measured),
        measured_cost=sum(isinstance(v.cost.per_request_usd, Estimate) for v in measured),
        served_models={v.name: v.served_models for v in measured},
        finished=missing == 0,
        missing_trials=missing,
        verdict=verdict,
        verdict_reason=reason,
        quality_open=quality_open,
    )


def _tied_best(names: Sequence[str], tallies: Sequence[Tally], facts: CaseFacts, run: RunFacts) -> tuple[str, ...]:
    """The best by value, and every other variant whose paired difference from it may be zero."""
    scores = [t.case_scores() for t in tallies]
    means = [float(np.nanmean(s)) if (~np.isnan(s)).any() else -np.inf for s in scores]
    if max(means, default=-np.inf) == -np.inf:
        return ()
    best = int(np.argmax(means))
    tied = [names[best]]
    for i, name in enumerate(names):
        if i == best or means[i] == -np.inf:
            continue
        quality = compare_quality(names[best], tallies[best], name, tallies[i], facts, None, run.level, run.seed)
        if isinstance(quality.difference, Unknown) or quality.difference.low <= 0.0:
            tied.append(name)
    return tuple(tied)


def _warnings(measured: Sequence[VariantResult], dataset: Dataset) -> tuple[str, ...]:
    found: list[str] = []
    if dataset.info.without_target:
        found.append(f"{dataset.info.without_target} of {len(dataset)} cases have no target, so they cannot be scored")
    if dataset.info.dropped_duplicates:
        found.append(f"{dataset.info.dropped_duplicates} duplicate cases were dropped")
    for v in measured:
        if v.cost.unpriced and v.cost.total_usd is not None:
            found.append(f"{v.name}: the cost of {v.cost.unpriced} answers is unknown or a floor")
        if v.cost.estimated:
            found.append(f"{v.name}: tokens of {v.cost.estimated} answers are estimated, because the provider reported none")
        if len(v.served_models) > 1:
            found.append(f"{v.name}: several models answered: {', '.join(v.served_models)}")
    return tuple(found)


def _disagreements(
    names: Sequence[str], tallies: Sequence[Tally], dataset: Dataset, read: Callable[[int], Trial], seed: int
) -> tuple[int, tuple[Disagreement, ...]]:
    """How many cases variants differ on in their first repeat, and a seeded sample of them to read."""
    if len(tallies) < 2 or len(dataset) == 0:
        return 0, ()
    first = np.stack([t.score[:, 0] for t in tallies])
    known = ~np.isnan(first).any(axis=0)
    differ = np.flatnonzero(known & (first.max(axis=0, initial=-np.inf) > first.min(axis=0, initial=np.inf)))
    dice = np.random.Generator(np.random.PCG64(seed))
    chosen = np.sort(dice.choice(differ, size=min(_SHOWN_DISAGREEMENTS, differ.size), replace=False)) if differ.size else differ
    return int(differ.size), tuple(_disagreement(int(i), names, tallies, dataset, read) for i in chosen)


def _disagreement(
    index: int, names: Sequence[str], tallies: Sequence[Tally], dataset: Dataset, read: Callable[[int], Trial]
) -> Disagreement:
    case = dataset[index]
    return Disagreement(
        case=case.id,
        input=_input_text(case),
        target=case.target if isinstance(case.target, str) else msgspec.json.encode(case.target).decode(),
        tags=case.tags,
        answers=tuple(_shown(n, read(int(t.offset[index, 0]))) for n, t in zip(names, tallies, strict=True)),
    )


def _shown(name: str, trial: Trial) -> Shown:
    output = trial.output or trial.refusal or ""
    if trial.tool_calls:
        output = "\n".join([output, *(f"{c.name}({c.arguments})" for c in trial.tool_calls)]).strip()
    return Shown(variant=name, outcome=Outcome(trial.outcome), output=output, read=trial.read, reason=trial.reason)


def _input_text(case: Case) -> str:
    if len(case.messages) == 1:
        return case.messages[0].text
    return "\n\n".join(f"{m.role}: {''.join(p.text for p in m.parts if isinstance(p, Text))}" for m in case.messages)
