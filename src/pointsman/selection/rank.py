"""The order: an additive utility with fixed anchors.

    score = Σ weight · utility,  low = Σ weight · low,  high = Σ weight · high

A candidate's score is its own; nothing in it looks at the others, so adding or removing candidates
never changes the order of those that stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pointsman.core.estimate import Estimate
from pointsman.selection.candidate import Candidate
from pointsman.selection.criteria import Criterion, Part, parts
from pointsman.selection.evidence import Evidence
from pointsman.selection.lineage import line_of
from pointsman.selection.money import Prices
from pointsman.selection.screen import Finding, Screened

__all__ = ["Ranked", "best_of_each_model", "rank", "score_of"]


_HEAVY = 0.25


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """A kept candidate with its score."""

    candidate: Candidate
    parts: tuple[Part, ...]
    score: Estimate
    to_verify: tuple[Finding, ...]
    callable: bool
    """Whether `pointsman eval` can ask this provider."""

    @property
    def verified(self) -> bool:
        return not any(f.blocking for f in self.to_verify)

    @property
    def shown(self) -> bool:
        """Whether something is known about every wish that carries a quarter of the weight or more."""
        return all(p.known for p in self.parts if p.weight >= _HEAVY)

    def part(self, criterion: str) -> Part | None:
        """Its part under one criterion."""
        return next((p for p in self.parts if p.criterion == criterion), None)


def rank(
    kept: Iterable[Screened], wishes: Sequence[Criterion], evidence: Evidence, prices: Prices, callable_providers: frozenset[str]
) -> tuple[Ranked, ...]:
    """Best first. Candidates whose documents answer every must come before those that leave one open.

    Equal scores: a provider that can be called, then the maker itself, then the later version, then
    a name that does not move, then the shorter and earlier name.
    """
    found = []
    shared: dict[tuple[str, str], Part] = {}
    for screened in kept:
        own = parts(screened.candidate, wishes, evidence, prices, shared)
        found.append(
            Ranked(
                candidate=screened.candidate,
                parts=own,
                score=score_of(own),
                to_verify=screened.to_verify,
                callable=screened.candidate.provider in callable_providers,
            )
        )
    return tuple(sorted(found, key=_order))


def score_of(own: Sequence[Part]) -> Estimate:
    """The weighted sum; n counts the criteria of which something is known. Of no parts, 0."""
    value = low = high = 0.0
    known = 0
    for p in own:
        value += p.weight * p.value
        low += p.weight * p.low
        high += p.weight * p.high
        known += p.known
    return Estimate(value=value, low=low, high=high, n=known, method="additive utility, fixed anchors")


def best_of_each_model(ranked: Iterable[Ranked]) -> tuple[Ranked, ...]:
    """The first offer of each model that can be called, in rank order; a model nobody callable offers keeps its first."""
    first: dict[str, Ranked] = {}
    for r in ranked:
        held = first.get(r.candidate.model)
        if held is None or (r.callable and not held.callable and r.verified >= held.verified):
            first[r.candidate.model] = r
    return tuple(sorted(first.values(), key=_order))


def _order(r: Ranked) -> tuple[object, ...]:
    name = r.candidate.name
    return (
        not r.verified,
        -round(r.score.value, 9),
        not r.callable,
        not r.candidate.own_offer,
        _older(r.candidate.model),
        "latest" in name or "preview" in name,
        len(name),
        r.candidate.id,
    )


def _older(model: str) -> tuple[int, ...]:
    """Sorts later versions of a line first."""
    line = line_of(model)
    return tuple(-n for n in line.version) if line else ()
