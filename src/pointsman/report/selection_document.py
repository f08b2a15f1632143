"""A selection as the one JSON document that `pointsman select --json` prints."""

from __future__ import annotations

from typing import Any

from pointsman.core.estimate import Unknown, measured_json
from pointsman.core.units import usd_text
from pointsman.selection.criteria import Part
from pointsman.selection.needs_words import needs_words
from pointsman.selection.rank import Ranked
from pointsman.selection.robustness import Robustness
from pointsman.selection.screen import Finding
from pointsman.selection.select import Choice, Guidance, Selection
from pointsman.selection.usecases import find_use_case

__all__ = ["selection_document"]


def selection_document(s: Selection) -> dict[str, Any]:
    """Everything a selection found, as JSON values; `schemas/select.schema.json` is its contract."""
    return {
        "as_of": s.as_of.isoformat(),
        "name": s.requirements.name,
        "profile": s.requirements.profile,
        "needs": list(needs_words(s.requirements, s.wishes)),
        "considered": s.considered,
        "shortlist": [_choice(c) for c in s.shortlist],
        "refused": [_refusal(f) for f in s.refused],
        "sifted": list(s.sifted),
        "to_verify": [_question(f) for f in s.to_verify],
        "pareto": [_ranked(r) for r in s.front.members],
        "dominated": [{"offer": b.offer, "by": b.by, "why": b.words} for b in s.front.beaten],
        "incomparable": len(s.front.incomparable),
        "ranking": [_ranked(r) for r in s.finalists],
        "criteria": [
            {"name": c.name, "weight": c.weight, "worst": c.worst, "best": c.best, "logarithmic": c.logarithmic, "unit": c.unit}
            for c in s.wishes
        ],
        "robustness": _robustness(s.robustness),
        "tree": _tree(s.guidance),
        "use_case": _use_case(s),
        "roles": {part: list(models) for part, models in s.role_holders.items()},
        "sources": s.sources,
        "notes": list(s.notes),
    }


def _use_case(s: Selection) -> dict[str, Any] | None:
    if s.requirements.profile is None:
        return None
    case = find_use_case(s.requirements.profile)
    return {"title": case.title, "guide_choice": list(case.best), "because": case.because, "advice": list(case.advice)}


def _choice(c: Choice) -> dict[str, Any]:
    known = None if isinstance(c.money, Unknown) else c.money
    return {
        "offer": c.ranked.candidate.id,
        "model": c.ranked.candidate.model,
        "provider": c.ranked.candidate.provider,
        "variant": c.ranked.candidate.name,
        "why": list(c.why),
        "score": measured_json(c.ranked.score),
        "usd_per_month": measured_json(known.usd_per_month if known else Unknown(str(getattr(c.money, "reason", "")))),
        "usd_per_request": usd_text(known.usd_per_request) if known else None,
        "usd_per_month_grown": usd_text(known.usd_per_month_grown) if known and known.usd_per_month_grown is not None else None,
        "price_source": known.source if known else None,
        "price_checked_on": known.checked_on if known else None,
        "parts": [_part(p) for p in c.ranked.parts],
    }


def _part(p: Part) -> dict[str, Any]:
    return {
        "criterion": p.criterion,
        "weight": p.weight,
        "utility": p.value if p.known else None,
        "low": p.low,
        "high": p.high,
        "value": p.raw,
        "words": p.words,
        "inherited_from": p.inherited_from or None,
        "basis": [{"text": b.text, "source": b.source, "checked_on": b.checked_on, "caution": b.caution} for b in p.basis],
    }


def _ranked(r: Ranked) -> dict[str, Any]:
    return {"offer": r.candidate.id, "model": r.candidate.model, "score": measured_json(r.score), "verified": r.verified}


def _refusal(f: Finding) -> dict[str, Any]:
    return {
        "offer": f.offer,
        "constraint": f.constraint,
        "need": f.need,
        "fact": f.fact,
        "source": f.source,
        "checked_on": f.checked_on,
    }


def _question(f: Finding) -> dict[str, Any]:
    return {
        "offer": f.offer,
        "constraint": f.constraint,
        "need": f.need,
        "open": f.fact,
        "source": f.source,
        "checked_on": f.checked_on,
        "keeps_off_the_shortlist": f.blocking,
    }


def _robustness(r: Robustness) -> dict[str, Any]:
    return {
        "first_place": {offer: measured_json(e) for offer, e in r.first_place.items()},
        "flips": [
            {"criterion": f.criterion, "weight": f.now, "flips_at": f.at, "first": f.old_first, "new_first": f.new_first}
            for f in r.flips
        ],
        "question": None
        if r.separator is None
        else {
            "text": r.separator.question,
            "criterion": r.separator.criterion,
            "between": list(r.separator.between),
            "how": r.separator.how,
        },
        "could_overtake": [
            {"offer": o.offer, "criterion": o.criterion, "needs": o.needs_raw, "utility": o.needs_utility, "words": o.words}
            for o in r.overtakers
        ],
        "seed": r.seed,
        "draws": r.draws,
    }


def _tree(g: Guidance) -> dict[str, Any]:
    leaf = g.trace.leaf
    return {
        "path": [{"node": s.node, "question": s.question, "input": s.input, "answer": s.answer} for s in g.trace.path],
        "leaf": leaf.id,
        "title": leaf.title,
        "models": list(g.bound.models),
        "guide_models": [{"name": m.name, "model": m.model, "alive": m.alive, "state": m.state} for m in g.bound.named],
        "answered_by": "role" if g.bound.by_role else "guide",
        "role": leaf.role or None,
        "action": leaf.action or None,
        "also": list(leaf.also),
        "note": leaf.note or None,
        "conflicts": list(g.conflicts),
        "rules": list(g.rules),
    }
