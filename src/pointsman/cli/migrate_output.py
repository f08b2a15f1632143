"""How a rehearsal is shown to people: a table, and what it means in sentences a manager can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.core.estimate import Unknown
from pointsman.report import format as fmt

if TYPE_CHECKING:
    from pointsman.app.rehearse import Result, Spread
    from pointsman.core.verdict import VerdictName
    from pointsman.rollout.plan import Plan

__all__ = ["HEADS", "rehearsal_lines", "rehearsal_rows", "rehearsal_verdict"]

HEADS = ("Scenario", "Rolled back", "Answers before it", "Units exposed", "Time to it", "What saw it")


def rehearsal_rows(results: dict[str, Result]) -> list[tuple[str, ...]]:
    """A row per scenario; counts are `median (p90)` over the rollouts that were rolled back."""
    return [
        (
            name,
            fmt.measured(result.rolled_back, fmt.SHARE),
            _counts(result.spread("candidate_requests")),
            _counts(result.spread("candidate_units")),
            _times(result.spread("duration_s")),
            ", ".join(f"{what} {n}" for what, n in result.by.items()) or "–",
        )
        for name, result in results.items()
    ]


def _counts(spread: Spread | Unknown) -> str:
    return "–" if isinstance(spread, Unknown) else f"{spread.median:,.0f} ({spread.p90:,.0f})"


def _times(spread: Spread | Unknown) -> str:
    return "–" if isinstance(spread, Unknown) else f"{_days(spread.median)} ({_days(spread.p90)})"


def _days(seconds: float) -> str:
    return f"{seconds / 86_400:.1f} d" if seconds >= 86_400 else fmt.duration(seconds)


def rehearsal_verdict(plan: Plan, results: dict[str, Result]) -> VerdictName:
    """Fail if the plan's promise is refuted or harm reached everybody; unknown if a rollout never ended.

    The usual thresholds are only shown, never judged.
    """
    ours = [r for r in results.values() if not r.scenario.by_guide]
    for result in ours:
        share = result.rolled_back
        if result.scenario.harmful and result.count("completed"):
            return "fail"
        if result.scenario.harmful is False and not isinstance(share, Unknown) and share.low > plan.alpha:
            return "fail"
    return "unknown" if any(r.count("unfinished") for r in ours) else "pass"


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
        caught = result.count("rolled_back")
        if isinstance(units, Unknown):
            lines.append(f"{name} ({result.scenario.summary}): never rolled back in {runs:,} rollouts.")
            continue
        exposed = (
            f"half the time before {units.median:,.0f} users or conversations met it" if units.median else "before anybody met it"
        )
        lines.append(f"{name} ({result.scenario.summary}): rolled back in {caught:,} of {runs:,}, {exposed}.")
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
    stuck = {n: r.count("unfinished") for n, r in results.items() if r.count("unfinished")}
    return [
        f"{name}: {n:,} rollouts waited in vain for evidence; take larger steps or a longer shadow phase."
        for name, n in stuck.items()
    ]
