"""What a wish is worth: each criterion turned into 0…1 between fixed anchors.

    utility = (x − worst) / (best − worst), cut to 0…1; on a logarithmic scale for money, time and windows

The anchors belong to the criterion and not to the set of candidates, so a candidate's worth does not
change when another one comes or goes. What nobody knows earns nothing and may turn out anything:
value 0, interval [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from pointsman.core.estimate import Estimate, Unknown
from pointsman.selection.candidate import Candidate
from pointsman.selection.evidence import Ability, Basis, Evidence
from pointsman.selection.latency import latency_class
from pointsman.selection.money import Prices
from pointsman.selection.requirements import Nice, Requirements
from pointsman.selection.scale import skills
from pointsman.selection.screen import capability_fact
from pointsman.selection.tables import table

__all__ = ["Criterion", "Part", "criteria", "parts"]


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """One weighted wish with its anchors."""

    name: str
    weight: float
    """Share of all weights; they add up to 1."""
    worst: float = 0.0
    best: float = 1.0
    logarithmic: bool = False
    unit: str = ""
    skill: str = ""
    """The skill `quality` stands for under the task."""
    ability: bool = False
    """Whether it is quality or a skill, which all offers of a model share."""

    def utility(self, x: float) -> float:
        """0…1 for a raw value."""
        worst, best = self.worst, self.best
        if self.logarithmic:
            x, worst, best = _log(x), _log(worst), _log(best)
        return min(1.0, max(0.0, (x - worst) / (best - worst)))


def _log(x: float) -> float:
    return math.log(max(x, 1e-12))


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate under one criterion."""

    criterion: str
    weight: float
    value: float
    low: float
    high: float
    raw: float | None
    """In the criterion's own unit; None if unknown."""
    words: str
    basis: tuple[Basis, ...] = ()
    known: bool = True
    inherited_from: str = ""


class _Anchor(msgspec.Struct):
    worst: float
    best: float
    logarithmic: bool = False
    unit: str = ""


class _Anchors(msgspec.Struct):
    anchor: dict[str, _Anchor]
    task_skill: dict[str, str]
    default_weights: dict[str, float]


def criteria(requirements: Requirements) -> tuple[Criterion, ...]:
    """The wishes with shares that add up to 1, heaviest first; accepted ones are left out.

    Without any `nice`, the latency class brings its weights; without that, quality 3, cost 2, speed 1.
    """
    anchors = table("anchors.toml", _Anchors)
    wished: dict[str, float | Nice] = dict(requirements.nice)
    if not wished:
        named = latency_class(requirements.must.latency)
        wished = dict(named.weights if named else anchors.default_weights)
    weights = {n: w.weight if isinstance(w, Nice) else float(w) for n, w in wished.items() if n not in requirements.accept}
    total = sum(weights.values())
    found = [_criterion(n, w / total, wished[n], anchors, requirements.task) for n, w in weights.items() if w > 0]
    return tuple(sorted(found, key=lambda c: (-c.weight, c.name)))


def _criterion(name: str, share: float, wish: float | Nice, anchors: _Anchors, task: str) -> Criterion:
    ability = name == "quality" or name in skills()
    kind = "ability" if ability else name
    anchor = anchors.anchor.get(kind, _Anchor(0.0, 1.0))
    own = wish if isinstance(wish, Nice) else None
    skill = anchors.task_skill.get(task, "") if name == "quality" else name if name in skills() else ""
    return Criterion(
        name=name,
        weight=share,
        worst=own.worst if own and own.worst is not None else anchor.worst,
        best=own.best if own and own.best is not None else anchor.best,
        logarithmic=anchor.logarithmic,
        unit=anchor.unit,
        skill=skill,
        ability=ability,
    )


def parts(
    candidate: Candidate, wishes: Iterable[Criterion], evidence: Evidence, prices: Prices, kept: dict[tuple[str, str], Part]
) -> tuple[Part, ...]:
    """The candidate under every criterion. `kept` remembers what is the same for all offers of a model."""
    found = []
    for c in wishes:
        key = (candidate.model, c.name)
        part = kept.get(key)
        if part is None:
            part = _part(candidate, c, evidence, prices)
            if c.ability or (c.name == "speed" and not evidence.measured(candidate.model)):
                kept[key] = part
        found.append(part)
    return tuple(found)


def _part(candidate: Candidate, c: Criterion, evidence: Evidence, prices: Prices) -> Part:
    if c.ability:
        return _ability_part(c, evidence.ability(candidate.model, c.skill))
    if c.name == "cost":
        return _cost_part(candidate, c, prices)
    if c.name == "speed":
        return _speed_part(candidate, c, evidence)
    if c.name == "context":
        return _window_part(candidate, c)
    return _yes_part(candidate, c)


def _ability_part(c: Criterion, ability: Ability | Unknown) -> Part:
    if isinstance(ability, Unknown):
        return _nothing(c, ability.reason)
    e = ability.estimate
    skill = f" in {c.skill}" if c.skill and ability.on_skill else ""
    general = f" in general, nothing measures {c.skill}" if c.skill and not ability.on_skill else ""
    return Part(
        criterion=c.name,
        weight=c.weight,
        value=c.utility(e.value),
        low=c.utility(e.low),
        high=c.utility(e.high),
        raw=e.value,
        words=f"ability{skill} {e.value:+.2f} [{e.low:+.2f}, {e.high:+.2f}]{general}",
        basis=ability.basis,
        inherited_from=ability.inherited_from,
    )


def _cost_part(candidate: Candidate, c: Criterion, prices: Prices) -> Part:
    price = prices.per_request(candidate)
    if isinstance(price, Unknown):
        return _nothing(c, price.reason)
    value = c.utility(float(price))
    fact = candidate.fact("usd_per_million")
    basis = (Basis("list price", fact.source, fact.checked_on),) if fact else ()
    words = f"${price:.3g} a request"
    return Part(criterion=c.name, weight=c.weight, value=value, low=value, high=value, raw=float(price), words=words, basis=basis)


def _speed_part(candidate: Candidate, c: Criterion, evidence: Evidence) -> Part:
    own = evidence.own_offer(candidate.model, candidate.provider, candidate.name)
    if own is not None and isinstance(own.latency_p50_s, Estimate):
        e, basis, inherited = own.latency_p50_s, Basis("median latency", own.source, own.day), ""
        words = f"{e.value:.2f} s measured"
    else:
        found = evidence.seconds(candidate.model)
        if isinstance(found, Unknown):
            return _nothing(c, found.reason)
        e, basis, inherited = found
        words = f"about {e.value:.0f} s for a published coding case"
    return Part(
        criterion=c.name,
        weight=c.weight,
        value=c.utility(e.value),
        low=c.utility(e.high),
        high=c.utility(e.low),
        raw=e.value,
        words=words,
        basis=(basis,),
        inherited_from=inherited,
    )


def _window_part(candidate: Candidate, c: Criterion) -> Part:
    fact = candidate.fact("context_tokens") or candidate.fact("max_input_tokens")
    if fact is None or not isinstance(fact.value, int):
        return _nothing(c, "nobody states its window")
    value = c.utility(fact.value)
    basis = (Basis(f"window of {fact.value:,} tokens", fact.source, fact.checked_on),)
    words = f"window of {fact.value:,} tokens"
    return Part(criterion=c.name, weight=c.weight, value=value, low=value, high=value, raw=fact.value, words=words, basis=basis)


def _yes_part(candidate: Candidate, c: Criterion) -> Part:
    fact = candidate.fact("open_weights") if c.name == "open_weights" else capability_fact(candidate, c.name)
    word = c.name.replace("_", " ")
    if fact is None:
        return _nothing(c, f"nobody says whether it has {word}")
    value = 1.0 if fact.value else 0.0
    basis = (Basis(word if fact.value else f"no {word}", fact.source, fact.checked_on),)
    words = word if fact.value else f"no {word}"
    return Part(criterion=c.name, weight=c.weight, value=value, low=value, high=value, raw=value, words=words, basis=basis)


def _nothing(c: Criterion, reason: str) -> Part:
    return Part(
        criterion=c.name, weight=c.weight, value=0.0, low=0.0, high=1.0, raw=None, words=f"unknown: {reason}", known=False
    )
