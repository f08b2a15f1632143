"""What was seen of both arms: one row per request, one per shadow pair, as columns.

The controller fills it from exchanges and the rehearsal from simulated traffic; checks read nothing
else, which is what makes a rehearsal say something about the real thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pointsman.stats.clusters import Codes, Floats

__all__ = ["FLAGS", "VALUES", "Flags", "Pairs", "Requests", "Seen"]

Flags = NDArray[np.bool_]

FLAGS = ("failed", "timed_out", "refused", "truncated", "repaired", "fell_back")
"""What may go wrong with the first attempt of a request, whatever a fallback made of it afterwards."""
VALUES = ("latency_s", "first_token_s", "cost_usd", "rating")
"""What may be measured of a request; NaN where it was not. A rating lies in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests of both arms in order of time."""

    time_s: Floats
    """When the request ended, in seconds since the rollout began, ascending."""
    unit: Codes
    """Conversation or user, numbered by first appearance in this rollout: a new unit has a number above all before it."""
    candidate: Flags
    """Whether the candidate was tried first."""
    weight: Floats
    """Propensity with which the unit was assigned to the candidate; 0 for units that were not randomised."""
    flags: Mapping[str, Flags] = field(default_factory=dict)
    """By name of `FLAGS`; what is absent was not recorded."""
    values: Mapping[str, Floats] = field(default_factory=dict)
    """By name of `VALUES`."""

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Requests that both variants answered and a scorer judged, in order of time."""

    time_s: Floats
    unit: Codes
    lost: Flags
    """The baseline passed and the candidate did not."""
    won: Flags
    """The candidate passed and the baseline did not."""

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened since the last look. Cutting time anywhere gives the same judgements."""

    requests: Requests | None = None
    pairs: Pairs | None = None
