"""Always the same variant."""

from __future__ import annotations

import msgspec

from pointsman.routing.decision import Decision
from pointsman.routing.features import Features
from pointsman.routing.policy import PolicyExample, PolicyPlugin

__all__ = ["PLUGIN"]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`fixed: {variant: NAME}`."""

    variant: str


class Fixed:
    """One decision, made when the route was."""

    def __init__(self, options: Options) -> None:
        self._decision = Decision(variant=options.variant, reason="fixed")

    def choose(self, features: Features, u: float) -> Decision:  # noqa: ARG002  # the contract's
        """The variant there is."""
        return self._decision


def _variants(options: Options) -> tuple[str, ...]:
    return (options.variant,)


PLUGIN = PolicyPlugin(
    summary="Always the same variant.",
    options=Options,
    build=Fixed,
    variants=_variants,
    uses_draw=False,
    example=PolicyExample(options={"variant": "main"}, variants=("main",)),
)
