"""What a migration came to: a page and a text for those who were there and those who were not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from pointsman.core.verdict import VerdictName, verdict_name
from pointsman.report import format as fmt
from pointsman.report import sections
from pointsman.report.charts.timeline import evidence_chart, share_chart
from pointsman.report.markdown import escaped
from pointsman.report.markup import Html, join, tag
from pointsman.report.page import Part, whole_page
from pointsman.rollout.chronicle import Chronicle, Told

__all__ = ["UNITS", "Aftermath", "figures", "postmortem_markdown", "postmortem_page", "step_rows"]

_ENDS: dict[str, tuple[VerdictName, str]] = {
    "running": ("unknown", "is under way"),
    "completed": ("pass", "reached everybody; it waits to be closed"),
    "closed": ("pass", "reached everybody and is closed"),
    "rolled_back": ("fail", "was rolled back"),
    "aborted": ("fail", "was aborted by a person"),
}
UNITS = {"": fmt.Unit(after=" ×", most_decimals=2), "quality": fmt.POINTS, "sample_ratio": fmt.SHARE}
"""What checks measure; most of them, under the empty name, the candidate's value as a multiple of the control's."""
_HEADS = ("After", "What", "Share", "Why", "Who")


class Aftermath(msgspec.Struct, frozen=True, kw_only=True):
    """What is told beside the story itself."""

    migration: str
    begun: str
    log_head: str
    """Hash of the log's last event: whoever has it can tell whether the log was changed."""
    broken_at: int | None
    """The first event that does not follow from the one before it; None: the chain is whole."""
    patch: str = ""
    to_do: tuple[str, ...] = ()


def headline(story: Chronicle) -> str:
    """One sentence."""
    plan, (_, ends) = story.plan, _ENDS[story.state.status]
    why = next((t.reason for t in reversed(story.steps) if t.action in ("roll_back", "abort")), "")
    said = f"{fmt.plain(plan.to)} in place of {fmt.plain(plan.from_)} {ends} after {fmt.duration(story.lasted_s)}"
    return f"{said}: {fmt.plain(why, 200)}." if why else f"{said}."


def figures(story: Chronicle) -> list[tuple[str, str]]:
    """What can be counted: (what, how much)."""
    tally = story.tally
    rows = [
        ("Users or conversations that had the candidate", f"{tally.candidate_units:,}"),
        ("Requests it was tried with", f"{tally.candidate_requests:,} of {tally.requests:,}"),
        ("What they cost", f"${story.spent_usd:,.4f}"),
        ("Pairs compared in shadow", f"{tally.pairs:,}"),
        ("Ratings", f"{tally.ratings:,}"),
        ("Units left out because they had been on both sides", f"{tally.crossed:,}"),
    ]
    return [*rows, *_rollback_times(story)]


def _rollback_times(story: Chronicle) -> Iterator[tuple[str, str]]:
    back = next((t for t in story.steps if t.action in ("roll_back", "abort")), None)
    if back is None:
        return
    breached = [j.breached_at_s for j in story.judgements.values() if j.breached_at_s is not None]
    if breached and back.action == "roll_back":
        yield "From the request that settled it to the decision", fmt.duration(max(0.0, back.at_s - min(breached)))
    obeyed = next((c for c in story.confirmed if c.weight == 0.0 and c.at_s >= back.at_s), None)
    yield (
        "From the decision until every replica was seen to obey",
        "not seen" if obeyed is None else f"{fmt.duration(obeyed.after_s)} ({obeyed.replicas} replicas)",
    )
    yield "Requests that still reached the candidate afterwards", f"{story.leaked:,}"


def step_rows(steps: Sequence[Told]) -> list[tuple[str, ...]]:
    """Everything that was done, a row each."""
    return [
        (
            fmt.duration(told.at_s),
            told.action.replace("_", " "),
            f"{100 * told.weight:.4g} %",
            fmt.plain(f"{told.reason}; “{told.why}”" if told.why else told.reason, 300),
            fmt.plain(told.actor) or "pointsman",
        )
        for told in steps
    ]


def postmortem_page(story: Chronicle, aftermath: Aftermath) -> str:
    """The whole page."""
    plan = story.plan
    heading = f"{fmt.plain(plan.route)}: {fmt.plain(plan.from_)} → {fmt.plain(plan.to)}"
    verdict = _ENDS[story.state.status][0]
    header = tag(
        "header",
        tag("p", f"Migration {aftermath.migration} · begun {aftermath.begun}", class_="facts-line"),
        tag("h1", heading),
        tag("p", headline(story), class_="headline"),
        tag("p", sections.verdict(verdict), class_="reason"),
    )
    return whole_page(
        f"{heading}: post-mortem", header, list(_parts(story, aftermath)), [f" from the log of {aftermath.migration}."]
    )


def _parts(story: Chronicle, aftermath: Aftermath) -> Iterator[Part]:
    yield (
        "course",
        "The course of it",
        join((share_chart(story), sections.table("Steps", _HEADS, step_rows(story.steps), sortable=False))),
    )
    yield "evidence-part", "The evidence", join((evidence_chart(story), _checks(story)))
    yield "figures", "In figures", sections.table("Figures", ("", ""), figures(story), sortable=False)
    yield "to-do", "To tidy up", _to_do(aftermath)
    yield "sound", "Whether to believe this", join(tag("p", line) for line in _soundness(story, aftermath))


def _checks(story: Chronicle) -> Html:
    rows = [
        (
            name,
            "guardrail" if name in story.plan.guardrails else "signal",
            sections.estimate(judged.estimate, UNITS.get(name, UNITS[""])),
            sections.verdict(verdict_name(judged.verdict)),
            judged.verdict.reason,
        )
        for name, judged in story.judgements.items()
    ]
    return sections.table("Checks at the end", ("Check", "Role", "Measured", "Verdict", "Why"), rows)


def _to_do(aftermath: Aftermath) -> Html | None:
    if not aftermath.patch and not aftermath.to_do:
        return None
    listed = tag("ul", *(tag("li", fmt.plain(line, 300)) for line in aftermath.to_do)) if aftermath.to_do else None
    return join((tag("pre", aftermath.patch) if aftermath.patch else None, listed))


def _soundness(story: Chronicle, aftermath: Aftermath) -> Iterator[str]:
    if aftermath.broken_at is not None:
        yield f"The log has been changed: event {aftermath.broken_at} does not follow from the one before it."
    else:
        whole = "Every event of the log carries the hash of the one before it, and the chain is whole."
        yield f"{whole} Its head is {aftermath.log_head}."
    if story.differences:
        yield f"Taken again, not every step comes out as it was taken: {'; '.join(story.differences[:5])}."
    else:
        yield "Taken again from what was seen and commanded, every step comes out as it was taken, to the last bit."


def postmortem_markdown(story: Chronicle, aftermath: Aftermath) -> str:
    """The same for an issue tracker: what happened, in figures, what to do."""
    plan = story.plan
    blocks = [
        f"# {escaped(plan.route)}: {escaped(plan.from_)} → {escaped(plan.to)}",
        f"**{escaped(headline(story))}**",
        f"Migration `{aftermath.migration}`, begun {aftermath.begun}.",
        _markdown_table(_HEADS, step_rows(story.steps)),
        _markdown_table(("", ""), figures(story)),
        "\n".join(f"- [ ] {escaped(line)}" for line in aftermath.to_do),
        f"```diff\n{aftermath.patch}```" if aftermath.patch else "",
        "\n".join(f"- {escaped(line)}" for line in _soundness(story, aftermath)),
    ]
    return "\n\n".join(b for b in blocks if b) + "\n"


def _markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows)])
