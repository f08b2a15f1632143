"""What may happen to a migration, as data."""

from __future__ import annotations

import msgspec

from pointsman.core.failure import PointsmanError

__all__ = ["SCENARIOS", "Scenario", "named"]


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """How the candidate differs from the baseline, and what the world does to both.

    All but `lost_share` shows only when users are served, so that a rehearsal measures the ramp and
    does not rely on shadow.
    """

    summary: str
    harmful: bool | None
    """Whether it ought to be rolled back. None: it lies between the rungs of the usual ladder, and either can be defended."""
    errors_ratio: float = 1.0
    error_rate: float | None = None
    """The candidate's error rate itself, in place of a ratio."""
    latency_ratio: float = 1.0
    cost_ratio: float = 1.0
    rating_ratio: float = 1.0
    quality_points: float = 0.0
    """Change of the pass rate, such as −0.03."""
    outage_share: float = 0.0
    """Share of the time in which 30 % of the requests of both sides fail and all are three times slower."""
    resemblance: float = 0.3
    """How much requests of one unit are alike, from 0 to 1."""
    units_ratio: float = 1.0
    """Requests per unit, relative to the plan."""
    traffic_ratio: float = 1.0
    by_guide: bool = False
    """Decided by the naive rule in place of our checks."""


_WORLD = "1 % of the time both sides are out; users resemble themselves"
SCENARIOS = {
    "aa": Scenario(summary=f"the candidate is no different; {_WORLD}", harmful=False, outage_share=0.01, resemblance=0.5),
    "errors_1.5x": Scenario(summary="half more errors", harmful=None, errors_ratio=1.5),
    "errors_2x": Scenario(summary="twice the errors", harmful=True, errors_ratio=2.0),
    "errors_5x": Scenario(summary="five times the errors", harmful=True, errors_ratio=5.0),
    "dead": Scenario(summary="every answer of the candidate fails", harmful=True, error_rate=1.0),
    "failing_30pct": Scenario(summary="30 % of the candidate's answers fail", harmful=True, error_rate=0.3),
    "latency_p95_2x": Scenario(summary="every answer takes twice as long", harmful=True, latency_ratio=2.0),
    "cost_1.5x": Scenario(summary="an answer costs half more", harmful=True, cost_ratio=1.5),
    "satisfaction_-20pct": Scenario(summary="a fifth fewer thumbs up", harmful=True, rating_ratio=0.8),
    "quality_-3pp": Scenario(summary="three points fewer requests pass, seen in shadow", harmful=True, quality_points=-0.03),
    "outage_both": Scenario(summary="no different; both sides are out 5 % of the time", harmful=False, outage_share=0.05),
    "low_traffic": Scenario(summary="no different; a hundredth of the traffic", harmful=False, traffic_ratio=0.01),
    "correlated": Scenario(
        summary="no different; users come back often and resemble themselves", harmful=False, resemblance=0.9, units_ratio=5.0
    ),
    "guide_rule": Scenario(
        summary=f"no different, judged by thresholds on five minutes; {_WORLD}",
        harmful=False,
        outage_share=0.01,
        resemblance=0.5,
        by_guide=True,
    ),
}


def named(names: tuple[str, ...]) -> dict[str, Scenario]:
    """The scenarios asked for, all of them if none is. Raises `PointsmanError` for a name that is none."""
    for name in names:
        if name not in SCENARIOS:
            raise PointsmanError(f"there is no scenario called {name!r}", hint=f"known: {', '.join(SCENARIOS)}")
    return {n: SCENARIOS[n] for n in (names or tuple(SCENARIOS))}
