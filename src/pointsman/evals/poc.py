"""The guide's proof-of-concept checklist and pitfalls, answered from what a run did."""

from __future__ import annotations

from typing import Literal

import msgspec

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.verdict import VerdictName
from pointsman.evals.outcome import Outcome
from pointsman.evals.result import Check

__all__ = ["ENOUGH_CASES", "Origin", "PocFacts", "checklist", "pitfalls"]

Origin = Literal["production", "curated", "synthetic"]
"""Where the cases come from, as the user declares it; a run cannot see it."""

ENOUGH_CASES = 100
"""The guide's least size of a test set."""
NOTABLE_SHARE = 0.01
"""Above this share of a variant's trials, an outcome can move its quality by a point."""
HOURS_OF_A_DAY = 6
"""A run spread over fewer hours has seen one time of day."""


class PocFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a run knows about itself that the checklist asks."""

    cases: int
    """Independent units of the test set: clusters where it has them."""
    edge_cases: int
    """Cases the user marked as edge cases or known failures."""
    tags: int
    """Different tags: how many kinds of case the set tells apart."""
    origin: Origin | None
    """None if the user did not say."""
    smallest_difference: Measured | None
    """Smallest difference in quality the set can see, as a share; None with nothing to compare."""
    margin: float | None
    """The margin of quality the user set, as a share; None if there is none."""
    criteria: tuple[str, ...]
    """Keys of the bounds the user set."""
    outcomes: dict[str, dict[Outcome, int]]
    """Trials by outcome, for each variant."""
    baseline: str | None
    repeats: int
    elapsed_s: float
    measured_quality: int
    """Variants whose quality is known."""
    measured_latency: int
    """Variants whose p95 of latency is known."""
    measured_cost: int
    """Variants whose cost per request is known."""
    served_models: dict[str, tuple[str, ...]]
    """The names under which each variant's provider says it answered."""
    finished: bool
    missing_trials: int
    verdict: VerdictName
    verdict_reason: str
    quality_open: bool | None = None
    """Whether a comparison of quality is still undecided; None takes the run's verdict for it."""


def checklist(facts: PocFacts) -> tuple[Check, ...]:
    """The guide's seven lines, in its order. A line is `unknown` where the run cannot tell, never `pass`."""
    return (
        _success_criteria(facts),
        _test_set(facts),
        _candidates(facts),
        _all_metrics(facts),
        _edge_cases(facts, "Tested edge cases and failure modes"),
        _documented(facts),
        _recommendation(facts),
    )


def pitfalls(facts: PocFacts) -> tuple[Check, ...]:
    """The guide's five, then those that users of evaluation tools report most. `pass` means avoided, `fail` fallen into."""
    return (
        _too_small(facts),
        _unrepresentative(facts),
        _edge_cases(facts, "Ignoring edge cases"),
        _single_run(facts),
        _only_quality(facts),
        _outcome_share(facts, "Answers cut off by the output limit", (Outcome.TRUNCATED,), "raise the output limit and rerun"),
        _outcome_share(
            facts, "Answers no scorer could judge", (Outcome.UNSCORED,), "mend the scorer or the targets, then rescore"
        ),
        _outcome_share(
            facts,
            "Failed calls that hide in the denominator",
            (Outcome.PROVIDER_ERROR, Outcome.TIMEOUT),
            "rerun the failed trials; until then read quality with its bounds",
        ),
        _model_changed(facts),
    )


def _success_criteria(f: PocFacts) -> Check:
    item = "Defined clear success criteria"
    if not f.criteria:
        return Check(item=item, answer="fail", why="no criteria are set")
    return Check(item=item, answer="pass", why=f"set before the run: {', '.join(f.criteria)}")


def _test_set(f: PocFacts) -> Check:
    item = f"Created representative test set ({ENOUGH_CASES}+ examples)"
    if f.cases < ENOUGH_CASES:
        return Check(item=item, answer="fail", why=f"{_cases(f.cases)}, fewer than {ENOUGH_CASES}")
    if f.origin is None:
        return Check(item=item, answer="unknown", why=f"{_cases(f.cases)}; where they come from is not declared")
    if f.origin == "synthetic":
        return Check(item=item, answer="fail", why=f"{_cases(f.cases)}, but synthetic: add real queries")
    return Check(item=item, answer="pass", why=f"{_cases(f.cases)}, declared as {f.origin}, with {_plural(f.tags, 'tag')}")


def _candidates(f: PocFacts) -> Check:
    item = "Tested 2-3 candidate models"
    n = len(f.outcomes)
    if n < 2:
        return Check(item=item, answer="fail", why=f"{_plural(n, 'variant')}: nothing to choose between")
    named = f", {f.baseline} being the baseline" if f.baseline else ", without a baseline"
    return Check(item=item, answer="pass", why=f"{n} variants on the same cases{named}")


def _all_metrics(f: PocFacts) -> Check:
    return _metrics(f, "Measured all key metrics (quality, speed, cost)")


def _only_quality(f: PocFacts) -> Check:
    return _metrics(f, "Only testing quality")


def _metrics(f: PocFacts, item: str) -> Check:
    n = len(f.outcomes)
    known = {
        "quality": f.measured_quality,
        "speed": f.measured_latency,
        "cost": f.measured_cost,
        "reliability": n if _trials(f) else 0,
    }
    lacking = [f"{name} of {n - have} of {n} variants" for name, have in known.items() if have < n]
    if not n or not _trials(f):
        return Check(item=item, answer="unknown", why="no trial has finished")
    if lacking:
        return Check(item=item, answer="fail", why=f"unknown: {', '.join(lacking)}")
    return Check(item=item, answer="pass", why=f"{', '.join(known)} of every variant")


def _edge_cases(f: PocFacts, item: str) -> Check:
    if f.edge_cases:
        return Check(item=item, answer="pass", why=f"{_cases(f.edge_cases)} marked as edge cases")
    return Check(item=item, answer="fail", why="no case is marked as an edge case")


def _documented(f: PocFacts) -> Check:
    item = "Documented findings with evidence"
    if not _trials(f):
        return Check(item=item, answer="fail", why="no trial has finished, so there is nothing to document")
    if not f.finished:
        return Check(item=item, answer="fail", why=f"{_plural(f.missing_trials, 'trial')} missing: resume the run")
    return Check(item=item, answer="pass", why="this report; every answer is in the run's journal, under content hashes")


def _recommendation(f: PocFacts) -> Check:
    item = "Made data-driven recommendation"
    answer: VerdictName = "unknown" if f.verdict == "unknown" else "pass"
    word = {"pass": "pass", "fail": "fail", "unknown": "not enough evidence"}[f.verdict]
    return Check(item=item, answer=answer, why=f"verdict: {word}" + (f"; {f.verdict_reason}" if f.verdict_reason else ""))


def _too_small(f: PocFacts) -> Check:
    item = "Too small test set"
    seen = _sees(f)
    if f.cases < ENOUGH_CASES:
        return Check(item=item, answer="fail", why=seen or f"{_cases(f.cases)}, fewer than {ENOUGH_CASES}")
    if isinstance(f.smallest_difference, Unknown):
        return Check(item=item, answer="unknown", why=f"{_cases(f.cases)}; {f.smallest_difference.reason}")
    # A verdict that was reached shows that the set was large enough for the question asked of it.
    undecided = f.verdict == "unknown" if f.quality_open is None else f.quality_open
    if f.margin is not None and _smallest(f) > f.margin and undecided:
        return Check(item=item, answer="fail", why=f"{seen}, and the margin is {100 * f.margin:.1f}")
    return Check(item=item, answer="pass", why=seen or _cases(f.cases))


def _sees(f: PocFacts) -> str:
    if not isinstance(f.smallest_difference, Estimate):
        return ""
    points = 100 * f.smallest_difference.value
    return f"{_cases(f.cases)} see only differences above {points:.{0 if points >= 10 else 1}f} points"


def _smallest(f: PocFacts) -> float:
    return f.smallest_difference.value if isinstance(f.smallest_difference, Estimate) else 0.0


def _unrepresentative(f: PocFacts) -> Check:
    item = "Unrepresentative data"
    match f.origin:
        case None:
            return Check(item=item, answer="unknown", why="a run cannot see where cases come from, and it is not declared")
        case "synthetic":
            return Check(item=item, answer="fail", why="declared as synthetic: real queries differ")
        case declared:
            return Check(item=item, answer="pass", why=f"declared as {declared}")


def _single_run(f: PocFacts) -> Check:
    item = "Single run"
    hours = f.elapsed_s / 3600
    spread = "" if hours >= HOURS_OF_A_DAY else "; all at one time of day"
    if f.repeats > 1:
        return Check(item=item, answer="pass", why=f"{f.repeats} repeats of each case{spread}")
    return Check(item=item, answer="fail", why=f"each case was asked once, so a model's own variance is not seen{spread}")


def _outcome_share(f: PocFacts, item: str, outcomes: tuple[Outcome, ...], cure: str) -> Check:
    shares = {name: sum(by.get(o, 0) for o in outcomes) / total for name, by in f.outcomes.items() if (total := sum(by.values()))}
    if not shares:
        return Check(item=item, answer="unknown", why="no trial has finished")
    name, worst = max(shares.items(), key=lambda pair: pair[1])
    if worst == 0:
        return Check(item=item, answer="pass", why="none")
    hit = sum(f.outcomes[name].get(o, 0) for o in outcomes)
    why = f"at most {100 * worst:.2g} % of a variant's trials ({name}: {hit:,})"
    if worst <= NOTABLE_SHARE:
        return Check(item=item, answer="pass", why=why)
    return Check(item=item, answer="fail", why=f"{why}; {cure}")


def _model_changed(f: PocFacts) -> Check:
    item = "The model changed during the run"
    if not any(f.served_models.values()):
        return Check(item=item, answer="unknown", why="no provider said which model answered")
    changed = {name: served for name, served in f.served_models.items() if len(served) > 1}
    if changed:
        return Check(
            item=item, answer="fail", why="; ".join(f"{name} was answered by {', '.join(s)}" for name, s in changed.items())
        )
    return Check(item=item, answer="pass", why="each variant was answered under one model name")


def _trials(f: PocFacts) -> int:
    return sum(sum(by.values()) for by in f.outcomes.values())


def _cases(n: int) -> str:
    return _plural(n, "case")


def _plural(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
