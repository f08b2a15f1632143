"""Who is beaten on everything: the front, and for each beaten candidate who beats it, in words."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pointsman.selection.rank import Ranked

__all__ = ["Beaten", "Front", "beaten_words", "dominates", "front"]


class Beaten(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate, and one on the front that is at least as good on every wish and better on one."""

    offer: str
    model: str
    by: str
    words: str


class Front(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates that nobody beats, those who are beaten, and those who cannot be compared."""

    members: tuple[Ranked, ...]
    beaten: tuple[Beaten, ...]
    incomparable: tuple[Ranked, ...]
    """Something is unknown about them, so nobody can say that they are beaten, nor that they beat."""


def front(ranked: Sequence[Ranked]) -> Front:
    """The Pareto front over all weighted wishes. Weights play no part in it."""
    comparable = [r for r in ranked if all(p.known for p in r.parts)]
    members: list[Ranked] = []
    beaten: list[tuple[Ranked, Ranked]] = []
    # Whoever beats another has a score at least as high, so in order of score every winner is met before its victims.
    for r in sorted(comparable, key=lambda r: (-r.score.value, r.candidate.id)):
        winner = next((m for m in members if dominates(m, r)), None)
        if winner is None:
            members.append(r)
        else:
            beaten.append((r, winner))
    return Front(
        members=tuple(members),
        beaten=tuple(_beaten(r, by) for r, by in beaten),
        incomparable=tuple(r for r in ranked if not all(p.known for p in r.parts)),
    )


def _beaten(loser: Ranked, winner: Ranked) -> Beaten:
    a, b = loser.candidate, winner.candidate
    return Beaten(offer=a.id, model=a.model, by=b.id, words=beaten_words(loser, winner))


def dominates(a: Ranked, b: Ranked) -> bool:
    """At least as good on every wish, and better on one, by the utilities' values."""
    pairs = [(x.value, y.value) for x, y in zip(a.parts, b.parts, strict=True)]
    return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)


def beaten_words(loser: Ranked, winner: Ranked) -> str:
    """`x is no better than y on anything: quality −0.45 against +0.06, 12 times the price`."""
    said = []
    for lost, won in zip(loser.parts, winner.parts, strict=True):
        if won.value <= lost.value:
            continue
        if lost.criterion == "cost" and lost.raw and won.raw:
            said.append(f"{lost.raw / won.raw:.3g} times the price")
        elif lost.raw is not None and won.raw is not None:
            sure = "" if won.low > lost.high else " (intervals overlap)"
            said.append(f"{lost.criterion} {_raw(lost.raw)} against {_raw(won.raw)}{sure}")
    return f"{loser.candidate.id} is no better than {winner.candidate.id} on anything: {', '.join(said)}"


def _raw(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}".replace("-", "−")
