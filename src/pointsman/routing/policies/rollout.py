"""A migration under way: a share of new conversations gets the candidate, and none changes sides in mid-life.

Who gets the candidate is told by the unit's number against the share, so raising the share moves units
one way only. A conversation that was answered before keeps its side although the share rose, because it is
remembered; one that nobody remembers and that has answers in it already began before the rollout, and
stays with the baseline. Units that were not drawn by chance are marked by a share of 0 or 1.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from pointsman.core.failure import ConfigError
from pointsman.routing.decision import Decision
from pointsman.routing.features import Features
from pointsman.routing.memory import Memory, NoMemory
from pointsman.routing.policy import PolicyExample, PolicyPlugin

__all__ = ["BASIS", "PLUGIN", "Options", "Rollout", "basis_points"]

BASIS = 10_000
"""Shares are whole basis points, so that a share can be remembered, logged and compared exactly."""
_CANDIDATE = 1 << 14


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`rollout: {baseline: old, candidate: new, weight: 0.05}`. `pointsman migrate` sets it; by hand, use `weighted`."""

    baseline: str
    candidate: str
    weight: Annotated[float, msgspec.Meta(ge=0, le=1)]
    """Share of new units that get the candidate; told to a basis point."""
    move_live: bool = False
    """Whether conversations change sides with the share."""
    stay: bool = True
    """Whether a conversation that nobody remembers and that has answers in it stays with the baseline."""


class Rollout:
    """Both decisions for every share there has been, worked out when first needed."""

    def __init__(self, options: Options, memory: Memory | None = None) -> None:
        """Raises `ConfigError` if both sides are one."""
        if options.baseline == options.candidate:
            raise ConfigError("is the baseline", key="candidate", value=options.candidate)
        self._options = options
        self._memory = NoMemory() if memory is None else memory
        self._weight_bp = basis_points(options.weight)
        self._decisions: dict[int, Decision] = {}

    @property
    def weight(self) -> float:
        """The share in force, found out by asking: how many of evenly spread strangers would get the candidate."""
        return sum(self._code((u + 0.5) / BASIS) >= _CANDIDATE for u in range(BASIS)) / BASIS

    def choose(self, features: Features, u: float) -> Decision:
        """The side this conversation is on, or is put on now."""
        conversation = features.conversation
        if self._options.move_live or not conversation:
            return self._decision(self._code(u))
        code = self._memory.recall(conversation, however_old=features.continues or features.named)
        if code is None:
            code = 0 if features.continues and self._options.stay else self._code(u)
            self._memory.note(conversation, code)
        return self._decision(code)

    def _code(self, u: float) -> int:
        """A side and the share it was drawn with, as one number that fits a slot of the memory."""
        return (self._weight_bp | _CANDIDATE) if u * BASIS < self._weight_bp else self._weight_bp

    def _decision(self, code: int) -> Decision:
        found = self._decisions.get(code)
        if found is None:
            weight, mine = (code & ~_CANDIDATE) / BASIS, code >= _CANDIDATE
            found = self._decisions[code] = Decision(
                variant=self._options.candidate if mine else self._options.baseline,
                reason=f"rollout {weight:.4g}",
                propensity=weight if mine else 1.0 - weight if weight < 1.0 else 1.0,
            )
        return found


def basis_points(weight: float) -> int:
    """A share in basis points; a share above 0 is at least one."""
    return max(1, round(weight * BASIS)) if weight > 0.0 else 0


def _variants(options: Options) -> tuple[str, ...]:
    return (options.baseline, options.candidate)


PLUGIN = PolicyPlugin(
    summary="A migration under way: a share of new units gets the candidate, live conversations stay where they are.",
    options=Options,
    build=Rollout,
    variants=_variants,
    uses_conversation=True,
    example=PolicyExample(options={"baseline": "old", "candidate": "new", "weight": 0.05}, variants=("old", "new")),
)
