"""What the guide's leaves want, found in the catalogue of a day.

A role is a small set of needs. It is answered among makers' own offers and weights that can be served,
by the same screening and ranking as everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

import msgspec

from pointsman.core.failure import PointsmanError
from pointsman.selection.candidate import Candidate
from pointsman.selection.criteria import criteria
from pointsman.selection.evidence import Evidence
from pointsman.selection.money import Prices
from pointsman.selection.rank import Ranked, best_of_each_model, rank
from pointsman.selection.requirements import Must, Requirements, Task
from pointsman.selection.screen import screen
from pointsman.selection.shortlist import best_of_each_line
from pointsman.selection.tables import table

__all__ = ["Role", "RoleFinder", "find_role", "roles"]

MOST = 3


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """One role."""

    id: str
    title: str
    guide: tuple[str, ...]
    """The guide's own holders, by its names."""
    nice: dict[str, float]
    must: dict[str, Any] = {}
    task: Task = "general"
    deployment: Literal["api", "self_hosted"] = "api"

    @property
    def requirements(self) -> Requirements:
        """The role as needs."""
        return Requirements(name=self.id, task=self.task, must=msgspec.convert(self.must, Must), nice=dict(self.nice))


class _Table(msgspec.Struct):
    role: tuple[Role, ...]


def roles() -> tuple[Role, ...]:
    """All roles."""
    return table("roles.toml", _Table).role


def find_role(name: str) -> Role:
    """A role by its id. Raises `PointsmanError` with the known ones."""
    found = {r.id: r for r in roles()}
    if name not in found:
        raise PointsmanError(f"there is no role {name!r}", hint=f"known: {', '.join(found)}")
    return found[name]


class RoleFinder:
    """Holders of roles on one day. Who is out for being gone is decided once."""

    def __init__(self, everything: Sequence[Candidate], as_of: date, today: date, evidence: Evidence) -> None:
        self._as_of, self._today, self._evidence = as_of, today, evidence
        bare = Requirements(must=Must(modalities_in=(), modalities_out=()))
        prices = Prices(bare, as_of, sheets=False)
        makers = [c for c in everything if c.own_offer or c.deployment == "self_hosted"]
        kept = screen(makers, bare, as_of, evidence, prices, today).kept
        self._pool = [k.candidate for k in kept if k.verified]

    def holders(self, name: str) -> tuple[Ranked, ...]:
        """Who holds a role: up to three, best first, one of each line, each with all documents in order.

        Fewer, or nobody, where the catalogue knows no more. A candidate with nothing known about wishes
        that carry half the weight holds it only where nobody is better known.
        """
        role = find_role(name)
        needs = role.requirements
        pool = [c for c in self._pool if c.deployment == role.deployment]
        prices = Prices(needs, self._as_of, sheets=False)
        wishes = criteria(needs)
        kept = screen(pool, needs, self._as_of, self._evidence, prices, self._today).kept
        ranked = rank((k for k in kept if k.verified), wishes, self._evidence, prices, frozenset())
        everybody = best_of_each_model(ranked)
        shown = [r for r in everybody if sum(p.weight for p in r.parts if p.known) >= 0.5]
        return best_of_each_line(shown or everybody)[:MOST]
