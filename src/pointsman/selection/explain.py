"""Reasons in words: why a candidate is on the shortlist, and what speaks against the tree's leaf."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pointsman.core.estimate import Estimate, Unknown
from pointsman.selection.candidate import Candidate
from pointsman.selection.evidence import Basis
from pointsman.selection.guide_matrix import Claim
from pointsman.selection.lineage import GAIN
from pointsman.selection.money import Money
from pointsman.selection.pareto import Front
from pointsman.selection.rank import Ranked
from pointsman.selection.robustness import Robustness
from pointsman.selection.rules import Rule, disagreements
from pointsman.selection.screen import Finding, Screening
from pointsman.selection.tree import Bound, Leaf, Step, Trace, candidate_for, refusal_words

__all__ = ["conflicts", "makers_offer", "reasons"]

_MOST_BASIS = 3


def reasons(
    r: Ranked, money: Money | Unknown, found: Robustness, finalists: Sequence[Ranked], beaten: Front, instead: str = ""
) -> tuple[str, ...]:
    """One line each: its place, what each wish rests on with source and date, its bill, whether somebody beats it.

    `instead` says why this offer of the model stands here and not its maker's.
    """
    lines = [_place(r, found, finalists)]
    told: dict[tuple[Basis, ...], str] = {}
    for p in r.parts:
        again = told.get(p.basis) if p.basis else None
        rests_on = f" — the same evidence as {again}" if again else _sources(p.basis, p.inherited_from, p.words)
        told.setdefault(p.basis, p.criterion)
        lines.append(f"{p.criterion} ({p.weight:.0%}): {p.words}{rests_on}")
    if isinstance(money, Money):
        lines += [*_bill(money), *(f"price: {note}" for note in money.notes)]
    if instead:
        lines.append(instead)
    lines += _other_maker(r, finalists)
    by = next((b for b in beaten.beaten if b.offer == r.candidate.id), None)
    if by is not None:
        lines.append(by.words)
    return tuple(lines)


def _place(r: Ranked, found: Robustness, finalists: Sequence[Ranked]) -> str:
    chance = found.first_place.get(r.candidate.id)
    rank = next((i for i, f in enumerate(finalists, 1) if f is r), 0)
    share = f"; first in {chance.value:.0%} of trials with weights and scores varied" if isinstance(chance, Estimate) else ""
    return f"place {rank} of {len(finalists)} finalists, score {r.score.value:.2f} [{r.score.low:.2f}, {r.score.high:.2f}]{share}"


def _other_maker(r: Ranked, finalists: Sequence[Ranked]) -> list[str]:
    """Why somebody further down stands here: the first finalist that is not by the maker of the best."""
    maker = finalists[0].candidate.maker
    other = next((i for i, f in enumerate(finalists) if f.candidate.maker != maker), 0)
    if other < 2 or finalists[other] is not r:
        return []
    return [f"here as the best that is not by {maker}: models of one maker fail together, on the same day and in the same way"]


def _bill(money: Money) -> list[str]:
    month = money.usd_per_month
    if isinstance(month, Unknown):
        return []
    grown = "" if money.usd_per_month_grown is None else f"; ${money.usd_per_month_grown:,.0f} after twelve months of growth"
    return [f"a month: ${month.value:,.0f}, from ${month.low:,.0f} to ${month.high:,.0f} by {month.method}{grown}"]


def makers_offer(r: Ranked, kept: Sequence[Ranked], refused: Sequence[Finding]) -> str:
    """Why somebody else's offer of a model stands here and not its maker's own; empty if it is the maker's, or has none."""
    c = r.candidate
    own = None if c.own_offer or c.offer is None else c.facts.own_offer_of(c.model)
    if own is None:
        return ""
    out = next((f for f in refused if f.offer == own.id), None)
    if out is not None:
        return f"not at its maker: {own.id} {out.fact}{_by(out.source, out.checked_on)}"
    there = next((k for k in kept if k.candidate.id == own.id), None)
    if there is None:
        return ""
    blocking = next((f for f in there.to_verify if f.blocking), None)
    if blocking is not None:
        return f"not at its maker: of {own.id} {blocking.fact}, while {blocking.need} is asked"
    return f"not at its maker: {own.id} scores {there.score.value:.2f}"


def _sources(basis: Sequence[Basis], inherited: str, words: str) -> str:
    own = [b for b in basis if b.checked_on or not inherited]
    more = f"; {len(own) - _MOST_BASIS} more" if len(own) > _MOST_BASIS else ""
    gain = f" plus what a successor usually gains (+{GAIN:.2f})" if len(own) < len(basis) else ""
    whose = f"no result of its own; estimated as {inherited}'s{gain}: " if inherited else ""
    if not whose and [b.text for b in own] == [words]:
        return _by(own[0].source, own[0].checked_on)
    shown = "; ".join(_basis(b) for b in own[:_MOST_BASIS])
    return f" — {whose}{shown}{more}" if shown or whose else ""


def _basis(b: Basis) -> str:
    when = f", {b.checked_on}" if b.checked_on else ""
    return f"{b.text} ({b.source}{when}{'; ' + b.caution if b.caution else ''})"


def conflicts(
    *,
    trace: Trace,
    bound: Bound,
    others: Sequence[tuple[Step, Leaf]],
    rules: Sequence[Rule],
    judge: Callable[[Sequence[Candidate]], Screening],
    everything: Sequence[Candidate],
    beaten: Front,
    finalists: Sequence[Ranked],
    claims: Sequence[Claim],
) -> tuple[str, ...]:
    """Everything that speaks against the leaf, heaviest first.

    Its models against the musts; what became of the guide's models; other branches that apply; evidence
    that something beats its models; cells of the feature matrix that facts refute; other rules of the guide;
    and where the ranking puts them.
    """
    leaf = trace.leaf
    return (
        *([f"leaf {leaf.id} names no model: {leaf.action}"] if not leaf.models else []),
        *_against_needs(leaf, bound, judge, everything),
        *(f"{g.name}: {g.state}{_by(g.source, g.checked_on)}" for g in bound.named if not g.alive),
        *(_hidden(step, other, leaf, trace) for step, other in others),
        *_against_evidence(bound, beaten),
        *(c.words for c in claims),
        *disagreements(rules, leaf.id, leaf.models),
        *_against_ranking(bound, finalists),
    )


def _against_needs(
    leaf: Leaf, bound: Bound, judge: Callable[[Sequence[Candidate]], Screening], everything: Sequence[Candidate]
) -> list[str]:
    names = {g.model: g.name for g in bound.named}
    found = []
    asked = dict.fromkeys((*(g.model for g in bound.named), *bound.models))
    for model in asked:
        candidate = candidate_for(model, everything, self_hosted=leaf.deployment == "self_hosted")
        if candidate is None:
            continue
        refused = judge([candidate]).refused
        # What became of the guide's models is said on its own.
        told = {g.model for g in bound.named if not g.alive}
        found += [refusal_words(names.get(model, model), f) for f in refused if f.constraint != "lifecycle" or model not in told]
    return found


def _hidden(step: Step, other: Leaf, leaf: Leaf, trace: Trace) -> str:
    first = next((s for s in trace.path if s.answer == "yes"), trace.path[-1])
    names = " or ".join(other.models) or other.action
    return (
        f"“{step.question}” is also yes ({step.input}) and would lead to {other.id}: {names}; "
        f"the tree never asks, because “{first.question}” comes first and led to {leaf.id}"
    )


def _against_evidence(bound: Bound, beaten: Front) -> list[str]:
    models = {r.candidate.id: r.candidate.model for r in bound.holders}
    wanted = {*bound.models, *models.values()}
    return [b.words for b in beaten.beaten if b.model in wanted]


def _against_ranking(bound: Bound, finalists: Sequence[Ranked]) -> list[str]:
    if not finalists or not bound.models:
        return []
    first = finalists[0]
    if first.candidate.model in bound.models:
        return []
    places = [(i, r.candidate.model) for i, r in enumerate(finalists, 1) if r.candidate.model in bound.models]
    where = "; ".join(f"{model} is at place {i}" for i, model in places) or "none of the leaf's models is among the finalists"
    return [f"by your weights {first.candidate.id} comes first; {where}"]


def _by(source: str, day: str) -> str:
    return f" ({source}, {day})" if source else ""
