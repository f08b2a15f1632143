"""How sure the first place is: under other weights, under what the evidence leaves open, and what would decide.

Weights are drawn from a Dirichlet distribution around the user's own and each utility from its interval;
the share of draws in which a finalist comes first is its probability of first place. The seed is an
argument, so the same needs give the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pointsman.core.estimate import Estimate
from pointsman.selection.criteria import Criterion
from pointsman.selection.rank import Ranked
from pointsman.stats.intervals import wilson

__all__ = ["Flip", "Overtaker", "Robustness", "Separator", "flips", "oftenest", "overtakers", "robustness", "separator"]

DRAWS = 10_000
CONCENTRATION = 20.0
"""Of the Dirichlet distribution: a weight of 1/3 then varies by about ± 0.1 (one standard deviation)."""
_Z = 1.96
_LEVEL = 1e-9


class Flip(msgspec.Struct, frozen=True, kw_only=True):
    """The share of all weights at which another finalist overtakes the first, the others keeping their proportions."""

    criterion: str
    now: float
    at: float
    new_first: str
    old_first: str


class Overtaker(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate about which too little is known, and what it would have to show to come first."""

    offer: str
    criterion: str
    needs_utility: float
    needs_raw: float
    """In the criterion's own unit."""
    words: str


class Separator(msgspec.Struct, frozen=True, kw_only=True):
    """The one question whose answer parts the first two."""

    question: str
    criterion: str
    between: tuple[str, str]
    how: str
    """`measure`, `weigh` or `none`."""


class Robustness(msgspec.Struct, frozen=True, kw_only=True):
    """What could change the order."""

    first_place: dict[str, Estimate]
    """By finalist, the share of draws it wins; the interval is that of the drawing alone."""
    flips: tuple[Flip, ...]
    separator: Separator | None
    overtakers: tuple[Overtaker, ...]
    seed: int
    draws: int


def robustness(
    finalists: Sequence[Ranked], open_candidates: Iterable[Ranked], wishes: Sequence[Criterion], seed: int, draws: int = DRAWS
) -> Robustness:
    """Everything about the order of the finalists, best first. Of none, nothing is said; of one, only that it stands alone."""
    return Robustness(
        first_place=_first_place(finalists, wishes, seed, draws),
        flips=flips(finalists, wishes),
        separator=separator(finalists, wishes),
        overtakers=overtakers(finalists, open_candidates, wishes),
        seed=seed,
        draws=draws,
    )


def flips(finalists: Sequence[Ranked], wishes: Sequence[Criterion]) -> tuple[Flip, ...]:
    """For each criterion the nearest weight at which another finalist passes the first; nearest first.

    With d_i the lead of the first in utility and S = Σ_{i≠j} w_i d_i / (1 − w_j), the lead is
    w'·d_j + (1 − w')·S, which is 0 at w' = S / (S − d_j).
    """
    found: list[Flip] = []
    for j, wish in enumerate(wishes):
        rivals = [(at, r) for r in finalists[1:] if (at := _flip(finalists[0], r, wishes, j)) is not None]
        if rivals:
            at, rival = min(rivals, key=lambda pair: abs(pair[0] - wish.weight))
            found.append(
                Flip(
                    criterion=wish.name,
                    now=wish.weight,
                    at=at,
                    new_first=rival.candidate.id,
                    old_first=finalists[0].candidate.id,
                )
            )
    return tuple(sorted(found, key=lambda f: abs(f.at - f.now)))


def _flip(first: Ranked, rival: Ranked, wishes: Sequence[Criterion], j: int) -> float | None:
    lead = [a.value - b.value for a, b in zip(first.parts, rival.parts, strict=True)]
    if wishes[j].weight >= 1:
        return None
    rest = sum(w.weight * d for i, (w, d) in enumerate(zip(wishes, lead, strict=True)) if i != j) / (1 - wishes[j].weight)
    if rest == lead[j]:
        return None
    at = rest / (rest - lead[j])
    # At 0 and at 1 the two are merely level, because they differ in one criterion or in all but one.
    return at if _LEVEL < at < 1 - _LEVEL else None


def separator(finalists: Sequence[Ranked], wishes: Sequence[Criterion]) -> Separator | None:
    """What to ask next: the most uncertain criterion that can change the first two, else the nearest weight."""
    if len(finalists) < 2:
        return None
    first, second = finalists[:2]
    between = (first.candidate.id, second.candidate.id)
    gap = first.score.value - second.score.value
    swings = [
        (w.weight * (a.value - a.low + b.high - b.value), w) for w, a, b in zip(wishes, first.parts, second.parts, strict=True)
    ]
    swing, widest = max(swings, key=lambda pair: pair[0])
    if swing > gap:
        return Separator(question=_measure(widest, between), criterion=widest.name, between=between, how="measure")
    nearest = flips(finalists[:2], wishes)
    if nearest:
        f = nearest[0]
        more = "more" if f.at > f.now else "less"
        question = (
            f"Does {f.criterion} count {more} than {f.at:.0%} to you? It counts {f.now:.0%} now; beyond that, "
            f"{f.new_first} is first."
        )
        return Separator(question=question, criterion=f.criterion, between=between, how="weigh")
    return Separator(
        question=f"None: {between[0]} stays before {between[1]} whatever one criterion counts or turns out to be.",
        criterion="",
        between=between,
        how="none",
    )


def _measure(wish: Criterion, between: tuple[str, str]) -> str:
    pair = f"{between[0]} and {between[1]}"
    if wish.name == "speed":
        return f"How fast do {pair} answer your own requests? Published times leave open which is first."
    if wish.unit or (not wish.skill and wish.name != "quality"):
        return f"What is true of {wish.name} for {pair}? The sources leave open which is first."
    return (
        f"How good are {pair} on your own cases? What is published leaves open which is first; a bake-off of the two settles it."
    )


def overtakers(
    finalists: Sequence[Ranked], open_candidates: Iterable[Ranked], wishes: Sequence[Criterion], most: int = 5
) -> tuple[Overtaker, ...]:
    """Candidates with one unknown wish that would be first if they showed enough in it; the least demand first."""
    if not finalists:
        return ()
    best = finalists[0].score.value
    found = []
    for r in open_candidates:
        unknown = [(w, p) for w, p in zip(wishes, r.parts, strict=True) if not p.known]
        if len(unknown) != 1:
            continue
        wish, _ = unknown[0]
        needs = (best - r.score.value) / wish.weight
        if 0 < needs < 1:
            raw = _raw_at(wish, needs)
            bound = "at least" if wish.best > wish.worst else "at most"
            words = f"{r.candidate.id} would be first with {wish.name} of {bound} {raw:.3g}{' ' + wish.unit if wish.unit else ''}"
            found.append(Overtaker(offer=r.candidate.id, criterion=wish.name, needs_utility=needs, needs_raw=raw, words=words))
    return tuple(sorted(found, key=lambda o: (o.needs_utility, o.offer))[:most])


def oftenest(finalists: Sequence[Ranked], found: Robustness) -> str:
    """In words, the finalist that comes first in more draws than the one with the best score; empty if it is the same one.

    The two part where a score has no more room above it: what is unsure about the best can only take from it.
    """
    if not finalists:
        return ""
    first = finalists[0]
    chance = {r.candidate.id: found.first_place[r.candidate.id].value for r in finalists}
    other = max(finalists, key=lambda r: chance[r.candidate.id])
    if chance[other.candidate.id] <= chance[first.candidate.id]:
        return ""
    gap = first.score.value - other.score.value
    return (
        f"{other.candidate.id} is first in {chance[other.candidate.id]:.0%} of the trials, {first.candidate.id} in "
        f"{chance[first.candidate.id]:.0%}; by score the two are {gap:.2f} apart"
    )


def _raw_at(wish: Criterion, utility: float) -> float:
    if wish.logarithmic:
        return float(wish.worst * (wish.best / wish.worst) ** utility)
    return wish.worst + utility * (wish.best - wish.worst)


def _first_place(finalists: Sequence[Ranked], wishes: Sequence[Criterion], seed: int, draws: int) -> dict[str, Estimate]:
    if not finalists:
        return {}
    import numpy as np  # noqa: PLC0415 - only this part of a selection draws

    dice = np.random.Generator(np.random.PCG64(seed))
    weights = dice.dirichlet([CONCENTRATION * w.weight for w in wishes], size=draws)
    total = np.empty((len(finalists), draws))
    for i, r in enumerate(finalists):
        drawn = np.empty((draws, len(wishes)))
        for j, p in enumerate(r.parts):
            if p.known:
                sd = (p.high - p.low) / (2 * _Z)
                drawn[:, j] = np.clip(dice.normal(p.value, sd, draws), 0, 1) if sd > 0 else p.value
            else:
                drawn[:, j] = dice.uniform(0, 1, draws)
        total[i] = (weights * drawn).sum(axis=1)
    wins = np.bincount(total.argmax(axis=0), minlength=len(finalists))
    return {r.candidate.id: _share(int(k), draws) for r, k in zip(finalists, wins, strict=True)}


def _share(wins: int, draws: int) -> Estimate:
    found = wilson(wins, draws)
    assert isinstance(found, Estimate)
    return msgspec.structs.replace(found, method=f"{draws:,} seeded draws of weights and scores")
