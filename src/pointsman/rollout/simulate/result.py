"""What many rehearsals of one scenario came to."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from pointsman.core.estimate import Measured, Unknown
from pointsman.rollout.simulate.rehearse import Rehearsed
from pointsman.rollout.simulate.scenario import Scenario
from pointsman.stats.intervals import clopper_pearson

__all__ = ["Result", "Spread"]


class Spread(msgspec.Struct, frozen=True):
    """Middle and bad case of a count."""

    median: float
    p90: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all rehearsals of one scenario."""

    scenario: Scenario
    rehearsed: tuple[Rehearsed, ...]
    cpu_s: float

    @property
    def rolled_back(self) -> Measured:
        """Share of rollouts that ended in a rollback."""
        return clopper_pearson(self.count("rolled_back"), len(self.rehearsed))

    @property
    def requests(self) -> int:
        """Requests simulated in all."""
        return sum(r.requests for r in self.rehearsed)

    def count(self, ended: str) -> int:
        """How many ended so."""
        return sum(r.ended == ended for r in self.rehearsed)

    def spread(self, field: Literal["candidate_requests", "candidate_units", "shadow_pairs", "duration_s"]) -> Spread | Unknown:
        """Of the rollouts that were rolled back, how much was seen until then."""
        values = [getattr(r, field) for r in self.rehearsed if r.ended == "rolled_back"]
        if not values:
            return Unknown("no rollout was rolled back")
        return Spread(float(np.median(values)), float(np.quantile(values, 0.9)))

    @property
    def by(self) -> dict[str, int]:
        """What rolled back, most frequent first."""
        names = [r.reason.split(":")[0] for r in self.rehearsed if r.ended == "rolled_back"]
        return dict(sorted(((n, names.count(n)) for n in set(names)), key=lambda item: (-item[1], item[0])))
