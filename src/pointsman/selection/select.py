"""From needs to a shortlist: screening, front, ranking, robustness, the guide's tree, and the reasons for each.

Pure: the catalogue, the user's results, the day and the seed come in as arguments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from pointsman.catalog.load import Catalog
from pointsman.core.estimate import Estimate, Unknown
from pointsman.selection.candidate import Candidate, candidates
from pointsman.selection.criteria import Criterion, criteria
from pointsman.selection.evidence import Ability, Evidence
from pointsman.selection.explain import conflicts, makers_offer, reasons
from pointsman.selection.guide_matrix import matrix_claims
from pointsman.selection.money import Money, Prices
from pointsman.selection.own_results import OwnResult
from pointsman.selection.pareto import Front, front
from pointsman.selection.rank import Ranked, best_of_each_model, rank
from pointsman.selection.requirements import Requirements
from pointsman.selection.robustness import Robustness, robustness, separator
from pointsman.selection.roles import RoleFinder
from pointsman.selection.rules import firing
from pointsman.selection.screen import Finding, Screening, screen
from pointsman.selection.shortlist import best_of_each_line, shortlist
from pointsman.selection.sifted import sifted
from pointsman.selection.situation import answers
from pointsman.selection.tree import Bound, Trace, bind, model_state, other_branches, walk
from pointsman.selection.usecases import find_use_case

__all__ = ["Choice", "Guidance", "Selection", "select"]

_FINALISTS = 8


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One place on the shortlist."""

    ranked: Ranked
    money: Money | Unknown
    why: tuple[str, ...]


class Guidance(msgspec.Struct, frozen=True, kw_only=True):
    """What the guide's tree says, and what speaks against it."""

    trace: Trace
    bound: Bound
    conflicts: tuple[str, ...]
    rules: tuple[str, ...]
    """The decision matrix and the shortcuts that apply, in words."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a selection found."""

    requirements: Requirements
    as_of: date
    considered: int
    wishes: tuple[Criterion, ...]
    shortlist: tuple[Choice, ...]
    finalists: tuple[Ranked, ...]
    """The best of each line, best first."""
    refused: tuple[Finding, ...]
    """Those a reader asks about come first: makers' own offers, the ablest model first, each model once before any twice."""
    sifted: tuple[str, ...]
    """What became of those that are neither refused nor finalists, in words."""
    to_verify: tuple[Finding, ...]
    """Open questions about the shortlist, and about those that only an unanswered document keeps off it."""
    front: Front
    robustness: Robustness
    guidance: Guidance
    role_holders: dict[str, tuple[str, ...]]
    """For a profile: each part of the work and the models for it, by id."""
    sources: dict[str, str]
    """Sources of the facts used and the day each was read."""
    notes: tuple[str, ...]

    @property
    def verified(self) -> bool:
        """Whether documents say that the whole shortlist meets every must; False for an empty one."""
        return bool(self.shortlist) and all(c.ranked.verified for c in self.shortlist)


def select(
    catalog: Catalog,
    requirements: Requirements,
    *,
    as_of: date,
    own: Mapping[str, tuple[OwnResult, ...]],
    callable_providers: frozenset[str],
    seed: int = 0,
) -> Selection:
    """Choose. `own` holds the user's results by model id; `callable_providers` are those `pointsman eval` can ask."""
    today = catalog_day(catalog)
    evidence = Evidence(catalog, own, as_of.isoformat() if as_of < today else None)
    prices = Prices(requirements, as_of)
    everything = candidates(catalog, requirements.must.modalities_out)
    screening = screen(everything, requirements, as_of, evidence, prices, today)
    wishes = criteria(requirements)
    ranked = rank(screening.kept, wishes, evidence, prices, callable_providers)
    by_model = best_of_each_model(ranked)
    sure = [r for r in by_model if r.verified and r.callable] or [r for r in by_model if r.verified] or list(by_model)
    shown = [r for r in sure if r.shown]
    lines = best_of_each_line(shown if len(shown) > 1 else sure)
    finalists = lines[:_FINALISTS]
    open_candidates = [r for r in sure if r.candidate.own_offer and not r.shown]
    found = robustness(finalists, open_candidates, wishes, seed)
    chosen = shortlist(finalists, found.first_place)
    found = msgspec.structs.replace(found, separator=separator(chosen, wishes))
    beaten = front(sure)
    finder = RoleFinder(everything, as_of, today, evidence)
    guidance = _guidance(finder, catalog, requirements, as_of, today, evidence, prices, everything, beaten, finalists)
    return Selection(
        requirements=requirements,
        as_of=as_of,
        considered=len(everything),
        wishes=wishes,
        shortlist=tuple(_choice(r, prices, found, finalists, beaten, makers_offer(r, ranked, screening.refused)) for r in chosen),
        finalists=finalists,
        refused=_asked_about_first(screening.refused, everything, evidence),
        sifted=sifted(ranked, by_model, sure, lines, len(finalists)),
        to_verify=_open_questions(chosen, by_model),
        front=beaten,
        robustness=found,
        guidance=guidance,
        role_holders=_role_holders(requirements, finder),
        sources={s.name: s.checked_on for s in catalog.sources.values()},
        notes=(*_notes(requirements, as_of, today, screening, finalists, chosen), *_unsized(chosen, sure, prices)),
    )


def catalog_day(catalog: Catalog) -> date:
    """The day the catalogue speaks of: when its newest source was read."""
    return max(date.fromisoformat(s.checked_on[:10]) for s in catalog.sources.values() if len(s.checked_on) >= 10)


def _choice(r: Ranked, prices: Prices, found: Robustness, finalists: Sequence[Ranked], beaten: Front, instead: str) -> Choice:
    money = prices.listed(r.candidate)
    return Choice(ranked=r, money=money, why=reasons(r, money, found, finalists, beaten, instead))


def _guidance(
    finder: RoleFinder,
    catalog: Catalog,
    requirements: Requirements,
    as_of: date,
    today: date,
    evidence: Evidence,
    prices: Prices,
    everything: Sequence[Candidate],
    beaten: Front,
    finalists: Sequence[Ranked],
) -> Guidance:
    said = answers(requirements)
    trace = walk(said)
    named = tuple(model_state(catalog, name, as_of, requirements.must.horizon_months, today) for name in trace.leaf.models)
    bound = bind(trace.leaf, named, finder.holders)
    rules = firing(said)

    def judge(pool: Sequence[Candidate]) -> Screening:
        return screen(pool, requirements, as_of, evidence, prices, today)

    return Guidance(
        trace=trace,
        bound=bound,
        conflicts=conflicts(
            trace=trace,
            bound=bound,
            others=other_branches(said, trace),
            rules=rules,
            judge=judge,
            everything=everything,
            beaten=beaten,
            finalists=finalists,
            claims=[c for c in matrix_claims(catalog) if c.model in trace.leaf.models and c.verdict == "refuted"],
        ),
        rules=tuple(f"{r.table} {r.id}: {' and '.join(r.when)} → {r.says}" for r in rules),
    )


def _role_holders(requirements: Requirements, finder: RoleFinder) -> dict[str, tuple[str, ...]]:
    if requirements.profile is None:
        return {}
    wanted = find_use_case(requirements.profile).roles
    return {part: tuple(r.candidate.model for r in finder.holders(role)[:2]) for part, role in wanted.items()}


def _open_questions(chosen: Sequence[Ranked], by_model: Sequence[Ranked]) -> tuple[Finding, ...]:
    """What is open about the shortlist, then about candidates that rank above it but for one unanswered document."""
    least = min((r.score.value for r in chosen), default=0.0)
    nearly = [
        r
        for r in by_model
        if r.candidate.own_offer
        and r.score.value > least
        and not r.verified
        # Whoever is off the lists is more likely gone than overlooked, and two silences are no near miss.
        and [f.constraint == "lifecycle" for f in r.to_verify if f.blocking] == [False]
    ]
    nearly = [r for r in nearly if r not in chosen]
    return tuple(f for r in (*chosen, *nearly[:5]) for f in r.to_verify)


def _unsized(chosen: Sequence[Ranked], sure: Sequence[Ranked], prices: Prices) -> list[str]:
    """Weights on the shortlist whose cards nobody can count, and the best of those for which somebody can."""
    dark = [r.candidate.id for r in chosen if r.candidate.offer is None and isinstance(prices.listed(r.candidate), Unknown)]
    if not dark:
        return []
    at = f"how many cards {', '.join(dark)} would need is unknown, and with it the bill: ask for that before anything else"
    for r in sure:
        if r.candidate.offer is None and isinstance(money := prices.listed(r.candidate), Money):
            month = money.usd_per_month
            bill = f" at about ${month.value:,.0f} a month" if isinstance(month, Estimate) else ""
            return [f"{at}; the best whose cards can be counted is {r.candidate.id}{bill}, {'; '.join(money.notes)}"]
    return [at]


def _asked_about_first(refused: Sequence[Finding], everything: Sequence[Candidate], evidence: Evidence) -> tuple[Finding, ...]:
    of = {c.id: c for c in everything}
    able = {m: -a.value if isinstance(a := evidence.ability(m), Ability) else math.inf for m in {c.model for c in of.values()}}
    ordered = sorted(refused, key=lambda f: (not of[f.offer].own_offer, able[of[f.offer].model], len(f.offer), f.offer))
    first = {of[f.offer].model: f.offer for f in reversed(ordered)}
    return tuple(sorted(ordered, key=lambda f: first[of[f.offer].model] != f.offer))


def _notes(
    requirements: Requirements,
    as_of: date,
    today: date,
    screening: Screening,
    finalists: Sequence[Ranked],
    chosen: Sequence[Ranked],
) -> tuple[str, ...]:
    notes = [f"accepted: {name}: {why}" for name, why in requirements.accept.items()]
    if as_of < today:
        notes.append(
            "looking back: shutdowns known today are applied as facts, most published scores carry no date, "
            "and a model whose release nobody dates is left to verify"
        )
    untimed = [r.candidate.id for r in chosen if any(f.constraint == "latency" for f in r.to_verify)]
    if untimed:
        notes.append(f"your limit on latency is not checked for {', '.join(untimed)}: only a bake-off can (`pointsman eval`)")
    dark = sorted({p.criterion for r in chosen for p in r.parts if not p.known})
    if chosen and all(sum(p.weight for p in r.parts if p.known) < 0.5 for r in chosen):
        known = sorted({p.criterion for r in chosen for p in r.parts if p.known})
        rests = f"the order rests on {' and '.join(known)} alone" if known else "nothing orders these"
        notes.append(f"nothing is published on {', '.join(dark)}: {rests}; a bake-off will tell more")
    read_as = [r.candidate.id for r in chosen if any(p.inherited_from for p in r.parts)]
    if read_as:
        notes.append(f"part of the evidence is of predecessors, not of the model itself; see below: {', '.join(read_as)}")
    if not finalists:
        counts: dict[str, int] = {}
        for f in screening.refused:
            counts[f.constraint] = counts.get(f.constraint, 0) + 1
        worst = max(counts, key=lambda k: counts[k], default="")
        notes.append(f"nothing meets every must; {worst} rules out most: name it under `accept` to see what it costs you")
    return tuple(notes)
