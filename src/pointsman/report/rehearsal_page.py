"""A rehearsal as one page, for whoever must say yes to the migration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pointsman.report import format as fmt
from pointsman.report import sections
from pointsman.report.charts.rollouts import exposure_chart, rollback_chart
from pointsman.report.markup import Html, join, tag
from pointsman.report.page import Part, whole_page
from pointsman.report.rehearsal import HEADS, rehearsal_lines, rehearsal_rows, rehearsal_verdict
from pointsman.rollout.plan import Phase, Plan
from pointsman.rollout.simulate.result import Result

__all__ = ["rehearsal_page"]

_MEANING = {
    "pass": "Harmless candidates stay, harmful ones are taken back, as often as the plan promises.",
    "fail": "The plan does not keep its promise; see what happened below before anybody is exposed.",
    "unknown": "Some rollouts never ended: the traffic does not show enough; take larger steps or a longer shadow.",
}
_READING = (
    (
        "Nothing here happened to anybody. Every rollout ran on simulated traffic, in virtual time, decided by the same rules"
        " that will decide the real one. Each scenario changes one thing about the candidate and leaves the rest alone."
    ),
    (
        "“Rolled back” of a harmless candidate is a false alarm: a good model lost, or a night's sleep. Of a harmful one it is"
        " what must happen, and the numbers beside it say how many people met it until then: half the time fewer, and in"
        " brackets the number that nine rollouts in ten stay below."
    ),
    (
        "The evidence is read after every single request. That would make ordinary significance tests raise the alarm sooner"
        " or later on any candidate; these tests are made for it, and the promise holds however often one looks."
    ),
)


def rehearsal_page(plan: Plan, results: Mapping[str, Result], seed: int) -> str:
    """The whole page."""
    found = dict(results)
    verdict = rehearsal_verdict(plan, found)
    heading = f"{fmt.plain(plan.route)}: {fmt.plain(plan.from_)} → {fmt.plain(plan.to)}"
    header = tag(
        "header",
        tag("p", f"Rehearsal · {_runs(found)} rollouts of each scenario · seed {seed}", class_="facts-line"),
        tag("h1", heading),
        tag("p", _MEANING[verdict], class_="headline"),
        tag("p", sections.verdict(verdict), class_="reason"),
    )
    return whole_page(f"{heading}: rehearsal", header, list(_parts(plan, found, seed)), [f", seed {seed}."])


def _parts(plan: Plan, results: dict[str, Result], seed: int) -> Iterator[Part]:
    lines = [tag("li", fmt.plain(line, 400)) for line in rehearsal_lines(plan, results, seed)]
    yield "findings", "What it comes to", tag("ul", *lines)
    yield "often", "How often", rollback_chart(results, plan.alpha)
    yield "soon", "How soon", exposure_chart(results)
    rows = ([*cells[:1], *cells[1:], results[cells[0]].scenario.summary] for cells in rehearsal_rows(results))
    table = sections.table("Every scenario", [*HEADS, "What it is"], rows)
    yield "scenarios", "Every scenario", table
    yield "plan", "The plan", _plan(plan)
    yield "reading", "How to read this", join(tag("p", text) for text in _READING)


def _plan(plan: Plan) -> Html:
    rows = [(str(n), *_phase(phase)) for n, phase in enumerate(plan.phases, 1)]
    phases = sections.table("Phases", ["", "Phase", "Who meets the candidate", "At least", "Asks a person"], rows, sortable=False)
    per_minute, per_unit = plan.traffic.requests_per_minute, plan.traffic.requests_per_unit
    traffic = f"Traffic: {per_minute:g} requests a minute, {per_unit:g} per user or conversation."
    checks = f"Rolls back on: {', '.join(plan.guardrails)}. Holds on: {', '.join(plan.signals) or 'nothing else'}."
    reason = f"Reason given: {fmt.plain(plan.reason)}." if plan.reason else "No reason was given."
    return join((phases, *(tag("p", text) for text in (traffic, checks, reason))))


def _phase(phase: Phase) -> tuple[str, str, str, str]:
    who = f"nobody; {phase.sample:.0%} of requests are mirrored" if phase.kind == "shadow" else f"{phase.weight:.0%} of users"
    return phase.kind, who, phase.shadow or phase.hold, "yes" if phase.approval else "no"


def _runs(results: Mapping[str, Result]) -> str:
    counts = sorted({len(r.rehearsed) for r in results.values()})
    return f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
