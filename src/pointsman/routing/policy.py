"""What a routing policy is: features and one uniform draw in, a decision out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from pointsman.core.plugin import Family
from pointsman.routing.decision import Decision
from pointsman.routing.features import Features

__all__ = ["POLICIES", "Policy", "PolicyExample", "PolicyPlugin"]


class Policy(Protocol):
    """A policy with its options set, for the variants of one route. Pure and total: it never raises."""

    def choose(self, features: Features, u: float) -> Decision:
        """The choice for one request; `u` in [0, 1) is the sticky unit's number, so one unit keeps its variant."""
        ...


class PolicyExample(msgspec.Struct, frozen=True, kw_only=True):
    """Shown in the docs and run by the contract test."""

    options: dict[str, Any]
    variants: tuple[str, ...]
    """What those options lead to."""


class PolicyPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy module exports as `PLUGIN`."""

    summary: str
    """One sentence for the docs."""
    options: type[msgspec.Struct]
    """What a user may write under the policy's name; unknown keys are errors."""
    build: Callable[[Any], Policy]
    """Options → policy. Raises `ConfigError` for options that contradict each other."""
    variants: Callable[[Any], Sequence[str]]
    """Every variant these options can lead to."""
    uses_draw: bool = True
    """False: `u` changes nothing, so nobody needs to work one out."""
    uses_conversation: bool = False
    """True: it is told the number of the conversation, and whether that has answers in it already."""
    example: PolicyExample


POLICIES: Family[PolicyPlugin] = Family("pointsman.routing.policies", PolicyPlugin, "routing policy")
