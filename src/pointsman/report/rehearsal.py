"""How a rehearsal is shown to people: a table, and what it means in sentences a manager can act on."""

from __future__ import annotations

from pointsman.core.estimate import Unknown
from pointsman.core.verdict import VerdictName
from pointsman.report import format as fmt
from pointsman.rollout.plan import Plan
from pointsman.rollout.simulate.result import Result, Spread

__all__ = ["HEADS", "rehearsal_lines", "rehearsal_rows", "rehearsal_verdict"]

HEADS = ("Scenario", "Rolled back", "Answers until", "Units exposed", "Time to it", "What saw it")


def rehearsal_rows(results: dict[str, Result]) -> list[tuple[str, ...]]:
    """A row per scenario; counts are `median (p90)` over the rollouts that were rolled back."""
    return [
        (
            name,
            fmt.measured(result.rolled_back, fmt.SHARE),
            _counts(result.spread("candidate_requests")),
            _counts(result.spread("candidate_units")),
            _times(result.spread("duration_s")),
            _seen_by(result.by),
        )
        for name, result in results.items()
    ]


def _counts(spread: Spread | Unknown) -> str:
    return "–" if isinstance(spread, Unknown) else f"{spread.median:,.0f} ({spread.p90:,.0f})"


def _times(spread: Spread | Unknown) -> str:
    if isinstance(spread, Unknown):
        return "–"
    unit, per_s = ("d", 86_400.0) if spread.median >= 86_400 else ("h", 3600.0)
    return f"{spread.median / per_s:.1f} ({spread.p90 / per_s:.1f}) {unit}"


def _seen_by(counts: dict[str, int]) -> str:
    return next(iter(counts), "–") if len(counts) < 2 else ", ".join(f"{what} {n}" for what, n in counts.items())


def rehearsal_verdict(plan: Plan, results: dict[str, Result]) -> VerdictName:
    """Fail if the plan's promise is refuted or harm reached everybody; unknown if a rollout with the plan's traffic never ended.

    The usual thresholds are only shown, never judged.
    """
    ours = [r for r in results.values() if not r.scenario.by_guide]
    for result in ours:
        share = result.rolled_back
        if result.scenario.harmful and result.count("completed"):
            return "fail"
        if result.scenario.harmful is False and not isinstance(share, Unknown) and share.low > plan.alpha:
            return "fail"
    as_planned = [r for r in ours if r.scenario.traffic_ratio >= 1.0]
    return "unknown" if any(r.count("unfinished") for r in as_planned or ours) else "pass"


def rehearsal_lines(plan: Plan, results: dict[str, Result], seed: int) -> list[str]:
    """What it comes to, most important first."""
    good = {n: r for n, r in results.items() if r.scenario.harmful is False and not r.scenario.by_guide}
    bad = {n: r for n, r in results.items() if r.scenario.harmful is not False}
    lines = [*_false_alarms(plan, good), *_harm(bad), *_naive(results), *_open(results)]
    requests, cpu_s = sum(r.requests for r in results.values()), sum(r.cpu_s for r in results.values())
    lines.append(f"Seed {seed}; {requests:,} requests simulated in {fmt.duration(cpu_s)} of processor time.")
    return lines


def _false_alarms(plan: Plan, good: dict[str, Result]) -> list[str]:
    if not good:
        return []
    runs, back = sum(len(r.rehearsed) for r in good.values()), sum(r.count("rolled_back") for r in good.values())
    allowed = f"the plan allows {100 * plan.alpha:g} in a hundred, looked at on every event."
    return [f"A candidate that is no worse was rolled back in {back:,} of {runs:,} rollouts; {allowed}"]


def _harm(bad: dict[str, Result]) -> list[str]:
    lines = []
    for name, result in bad.items():
        units, runs = result.spread("candidate_units"), len(result.rehearsed)
        called = f"{name} ({result.scenario.summary})"
        if isinstance(units, Unknown):
            lines.append(f"{called}: never rolled back in {runs:,} rollouts.")
        else:
            met = (
                f"half the time before {units.median:,.0f} users or conversations met it"
                if units.median
                else "before anybody met it"
            )
            lines.append(f"{called}: rolled back in {result.count('rolled_back'):,} of {runs:,}, {met}.")
        if served := result.count("completed"):
            lines.append(f"  ! in {served:,} rollouts it was given to everybody.")
    return lines


def _naive(results: dict[str, Result]) -> list[str]:
    rule = results.get("guide_rule")
    if rule is None:
        return []
    share = fmt.measured(rule.rolled_back, fmt.SHARE)
    usual = "The usual thresholds (errors over twice the baseline for five minutes)"
    return [f"{usual} roll back a harmless candidate {share} of the time."]


def _open(results: dict[str, Result]) -> list[str]:
    ours = {n: r for n, r in results.items() if not r.scenario.by_guide}
    stuck = {n: r.count("unfinished") for n, r in ours.items() if r.count("unfinished")}
    return [
        f"{name} ({results[name].scenario.summary}): {n:,} rollouts waited in vain for evidence; larger steps or a longer shadow"
        " phase would end them."
        for name, n in stuck.items()
    ]
