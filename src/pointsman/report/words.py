"""The sentences every report shares: the headline, what the words mean, and what would settle what is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.verdict import VerdictName
from pointsman.evals.outcome import Outcome
from pointsman.evals.result import Comparison, CostResult, CriterionResult, Decision, RunResult, VariantResult
from pointsman.report import format as fmt

__all__ = [
    "METRIC_WORD",
    "OUTCOME_MEANING",
    "OUTCOME_WORD",
    "VERDICT_MARK",
    "VERDICT_WORD",
    "best",
    "comparison_unit",
    "cost_total",
    "criterion_unit",
    "difference",
    "headline",
    "missing",
    "notices",
    "open_questions",
    "quality_comparisons",
    "scope",
    "units_word",
    "verdict_lines",
]

VERDICT_WORD: dict[VerdictName, str] = {"pass": "pass", "fail": "fail", "unknown": "not enough evidence"}
VERDICT_MARK: dict[VerdictName, str] = {"pass": "✓", "fail": "✗", "unknown": "?"}
METRIC_WORD = {"quality": "quality", "latency": "latency", "cost": "cost per request"}

OUTCOME_WORD: dict[Outcome, str] = {
    Outcome.CORRECT: "correct",
    Outcome.WRONG: "wrong",
    Outcome.BAD_FORMAT: "bad format",
    Outcome.REFUSED: "refused",
    Outcome.TRUNCATED: "truncated",
    Outcome.PROVIDER_ERROR: "provider error",
    Outcome.TIMEOUT: "timeout",
    Outcome.UNSCORED: "unscored",
}
OUTCOME_MEANING: dict[Outcome, str] = {
    Outcome.CORRECT: "The scorer read an answer and found it right.",
    Outcome.WRONG: "The scorer read an answer and found it wrong.",
    Outcome.BAD_FORMAT: "An answer came, but not in the form asked for, so nothing could be read from it. Counts as wrong.",
    Outcome.REFUSED: "The model declined to answer. Counts as wrong.",
    Outcome.TRUNCATED: "Cut off by the output limit before an answer could be read. Counts as wrong: raise the limit and rerun.",
    Outcome.PROVIDER_ERROR: "The call failed after all retries. Says nothing about the model, so it is outside quality.",
    Outcome.TIMEOUT: "No complete answer within the time allowed. Outside quality.",
    Outcome.UNSCORED: "An answer came, but the scorer could not judge it. Outside quality.",
}


def quality_comparisons(result: RunResult) -> tuple[Comparison, ...]:
    """The comparisons of quality, in the run's order."""
    return tuple(c for c in result.comparisons if c.metric == "quality")


def best(result: RunResult) -> VariantResult | None:
    """The variant with the highest quality seen; None if no quality is known."""
    known = [(v.quality.value, v) for v in result.variants if isinstance(v.quality, Estimate)]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def units_word(result: RunResult, n: int) -> str:
    """`1,319 cases`, or clusters where the set has them: what a quality stands on."""
    return fmt.counted(n, "case" if result.tests.clusters is None else "cluster")


def scope(result: RunResult) -> str:
    """What was run, on one line."""
    sizes = ((result.tests.cases, "case"), (len(result.variants), "variant"), (result.repeats, "repeat"))
    return " · ".join([*(fmt.counted(n, noun) for n, noun in sizes), fmt.when(result.started_s), fmt.duration(result.elapsed_s)])


def notices(result: RunResult) -> list[str]:
    """What a reader must know first: whether the run is whole, then its warnings."""
    if result.finished:
        return [fmt.plain(w) for w in result.warnings]
    why = fmt.plain(result.stopped_because or "no reason recorded")
    return [f"Not finished: {fmt.counted(result.missing_trials, 'trial')} missing ({why}).", *map(fmt.plain, result.warnings)]


def headline(result: RunResult) -> str:
    """One sentence that says what the run found about quality, with its interval and n."""
    leader = best(result)
    if leader is None:
        return "Nothing can be said about quality: no variant has a scored answer."
    compared = [c for c in quality_comparisons(result) if isinstance(c.difference, Estimate)]
    if not compared:
        return _alone(result, leader)
    may = {d.candidate for d in result.decisions if d.verdict == "pass"}
    fit = [c for c in compared if c.candidate in may]
    if fit:
        return _may_replace(_highest(fit), adjusted=len(result.variants) > 2)
    top = _highest(compared)
    return _against(result, top, of=len(result.variants)) + _ties(result, leader.name)


def difference(m: Measured, metric: str) -> str:
    """A comparison's difference with its interval, signed."""
    return fmt.measured(m, comparison_unit(metric), reason=True)


def comparison_unit(metric: str) -> fmt.Unit:
    """Quality differs in points; latency and cost as a change in per cent."""
    return fmt.CHANGE if metric in ("latency", "cost") else fmt.POINTS


def criterion_unit(criterion: CriterionResult) -> fmt.Unit:
    """A criterion's unit by its key; a paired estimate is a difference, so it is signed and in points."""
    m = criterion.measured
    if isinstance(m, Estimate) and criterion.criterion.startswith("quality") and "paired" in m.method:
        return fmt.POINTS
    return fmt.unit_of(criterion.criterion, m.value if isinstance(m, Estimate) else 1.0)


def cost_total(cost: CostResult) -> str:
    """The exact total, `at least` where some requests have no known cost, `unknown` without prices."""
    if cost.total_usd is None:
        return "unknown"
    return ("at least " if cost.unpriced else "") + fmt.dollars(cost.total_usd)


def missing(variant: VariantResult) -> str | None:
    """How far errors, timeouts and unscored trials could move quality; None if there are none."""
    outside = sum(variant.outcomes.get(o, 0) for o in (Outcome.PROVIDER_ERROR, Outcome.TIMEOUT, Outcome.UNSCORED))
    if not outside or variant.quality_if_missing is None:
        return None
    low, high = (fmt.number(100 * q, 1) for q in variant.quality_if_missing)
    return f"{fmt.count(outside)} of {fmt.count(variant.trials)} trials are outside; with them, between {low} and {high} %"


def open_questions(result: RunResult) -> list[str]:
    """What stayed open and what would settle it, one line each, without repeats."""
    return list(dict.fromkeys(_open(result)))


def _alone(result: RunResult, leader: VariantResult) -> str:
    assert isinstance(leader.quality, Estimate)
    found = f"{fmt.measured(leader.quality, fmt.SHARE)} on {units_word(result, leader.quality.n)}"
    name = fmt.plain(leader.name)
    if len(result.variants) == 1:
        return f"{name} scores {found}; with one variant there is nothing to compare it to."
    return f"{name} scores highest: {found}; no baseline was named to compare with" + (_ties(result, leader.name) or ".")


def verdict_lines(result: RunResult) -> list[tuple[VerdictName, str]]:
    """The verdict on each candidate in words, those that may be chosen first; the run's own where there is none."""
    if not result.decisions:
        return [(result.verdict, fmt.plain(result.verdict_reason))]
    order = {"pass": 0, "unknown": 1, "fail": 2}
    return [(d.verdict, _decision(d)) for d in sorted(result.decisions, key=lambda d: order[d.verdict])]


def _decision(d: Decision) -> str:
    name = fmt.plain(d.candidate)
    if d.verdict == "pass":
        return f"{name}: every bound holds"
    broken = f"breaks {', '.join(map(fmt.plain, d.broken))}" if d.broken else ""
    still = f"does not settle {', '.join(map(fmt.plain, d.open))}" if d.open else ""
    return f"{name}: {'; '.join(filter(None, (broken, still))) or 'no bound applies to it'}"


def _highest(compared: Sequence[Comparison]) -> Comparison:
    return max(compared, key=lambda c: c.difference.value if isinstance(c.difference, Estimate) else 0.0)


def _may_replace(c: Comparison, *, adjusted: bool) -> str:
    d = c.difference
    assert isinstance(d, Estimate)
    if d.low > 0:
        how = f"better by {_unsigned(d)}"
    elif c.margin is not None:
        how = f"no worse within {fmt.number(100 * c.margin, 1)} points, {fmt.measured(d, fmt.POINTS)}"
    else:
        how = f"quality {fmt.measured(d, fmt.POINTS)}"
    p = c.p_adjusted if adjusted and c.p_adjusted is not None else c.p_value
    evidence = f"{fmt.p_value(p)}{', adjusted' if adjusted and c.p_adjusted is not None else ''}"
    return f"{fmt.plain(c.candidate)} may replace {fmt.plain(c.baseline)}: {how} (n = {fmt.count(d.n)}, {evidence})."


def _against(result: RunResult, c: Comparison, *, of: int) -> str:
    d = c.difference
    assert isinstance(d, Estimate)
    candidate, baseline = fmt.plain(c.candidate), fmt.plain(c.baseline)
    adjusted = c.p_adjusted if c.p_adjusted is not None and of > 2 else None
    evidence = f"on {units_word(result, d.n)} ({fmt.p_value(c.p_value if adjusted is None else adjusted)}"
    evidence += ", adjusted)" if adjusted is not None else ")"
    lead = "" if of <= 2 else f"Of {of} variants, "
    if d.low > 0:
        does = "is" if of <= 2 else "does best:"
        return f"{lead}{candidate} {does} better than {baseline} by {_unsigned(d)} {evidence}."
    if d.high < 0:
        who = candidate if of <= 2 else f"even the best candidate, {candidate},"
        return f"{lead}{who} is worse than {baseline} by {_unsigned(_mirrored(d))} {evidence}."
    seen = f"{candidate} − {baseline} is {fmt.measured(d, fmt.POINTS)} {evidence}"
    if c.verdict == "pass" and c.margin is not None:
        return f"{lead}{candidate} is no worse than {baseline} within {fmt.number(100 * c.margin, 1)} points: {seen}."
    more = f"; {fmt.count(c.needed)} more cases would settle it" if c.needed else ""
    return f"{lead}{candidate} and {baseline} cannot be told apart in quality: {seen}{more}."


def _mirrored(d: Estimate) -> Estimate:
    return Estimate(value=-d.value, low=-d.high, high=-d.low, n=d.n, method=d.method, level=d.level)


def _unsigned(d: Estimate) -> str:
    return fmt.measured(d, fmt.Unit(scale=100, after=" points", most_decimals=2))


def _ties(result: RunResult, leader: str) -> str:
    others = [fmt.plain(t) for t in result.tied_best if t != leader]
    if not others:
        return ""
    shown = ", ".join(others[:4]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
    return f" Nothing in this run tells {fmt.plain(leader)} apart from {shown}."


def _open(result: RunResult) -> Iterator[str]:
    for c in result.comparisons:
        if c.verdict == "unknown":
            what = f"{fmt.plain(c.candidate)} against {fmt.plain(c.baseline)}, {METRIC_WORD.get(c.metric, c.metric)}"
            yield f"{what}: {_settles(c.needed, c.difference, c.reason)}"
    for k in result.criteria:
        if k.verdict == "unknown":
            what = f"{fmt.plain(k.variant)}, {fmt.plain(k.criterion)} {fmt.plain(k.limit)}"
            yield f"{what}: {_settles(k.needed, k.measured, k.reason)}"
    for v in result.variants:
        if isinstance(v.quality, Unknown):
            yield f"{fmt.plain(v.name)}, quality: {_settles(None, v.quality, v.quality.reason)}"


def _settles(needed: int | None, m: Measured, reason: str) -> str:
    if needed is None and isinstance(m, Unknown):
        needed, reason = m.needed, m.reason
    text = fmt.plain(reason)
    if needed is None or fmt.count(needed) in text or str(needed) in text:
        return text
    return f"{text}; about {fmt.count(needed)} more cases would settle it"
