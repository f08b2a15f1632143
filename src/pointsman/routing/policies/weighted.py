"""Each variant its share of the units; a unit keeps its variant as long as the shares stand.

The shares are laid end to end on [0, 1) in the order written. Growing the last one's share at the
cost of its neighbour moves only those units that change hands, which is what a staged rollout needs.
"""

from __future__ import annotations

from itertools import accumulate
from math import fsum, isfinite

import msgspec

from pointsman.core.failure import ConfigError
from pointsman.routing.assign import pick
from pointsman.routing.decision import Decision
from pointsman.routing.features import Features
from pointsman.routing.policy import PolicyExample, PolicyPlugin

__all__ = ["PLUGIN"]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`weighted: {weights: {old: 95, new: 5}}`."""

    weights: dict[str, float]
    """Any non-negative numbers; only their ratio counts. A variant of weight 0 gets nothing."""


class Weighted:
    """Shares and their decisions, worked out when the route was."""

    def __init__(self, options: Options) -> None:
        """Raises `ConfigError` for weights that are negative, not finite, or all zero."""
        for name, weight in options.weights.items():
            if not isfinite(weight) or weight < 0:
                raise ConfigError("must be a finite number, 0 or more", key=f"weights.{name}", value=weight)
        total = fsum(options.weights.values())
        if total <= 0:
            raise ConfigError("give no variant any share", key="weights", hint="at least one must be above 0")
        shares = {name: weight / total for name, weight in options.weights.items() if weight > 0}
        self._edges = tuple(accumulate(shares.values()))
        self._decisions = tuple(Decision(variant=n, reason=f"weighted {s:.4g}", propensity=s) for n, s in shares.items())

    def choose(self, features: Features, u: float) -> Decision:  # noqa: ARG002  # the contract's
        """The variant whose stretch of [0, 1) holds `u`."""
        return self._decisions[pick(self._edges, u)]


def _variants(options: Options) -> tuple[str, ...]:
    return tuple(options.weights)


PLUGIN = PolicyPlugin(
    summary="Each variant its share of the units; a unit keeps its variant.",
    options=Options,
    build=Weighted,
    variants=_variants,
    example=PolicyExample(options={"weights": {"old": 95, "new": 5}}, variants=("old", "new")),
)
