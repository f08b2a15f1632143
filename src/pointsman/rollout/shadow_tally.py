"""What shadow pairs add up to, for people; the judgement is the check's."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pointsman.rollout.sightings import PairSighting

__all__ = ["ShadowTally", "with_pairs"]

_DAY_S = 86_400.0


class ShadowTally(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over pairs. A quotient of two sums of pairs that both have a value compares the sides; of nothing there is none."""

    baseline_flaws: dict[str, int] = {}
    """How many answers of the baseline had which flaw."""
    candidate_flaws: dict[str, int] = {}
    lost: int = 0
    """Pairs in which the candidate's answer alone is flawed."""
    won: int = 0
    similarity: tuple[int, float] = (0, 0.0)
    """Pairs, and the sum of their likeness."""
    latency_s: tuple[int, float, float] = (0, 0.0, 0.0)
    """Pairs with both times; the baseline's sum, the candidate's."""
    cost_usd: tuple[int, float, float] = (0, 0.0, 0.0)
    """The same of costs."""
    usd: float = 0.0
    """What mirrored requests have cost."""
    day: int = 0
    """Day of the rollout, from 0, that `day_usd` is of."""
    day_usd: float = 0.0


def with_pairs(tally: ShadowTally, rows: Sequence[PairSighting]) -> ShadowTally:
    """The tally after these."""
    baseline, candidate = dict(tally.baseline_flaws), dict(tally.candidate_flaws)
    alike, latency, cost = tally.similarity, tally.latency_s, tally.cost_usd
    usd, day, day_usd, lost, won = tally.usd, tally.day, tally.day_usd, tally.lost, tally.won
    for row in rows:
        for flaws, flaw in ((baseline, row.baseline_flaw), (candidate, row.candidate_flaw)):
            if flaw:
                flaws[flaw] = flaws.get(flaw, 0) + 1
        lost += bool(row.candidate_flaw) and not row.baseline_flaw
        won += bool(row.baseline_flaw) and not row.candidate_flaw
        if row.similarity is not None:
            alike = (alike[0] + 1, alike[1] + row.similarity)
        latency = _added(latency, row.baseline_latency_s, row.candidate_latency_s)
        cost = _added(cost, row.baseline_cost_usd, row.candidate_cost_usd)
        today = int(row.time_s // _DAY_S)
        if today != day:
            day, day_usd = today, 0.0
        usd, day_usd = usd + (row.candidate_cost_usd or 0.0), day_usd + (row.candidate_cost_usd or 0.0)
    return ShadowTally(
        baseline_flaws=baseline,
        candidate_flaws=candidate,
        lost=lost,
        won=won,
        similarity=alike,
        latency_s=latency,
        cost_usd=cost,
        usd=usd,
        day=day,
        day_usd=day_usd,
    )


def _added(sums: tuple[int, float, float], baseline: float | None, candidate: float | None) -> tuple[int, float, float]:
    if baseline is None or candidate is None:
        return sums
    return sums[0] + 1, sums[1] + baseline, sums[2] + candidate
