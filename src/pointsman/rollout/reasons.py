"""Why a migration is wanted: reasons that carry one, and reasons that do not."""

from __future__ import annotations

import difflib

import msgspec

from pointsman.core.failure import PointsmanError

__all__ = ["REASONS", "Reason", "reason_called"]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """A reason as people give it."""

    says: str
    good: bool
    evidence: str
    """What to have in hand before it is believed."""


REASONS = {
    "cost": Reason(
        says="similar quality for less",
        good=True,
        evidence="a bake-off within the quality margin, and `pointsman cost forecast` of both at your volume",
    ),
    "performance": Reason(
        says="clearly better or faster", good=True, evidence="a bake-off on your own test set whose interval excludes no gain"
    ),
    "capability": Reason(
        says="something the model in service cannot do",
        good=True,
        evidence="`pointsman catalog compare`, and test cases that need it",
    ),
    "vendor_risk": Reason(
        says="less dependence on one provider", good=True, evidence="a bake-off that is not worse by more than the margin"
    ),
    "deprecation": Reason(
        says="the model in service is being shut down",
        good=True,
        evidence="`pointsman catalog watch` with the date; end the plan before it",
    ),
    "scale": Reason(
        says="the present solution does not carry the load", good=True, evidence="rate limits or queueing in your ledger"
    ),
    "privacy": Reason(says="data must stay in a place or a house", good=True, evidence="the rule, and an offer that keeps it"),
    "benchmark": Reason(
        says="it leads a leaderboard", good=False, evidence="a bake-off on your own data: published scores are of other tasks"
    ),
    "small_saving": Reason(
        says="it is a little cheaper",
        good=False,
        evidence="`pointsman cost tco`: the work of migrating may cost more than it saves",
    ),
    "newer": Reason(says="it is new", good=False, evidence="a named gain, measured: new is not a gain"),
    "unmeasured": Reason(says="it feels better", good=False, evidence="a bake-off with a baseline"),
}


def reason_called(name: str) -> Reason:
    """The reason of that name. Raises `PointsmanError`."""
    if name not in REASONS:
        near = difflib.get_close_matches(name, REASONS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise PointsmanError(f"there is no reason called {name!r}", hint=f"{hint}known: {', '.join(REASONS)}")
    return REASONS[name]
