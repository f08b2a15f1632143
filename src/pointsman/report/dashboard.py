"""What a running gateway looks like at one moment: each route, its migration, its variants side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from pointsman.core.estimate import Measured, Unknown
from pointsman.core.verdict import VerdictName
from pointsman.report import format as fmt
from pointsman.report import sections
from pointsman.report.charts.timeline import evidence_chart, share_chart
from pointsman.report.markup import Html, join, tag
from pointsman.report.postmortem import UNITS, step_rows
from pointsman.rollout.check import Rung
from pointsman.rollout.chronicle import Chronicle
from pointsman.rollout.shadow_tally import ShadowTally
from pointsman.rollout.state import Status
from pointsman.rollout.witness import Tally
from pointsman.telemetry.windows import Lately

__all__ = [
    "CheckNow",
    "Dashboard",
    "Firing",
    "MigrationNow",
    "PhaseNow",
    "ReplicaNow",
    "RouteNow",
    "VariantLately",
    "fragment",
]

Role = Literal["", "baseline", "candidate"]

LEAST_OF_A_RATE, LEAST_OF_A_TAIL = 10, 20
"""Below 10 events a rate says little of what comes next; below 20 latencies the p95 is merely the largest."""

_METRICS = (
    ("Requests", "requests"),
    ("Errors", "error_rate"),
    ("Latency, p95", "latency_p95_s"),
    ("First token, p95", "first_token_p95_s"),
    ("Cost per request", "cost_per_request_usd"),
    ("Satisfaction", "satisfaction"),
    ("Refusals", "refusal_rate"),
    ("Truncated answers", "truncation_rate"),
    ("Answered by a fallback", "fallback_rate"),
)
_STATUS_WORDS: dict[Status, tuple[VerdictName, str]] = {
    "running": ("unknown", "● running"),
    "completed": ("pass", "✓ everybody has the candidate; waits to be closed"),
    "closed": ("pass", "✓ closed: everybody has the candidate"),
    "rolled_back": ("fail", "✗ rolled back"),
    "aborted": ("fail", "✗ aborted by a person"),
}
_SILENT_S = 5.0


class ReplicaNow(msgspec.Struct, frozen=True):
    """One worker, and the share it gives to the candidate; None: it has not reported since it was started."""

    worker: int
    share: float | None


class CheckNow(msgspec.Struct, frozen=True, kw_only=True):
    """One check's answer."""

    name: str
    role: Literal["guardrail", "signal"]
    measured: Measured
    verdict: VerdictName
    reason: str
    rung: Rung
    share: float | None
    """ln E as a share of what a rollback needs; None where it is not a number."""


class PhaseNow(msgspec.Struct, frozen=True, kw_only=True):
    """One phase of the plan."""

    kind: str
    weight: float
    least_s: float


class MigrationNow(msgspec.Struct, frozen=True, kw_only=True):
    """One migration as it stands."""

    migration: str
    baseline: str
    candidate: str
    status: Status
    phase: int
    phases: tuple[PhaseNow, ...]
    weight: float
    in_phase_s: float
    tally: Tally
    spent_usd: float
    paused: bool = False
    held: bool = False
    asked: bool = False
    says: str = ""
    checks: tuple[CheckNow, ...] = ()
    replicas: tuple[ReplicaNow, ...] = ()
    story: Chronicle | None = None
    """Its log, told; None before the first of it was read."""
    unread: bool = False
    """The log is long and has been read in part only; the rest follows within the next looks."""
    silent_s: float | None = None
    """How long ago the controller last said how things are; None if it never did."""

    @property
    def over(self) -> bool:
        """Whether nothing more can happen."""
        return self.status in ("closed", "rolled_back", "aborted")


class VariantLately(msgspec.Struct, frozen=True, kw_only=True):
    """One variant over the last 5 and the last 60 minutes."""

    name: str
    short: Lately
    long: Lately
    role: Role = ""


class RouteNow(msgspec.Struct, frozen=True, kw_only=True):
    """One route."""

    name: str
    variants: tuple[VariantLately, ...] = ()
    migration: MigrationNow | None = None


class Firing(msgspec.Struct, frozen=True):
    """An alert that fires."""

    rule: str
    route: str
    variant: str


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, at `at_s` (Unix seconds)."""

    at_s: float
    ready: bool
    facts: tuple[tuple[str, str, bool], ...]
    """(what, how it is, whether that is good) of the gateway itself."""
    firing: tuple[Firing, ...] = ()
    routes: tuple[RouteNow, ...] = ()
    trouble: str = ""
    """Why nothing can be said of migrations; empty if it can."""


def fragment(now: Dashboard) -> Html:
    """What stands on the page at this moment. Its `data-said` is what a screen reader should be told when it changes."""
    routes = sorted(now.routes, key=lambda r: (r.migration is None, r.migration is not None and r.migration.over, r.name))
    return tag(
        "div",
        _gateway(now),
        *(_route(i, route) for i, route in enumerate(routes)),
        tag("p", "No route is configured.", class_="note") if not routes else None,
        id="moment",
        data_said=_said(now),
        data_at=f"{now.at_s:.3f}",
    )


def _said(now: Dashboard) -> str:
    said = [f"{r.name}: {_standing(r.migration)}" for r in now.routes if r.migration is not None]
    said += [f"alert {f.rule} on {f.route}, {f.variant}" for f in now.firing]
    return fmt.plain(". ".join(said) or "no migration, no alert")


def _gateway(now: Dashboard) -> Html:
    state = tag(
        "span", "✓ ready" if now.ready else "✗ not every worker is ready", class_=f"verdict {'pass' if now.ready else 'fail'}"
    )
    facts = (
        join((tag("dt", what), tag("dd", fmt.plain(how, 300), class_=None if good else "bad"))) for what, how, good in now.facts
    )
    trouble = tag("p", f"Nothing can be said of migrations: {fmt.plain(now.trouble, 300)}", class_="bad") if now.trouble else None
    return tag(
        "section",
        tag("h2", "The gateway ", state, id="gateway-h"),
        _alerts(now.firing),
        trouble,
        tag("dl", *facts, class_="facts"),
        aria_labelledby="gateway-h",
    )


def _alerts(firing: Sequence[Firing]) -> Html:
    if not firing:
        return tag("p", "No alert is firing.", class_="note")
    lines = (tag("li", tag("b", fmt.plain(f.rule)), f" on {fmt.plain(f.route)}, {fmt.plain(f.variant)}") for f in firing)
    return join((tag("h3", f"{fmt.counted(len(firing), 'alert')} firing", class_="bad"), tag("ul", *lines, class_="warnings")))


def _route(number: int, route: RouteNow) -> Html:
    name = f"route-{number}"
    told = None if route.migration is None else join(_migration(name, route.migration))
    return tag(
        "section",
        tag("h2", "Route ", tag("code", fmt.plain(route.name)), id=f"{name}-h"),
        told,
        _variants(route),
        aria_labelledby=f"{name}-h",
    )


def _migration(name: str, now: MigrationNow) -> Iterator[Html | None]:
    verdict, words = _STATUS_WORDS[now.status]
    waits = [w for w, on in (("paused by a person", now.paused), ("held by the evidence", now.held)) if on and not now.over]
    waits += ["asks a person to approve"] if now.asked and not now.over else []
    yield tag(
        "p",
        tag("b", fmt.plain(now.baseline)),
        " → ",
        tag("b", fmt.plain(now.candidate)),
        " ",
        tag("span", words, class_=f"verdict {verdict}"),
        *(tag("span", w, class_="tag waits") for w in waits),
        tag("span", fmt.plain(now.migration), class_="tag"),
        class_="headline status",
    )
    yield tag("p", fmt.plain(now.says, 400), class_="reason") if now.says else None
    yield _silence(now)
    yield _phases(now)
    yield _figures(now)
    if now.story is not None:
        yield tag(
            "div",
            share_chart(now.story, f"{name}-share"),
            evidence_chart(now.story, f"{name}-evidence"),
            class_="charts",
        )
    if now.unread:
        yield tag("p", "The log is long: the pictures and steps are still being read from it.", class_="note")
    yield _checks(now)
    yield _shadow(now) if now.tally.pairs else None
    yield _steps(now)


def _silence(now: MigrationNow) -> Html | None:
    if now.over or (now.silent_s is not None and now.silent_s <= _SILENT_S):
        return None
    since = "has not looked at this migration yet" if now.silent_s is None else f"was last heard {fmt.duration(now.silent_s)} ago"
    return tag("p", f"The controller {since}: what stands here may be old.", class_="bad")


def _standing(now: MigrationNow) -> str:
    """In a few words, for those who listen."""
    more = "".join(f", {w}" for w, on in (("paused", now.paused), ("held", now.held), ("asks a person", now.asked)) if on)
    status = now.status.replace("_", " ")
    return status if now.status != "running" else f"{status}{more}, phase {now.phase + 1} of {len(now.phases)}"


def _phases(now: MigrationNow) -> Html:
    ended = now.status in ("completed", "closed")

    def words(number: int, phase: PhaseNow) -> Html:
        here = number == now.phase and not ended
        lasts = f" {fmt.duration(now.in_phase_s)} of at least {fmt.duration(phase.least_s)}" if here and not now.over else ""
        done = ended or number < now.phase
        mark = "✓ " if done else ("✗ " if now.over else "● ") if here else ""
        share = "" if phase.kind == "shadow" else f" {100 * phase.weight:.4g} %"
        return tag(
            "li",
            f"{mark}{phase.kind}{share}",
            tag("small", lasts) if lasts else None,
            class_="done" if done else "here" if here else None,
            aria_current="step" if here else None,
        )

    return tag("ol", *(words(i, p) for i, p in enumerate(now.phases)), class_="phases", aria_label="Phases")


def _figures(now: MigrationNow) -> Html:
    tally = now.tally
    rows = [
        ("Share of new users that get the candidate", f"{100 * now.weight:.4g} %"),
        ("Replicas", _replicas(now)),
        ("Users or conversations that had it", f"{tally.candidate_units:,}"),
        ("Requests tried with it", f"{tally.candidate_requests:,} of {tally.requests:,}"),
        ("It has cost", f"${now.spent_usd:,.4f}"),
        ("Ratings", f"{tally.ratings:,}"),
    ]
    if now.story is not None and now.story.leaked:
        rows.append(("Requests that reached it after it was sent back", f"{now.story.leaked:,}"))
    return tag("dl", *(tag("div", tag("dt", what), tag("dd", how)) for what, how in rows), class_="figures")


def _replicas(now: MigrationNow) -> Html:
    stale = [r for r in now.replicas if r.share != now.weight]
    if not now.replicas:
        return tag("span", "none known", class_="bad")
    if not stale:
        return tag("span", f"✓ {'both' if len(now.replicas) == 2 else f'all {len(now.replicas)}'} obey", class_="verdict pass")
    said = ", ".join(f"#{r.worker} {'has not reported' if r.share is None else f'gives {100 * r.share:.4g} %'}" for r in stale)
    return tag("span", f"✗ {len(stale)} of {len(now.replicas)} do not obey yet: {said}", class_="verdict fail")


def _checks(now: MigrationNow) -> Html | None:
    if not now.checks:
        return None
    rows = (
        (
            fmt.plain(c.name),
            _evidence(c),
            sections.verdict(c.verdict),
            _measured(c),
            c.rung,
            c.role,
            tag("td", fmt.plain(c.reason, 300), class_="why"),
        )
        for c in now.checks
    )
    heads = ("Check", "Of what a rollback needs", "Verdict", "Candidate against control", "Rung", "Role", "Why")
    return sections.table("Checks, as of the last request", heads, rows, sortable=False)


def _measured(check: CheckNow) -> Html:
    """The estimate; where it is unknown for the reason that stands under "Why", the word alone."""
    if isinstance(check.measured, Unknown) and check.measured.reason == check.reason:
        return tag("span", "unknown", class_="est none")
    return sections.estimate(check.measured, UNITS.get(check.name, UNITS[""]))


def _evidence(check: CheckNow) -> Html:
    if check.share is None:
        return tag("span", "unknown", class_="est none")
    inside = min(1.0, max(0.0, check.share))
    bar = tag("meter", min=0, max=1, low=0.5, high=0.99, optimum=0, value=inside, aria_hidden="true")
    return tag("td", bar, f" {100 * max(0.0, check.share):.0f} %", class_="num evidence")


def _steps(now: MigrationNow) -> Html | None:
    if now.story is None or not now.story.steps:
        return None
    heads = ("After", "What", "Share", "Why", "Who")
    return sections.table("Steps, newest first", heads, step_rows(now.story.steps)[::-1], sortable=False)


def _shadow(now: MigrationNow) -> Html:
    shadow, pairs = now.tally.shadow, now.tally.pairs
    rows = [
        ("Answers with a flaw", *(_of(sum(f.values()), pairs) for f in (shadow.baseline_flaws, shadow.candidate_flaws))),
        *(
            (f"· {fmt.plain(f)}", *(_of(side.get(f, 0), pairs) for side in (shadow.baseline_flaws, shadow.candidate_flaws)))
            for f in sorted(shadow.baseline_flaws.keys() | shadow.candidate_flaws.keys())
        ),
        ("Flawed where the other was not", _of(shadow.won, pairs), _of(shadow.lost, pairs)),
        *_means(shadow),
    ]
    n, alike = shadow.similarity
    likeness = f"; answers are alike to {alike / n:.0%} over {n:,} pairs" if n else ""
    caption = f"Shadow: {fmt.counted(pairs, 'pair')}, which cost ${shadow.usd:,.4f}{likeness}"
    return sections.table(
        caption, ("On the same requests", fmt.plain(now.baseline), fmt.plain(now.candidate)), rows, sortable=False
    )


def _means(shadow: ShadowTally) -> Iterator[tuple[str, Html, Html]]:
    for words, (n, mine, theirs), metric in (
        ("Mean latency", shadow.latency_s, "_s"),
        ("Mean cost", shadow.cost_usd, "cost_per_request_usd"),
    ):
        sides = [_amount(metric, total / n if n else None, n, 1) for total in (mine, theirs)]
        yield words, sides[0], sides[1]


def _of(part: int, whole: int) -> Html:
    return tag("td", f"{part:,}", tag("small", f" of {whole:,}", class_="under"), class_="num")


def _variants(route: RouteNow) -> Html:
    if not route.variants:
        return tag("p", "Nobody has asked it in the last hour.", class_="note")
    heads = [
        f"{fmt.plain(v.name)}{f' ({v.role})' if v.role else ''}, {minutes} min" for minutes in (5, 60) for v in route.variants
    ]
    sides = [v.short for v in route.variants] + [v.long for v in route.variants]
    rows = ([words, *(_cell(metric, side) for side in sides)] for words, metric in _METRICS)
    return sections.table("The last 5 and 60 minutes", ("Tried first", *heads), rows, sortable=False)


def _cell(metric: str, side: Lately) -> Html:
    value, n = side.value(metric)
    if metric == "requests":
        return tag("td", f"{n:,}", class_="num")
    return _amount(metric, value, n, LEAST_OF_A_TAIL if "p95" in metric else LEAST_OF_A_RATE)


def _amount(metric: str, value: float | None, n: int, least: int) -> Html:
    """A value over n, or unknown where n is less than that."""
    over = tag("small", f" n = {n:,}", class_="under")
    if value is None or n < least:
        return tag("td", tag("span", "unknown", over, class_="est none"))
    return tag("td", _written(metric, value), over, class_="num")


def _written(metric: str, value: float) -> str:
    if metric.endswith("_s"):
        return fmt.duration(value)
    return fmt.dollars(Decimal(repr(value))) if metric.endswith("_usd") else f"{100 * value:.3g} %"
