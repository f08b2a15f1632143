"""A selection on a terminal: who, at what price, why, and what speaks against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pointsman.core.estimate import Estimate, Unknown
from pointsman.report import format as fmt
from pointsman.report.terminal import Column, print_table
from pointsman.selection.needs_words import needs_words
from pointsman.selection.robustness import oftenest
from pointsman.selection.screen import Finding
from pointsman.selection.select import Choice, Selection
from pointsman.selection.usecases import find_use_case

__all__ = ["print_selection", "print_tree"]

_REFUSALS_SHOWN = 3
_BEATEN_SHOWN = 4
_SCORE = (
    "Score: your weights on fixed anchors, 0 to 1. First in: share of draws of weights and scores. Range: the volume a quarter "
    "off. Grown: in twelve months. Open: what to verify."
)
_ABILITY = "Ability: 0 is the average model with published results, 1 the usual distance between two models."
_CONSTRAINT_WORD = {
    "lifecycle": "gone, or gone within the horizon",
    "modalities_in": "does not read what is needed",
    "modalities_out": "does not write what is needed",
    "context_tokens": "window too small",
    "output_tokens": "answers too short",
    "commercial_use": "licence",
    "open_weights": "weights",
    "budget": "over budget",
    "quality": "below the quality floor",
    "latency": "too slow",
    "providers": "ruled out by you",
    "privacy.stays_on_premises": "data would leave your premises",
    "privacy.region": "not in the region",
    "privacy.no_training": "may train on the data",
}


def print_selection(s: Selection, console: Console, *, tree: bool = False) -> None:
    """Shortlist, reasons, robustness, what to verify, who is out, and the guide's tree (its path only if asked)."""
    _heading(s, console)
    _shortlist(s, console)
    for choice in s.shortlist:
        _why(choice, console)
    _robustness(s, console)
    _verify(s, console)
    _beaten(s, console)
    _refused(s, console)
    print_tree(s, console, path=tree)
    _use_case(s, console)
    _roles(s, console)


def _heading(s: Selection, console: Console) -> None:
    asked = f"profile {s.requirements.profile}" if s.requirements.profile else fmt.plain(s.requirements.name)
    scope = f"{asked} · as of {s.as_of} · {fmt.count(s.considered)} offers, {fmt.count(len(s.refused))} refused"
    console.print(Text(scope, style="dim"))
    names = [c.ranked.candidate.id for c in s.shortlist]
    if not names:
        line = "Nothing on the shortlist."
    elif not s.verified:
        line = f"Nobody is known to meet every must. Not ruled out, to verify first: {', '.join(names)}."
    elif len(names) == 1:
        line = f"One candidate: {names[0]}."
    else:
        line = f"Try these {len(names)}, in this order: {', '.join(names)}."
    console.print(Text(fmt.plain(line), style="bold"))
    for note in s.notes:
        console.print(Text(f"! {fmt.plain(note)}", style="yellow"))
    _section(console, "Needs", needs_words(s.requirements, s.wishes))


def _shortlist(s: Selection, console: Console) -> None:
    if not s.shortlist:
        return
    first = s.robustness.first_place
    ids = [c.ranked.candidate.id for c in s.shortlist]
    columns = (
        Column(head="Offer", cells=tuple(fmt.plain(i) for i in ids), least=24),
        Column(head="Score", cells=tuple(f"{c.ranked.score.value:.2f}" for c in s.shortlist), right=True),
        Column(head="First in", cells=tuple(_percent(first.get(i)) for i in ids), right=True),
        Column(head="A request", cells=tuple(_request(c) for c in s.shortlist), right=True),
        Column(head="A month", cells=tuple(_month(c) for c in s.shortlist), right=True),
        Column(head="Range", cells=tuple(_month_range(c) for c in s.shortlist), optional=True),
        Column(head="Grown", cells=tuple(_grown(c) for c in s.shortlist), right=True, optional=True),
        Column(head="Open", cells=tuple(str(len(c.ranked.to_verify)) for c in s.shortlist), right=True, optional=True),
    )
    print_table(console, "Shortlist", columns)
    console.print(Text(_SCORE, style="dim"))
    if any("ability" in p.words for c in s.shortlist for p in c.ranked.parts):
        console.print(Text(_ABILITY, style="dim"))


def _why(choice: Choice, console: Console) -> None:
    console.print()
    console.print(Text(fmt.plain(choice.ranked.candidate.id), style="bold"))
    _bullets(console, choice.why)


def _robustness(s: Selection, console: Console) -> None:
    r = s.robustness
    if not s.finalists:
        return
    title = "How sure is the first place"
    lines = [f"{f.criterion} counts {f.now:.0%}; at {f.at:.0%}, {f.new_first} would be first" for f in r.flips[:3]]
    if not r.flips and len(s.finalists) > 1:
        lines.append("no single weight puts another finalist first")
    lines += [f"too little is known: {o.words}" for o in r.overtakers[:3]]
    lines += [f"by draws it is another: {oftener}"] if (oftener := oftenest(s.finalists, r)) else []
    _section(console, title, lines)
    if r.separator is not None:
        console.print(Padding(Text(f"The one question: {fmt.plain(r.separator.question)}", style="bold"), (0, 0, 0, 2)))


def _verify(s: Selection, console: Console) -> None:
    alike: dict[tuple[str, str], list[Finding]] = {}
    chosen = {c.ranked.candidate.id for c in s.shortlist}
    for f in s.to_verify:
        alike.setdefault((f.need, f.fact), []).append(f)
    lines = []
    for (need, fact), found in alike.items():
        offers = ", ".join(dict.fromkeys(f.offer for f in found))
        by = _source(found[0])
        kept_off = " (keeps it off the shortlist)" if found[0].blocking and not chosen & {f.offer for f in found} else ""
        lines.append(f"{need}: {fact}{by} — {offers}{kept_off}")
    _section(console, "Verify before you rely on it", lines)


def _beaten(s: Selection, console: Console) -> None:
    front = s.front
    if not front.members:
        return
    ids = [r.candidate.id for r in front.members]
    lines = [f"nobody beats these on every wish: {', '.join(ids[:8])}{f' and {len(ids) - 8} more' if len(ids) > 8 else ''}"]
    finalists = {r.candidate.id for r in s.finalists}
    lines += [b.words for b in front.beaten if b.offer in finalists][:_BEATEN_SHOWN]
    _section(console, "Pareto front", lines)


def _refused(s: Selection, console: Console) -> None:
    counts = Counter(f.constraint for f in s.refused)
    lines = []
    for constraint, n in counts.most_common():
        examples = _examples([f for f in s.refused if f.constraint == constraint])
        word = _CONSTRAINT_WORD.get(constraint, constraint.replace("capabilities.", "no ").replace("_", " "))
        lines.append(f"{fmt.count(n)} × {word}: {examples}")
    _section(console, "Refused", lines)


def _examples(findings: list[Finding]) -> str:
    """Offers of the best-known makers first: those are the ones a reader asks about."""
    known = ("openai:", "anthropic:", "gemini:", "mistral:", "vllm:meta/", "deepseek:", "xai:")
    ranked = sorted(findings, key=lambda f: (next((i for i, k in enumerate(known) if f.offer.startswith(k)), 99), len(f.offer)))
    shown = [f"{f.offer} {f.fact}{_source(f)}" for f in ranked[:_REFUSALS_SHOWN]]
    return "; ".join(shown)


def print_tree(s: Selection, console: Console, *, path: bool = True) -> None:
    """The guide's answer on the day; with the questions and answers that led there if asked."""
    g = s.guidance
    leaf = g.trace.leaf
    lines: list[str] = []
    if path:
        lines += [f"{step.question} {step.answer} — {step.input}" for step in g.trace.path]
    answer = ", ".join(g.bound.models) if g.bound.models else leaf.action or "nobody in the catalogue holds this role"
    whose = f"its role {leaf.role} is held by" if g.bound.by_role and leaf.role else "it says"
    lines.append(f"leaf {leaf.id}, {leaf.title} (guide lines {leaf.lines}): {whose} {answer}")
    if g.bound.by_role and g.bound.named:
        lines.append(f"the guide itself: {'; '.join(f'{m.name} ({m.state})' for m in g.bound.named)}")
    lines += [f"also: {a}" for a in leaf.also]
    lines += [f"note: {leaf.note}"] if leaf.note else []
    _section(console, "The guide's decision tree", lines)
    _section(console, "Conflicts with it", g.conflicts)
    if path:
        _section(console, "Other rules of the guide that apply", g.rules)


def _use_case(s: Selection, console: Console) -> None:
    if s.requirements.profile is None:
        return
    case = find_use_case(s.requirements.profile)
    chosen = f"its choice of 2024 was {' or '.join(case.best)}: {case.because}"
    _section(console, f"The guide on this use case (lines {case.guide_lines})", [chosen, *case.advice])


def _roles(s: Selection, console: Console) -> None:
    lines = [f"{part.replace('_', ' ')}: {', '.join(models) or 'nobody'}" for part, models in s.role_holders.items()]
    _section(console, "Parts of the work the guide gives to different models", lines)


def _section(console: Console, title: str, lines: Iterable[str]) -> None:
    found = list(lines)
    if not found:
        return
    console.print()
    console.print(Text(title, style="bold underline"))
    _bullets(console, found)


def _bullets(console: Console, lines: Iterable[str]) -> None:
    grid = Table.grid(padding=(0, 1))
    for line in lines:
        grid.add_row(" •", Text(fmt.plain(line)))
    console.print(grid)


def _percent(m: Estimate | None) -> str:
    return "" if m is None else f"{m.value:.0%}"


def _request(c: Choice) -> str:
    return "unknown" if isinstance(c.money, Unknown) else fmt.dollars(c.money.usd_per_request)


def _month(c: Choice) -> str:
    m = _monthly(c)
    return "unknown" if m is None else f"${m.value:,.0f}"


def _month_range(c: Choice) -> str:
    m = _monthly(c)
    return "" if m is None else f"[{m.low:,.0f}, {m.high:,.0f}]"


def _monthly(c: Choice) -> Estimate | None:
    found = None if isinstance(c.money, Unknown) else c.money.usd_per_month
    return found if isinstance(found, Estimate) else None


def _grown(c: Choice) -> str:
    if isinstance(c.money, Unknown) or c.money.usd_per_month_grown is None:
        return "unknown"
    return f"${c.money.usd_per_month_grown:,.0f}"


def _source(f: Finding) -> str:
    said = ", ".join(p for p in (f.source, f.checked_on) if p)
    return f" ({said})" if said else ""
