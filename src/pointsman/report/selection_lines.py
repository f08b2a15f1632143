"""What a selection says, line by line: the same words on a terminal, on a page and in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pointsman.core.estimate import Estimate, Unknown
from pointsman.report import format as fmt
from pointsman.selection.robustness import oftenest
from pointsman.selection.screen import Finding
from pointsman.selection.select import Choice, Selection
from pointsman.selection.usecases import find_use_case

__all__ = [
    "ABILITY",
    "beaten_lines",
    "grown",
    "headline",
    "leaf_lines",
    "month",
    "month_range",
    "near_tie",
    "per_request",
    "refused_rows",
    "robustness_lines",
    "role_lines",
    "says_ability",
    "scope",
    "share",
    "tree_steps",
    "use_case_lines",
    "verify_lines",
]

ABILITY = (
    "Ability: one scale for all published results; 0 is the average model, and one point is the spread between models "
    "(a standard deviation)."
)
_REFUSALS_SHOWN = 3
_BEATEN_SHOWN = 4
_NEAR = 0.02
"""Scores nearer than this are called a tie: a tenth of the width of an ordinary score's interval."""
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


def scope(s: Selection) -> str:
    """Whose needs, on which day, out of how many."""
    asked = f"profile {s.requirements.profile}" if s.requirements.profile else fmt.plain(s.requirements.name)
    how_many = f"{fmt.count(s.considered)} offers, {fmt.count(len(s.refused))} refused, {fmt.count(len(s.finalists))} finalists"
    return f"{asked} · as of {s.as_of} · {how_many}"


def headline(s: Selection) -> str:
    """The answer in one sentence."""
    names = [c.ranked.candidate.id for c in s.shortlist]
    if not names:
        return "Nothing on the shortlist."
    if not s.verified:
        return fmt.plain(f"Nobody is known to meet every must. Not ruled out, to verify first: {', '.join(names)}.")
    if len(names) == 1:
        return fmt.plain(f"One candidate: {names[0]}.")
    return fmt.plain(f"Try these {len(names)}, in this order: {', '.join(names)}.")


def near_tie(s: Selection) -> str:
    """That nobody is clearly first, and why the first stands first; empty where one is."""
    if len(s.shortlist) < 2 or not s.verified:
        return ""
    first, rivals = s.shortlist[0].ranked, s.finalists[1:]
    rival = min(rivals, key=lambda r: first.score.value - r.score.value, default=None)
    if rival is None or first.score.value - rival.score.value >= _NEAR:
        return ""
    gains = sorted((a.weight * a.value - b.weight * b.value, a.criterion) for a, b in zip(first.parts, rival.parts, strict=True))
    why = f"; it is ahead on {gains[-1][1]} and behind on {gains[0][1]}" if gains[0][0] < 0 < gains[-1][0] else ""
    gap = first.score.value - rival.score.value
    return fmt.plain(f"A near tie: {first.candidate.id} scores only {gap:.3f} more than {rival.candidate.id}{why}.")


def says_ability(s: Selection) -> bool:
    """Whether any reason speaks of ability, which then wants explaining."""
    return any("ability" in p.words for c in s.shortlist for p in c.ranked.parts)


def robustness_lines(s: Selection) -> list[str]:
    """Which weights would change the first place, who might yet overtake, and whom the draws prefer."""
    r = s.robustness
    if not s.finalists:
        return []
    lines = [f"{f.criterion} counts {f.now:.0%}; at {f.at:.0%}, {f.new_first} would be first" for f in r.flips[:3]]
    if not r.flips and len(s.finalists) > 1:
        lines.append("no single weight puts another finalist first")
    lines += [f"too little is known: {o.words}" for o in r.overtakers[:3]]
    return lines + ([f"varied, another comes first more often: {oftener}"] if (oftener := oftenest(s.finalists, r)) else [])


def verify_lines(s: Selection) -> list[str]:
    """Open questions, each with the offers it is open for."""
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
    return lines


def beaten_lines(s: Selection) -> list[str]:
    """Who is on the Pareto front, and which finalists are not, with the reason."""
    front = s.front
    if not front.members:
        return []
    ids = [r.candidate.id for r in front.members]
    lines = [f"nobody beats these on every wish: {', '.join(ids[:8])}{f' and {len(ids) - 8} more' if len(ids) > 8 else ''}"]
    finalists = {r.candidate.id for r in s.finalists}
    return lines + [b.words for b in front.beaten if b.offer in finalists][:_BEATEN_SHOWN]


def refused_rows(s: Selection) -> list[tuple[int, str, str]]:
    """How many each constraint refuses, what it is in words, and the strongest of those refused with the fact."""
    counts = Counter(f.constraint for f in s.refused)
    rows = []
    for constraint, n in counts.most_common():
        word = _CONSTRAINT_WORD.get(constraint, constraint.replace("capabilities.", "no ").replace("_", " "))
        rows.append((n, word, _examples([f for f in s.refused if f.constraint == constraint])))
    return rows


def _examples(findings: Sequence[Finding]) -> str:
    """The first few; offers that the same fact refuses share it."""
    alike: dict[str, list[str]] = {}
    for f in findings[:_REFUSALS_SHOWN]:
        alike.setdefault(f"{f.fact}{_source(f)}", []).append(f.offer)
    return "; ".join(f"{', '.join(offers)} {fact}" for fact, offers in alike.items())


def tree_steps(s: Selection) -> list[str]:
    """Each question of the guide's tree on the way to its leaf, with the answer and what it rests on."""
    return [f"{step.question} {step.answer} — {step.input}" for step in s.guidance.trace.path]


def leaf_lines(s: Selection) -> list[str]:
    """What the leaf says on the day, and what the guide said itself."""
    g = s.guidance
    leaf = g.trace.leaf
    answer = ", ".join(g.bound.models) if g.bound.models else leaf.action or "nobody in the catalogue holds this role"
    whose = f"its role {leaf.role} is held by" if g.bound.by_role and leaf.role else "it says"
    lines = [f"leaf {leaf.id}, {leaf.title} (guide lines {leaf.lines}): {whose} {answer}"]
    if g.bound.by_role and g.bound.named:
        lines.append(f"the guide itself: {'; '.join(f'{m.name} ({m.state})' for m in g.bound.named)}")
    lines += [f"also: {a}" for a in leaf.also]
    return lines + ([f"note: {leaf.note}"] if leaf.note else [])


def use_case_lines(s: Selection) -> tuple[str, list[str]]:
    """For a profile: where the guide speaks of it, its choice of 2024, its advice. Without one, nothing."""
    if s.requirements.profile is None:
        return "", []
    case = find_use_case(s.requirements.profile)
    chosen = f"its choice of 2024 was {' or '.join(case.best)}: {case.because}"
    return f"The guide on this use case (lines {case.guide_lines})", [chosen, *case.advice]


def role_lines(s: Selection) -> list[str]:
    """For a profile: each part of the work and the models for it."""
    return [f"{part.replace('_', ' ')}: {', '.join(models) or 'nobody'}" for part, models in s.role_holders.items()]


def share(m: Estimate | None) -> str:
    """A share in whole per cent; empty if there is none."""
    return "" if m is None else f"{m.value:.0%}"


def per_request(c: Choice) -> str:
    """Dollars of one request."""
    return "unknown" if isinstance(c.money, Unknown) else fmt.dollars(c.money.usd_per_request)


def month(c: Choice) -> str:
    """Dollars of the first month."""
    m = _monthly(c)
    return "unknown" if m is None else f"${m.value:,.0f}"


def month_range(c: Choice) -> str:
    """The same with the volume a quarter off either way; for own cards, over prices and speeds."""
    m = _monthly(c)
    return "" if m is None else f"[{m.low:,.0f}, {m.high:,.0f}]"


def grown(c: Choice) -> str:
    """Dollars of a month after twelve months of growth."""
    if isinstance(c.money, Unknown) or c.money.usd_per_month_grown is None:
        return "unknown"
    return f"${c.money.usd_per_month_grown:,.0f}"


def _monthly(c: Choice) -> Estimate | None:
    found = None if isinstance(c.money, Unknown) else c.money.usd_per_month
    return found if isinstance(found, Estimate) else None


def _source(f: Finding) -> str:
    said = ", ".join(p for p in (f.source, f.checked_on) if p)
    return f" ({said})" if said else ""
