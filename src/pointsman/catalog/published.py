"""Published results of a model, with their settings kept apart and their range shown."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

import msgspec

from pointsman.catalog.entry import Score
from pointsman.catalog.load import Catalog

__all__ = ["Standing", "standing", "summary_of"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model stands on one benchmark among all models with a result there."""

    benchmark: str
    value: float
    """Median over the published settings and snapshots."""
    low: float
    high: float
    results: int
    self_reported: bool
    """Whether every result is the maker's own."""
    better_than_ratio: float
    """Share of the other models it beats, ties counting half; 0…1."""
    models: int
    sources: tuple[str, ...]


def summary_of(scores: Iterable[Score], benchmark: str) -> tuple[float, float, float, int] | None:
    """Median, least, greatest and number of a model's results on a benchmark; None without any."""
    values = [s.value for s in scores if s.benchmark == benchmark]
    return (median(values), min(values), max(values), len(values)) if values else None


def standing(catalog: Catalog, model: str, benchmark: str, *, lower_is_better: bool = False) -> Standing | None:
    """The model's place; None if it has no published result there or stands alone."""
    own = catalog.scores_by_model.get(model, ())
    mine = summary_of(own, benchmark)
    others = [
        found[0]
        for other, scores in catalog.scores_by_model.items()
        if other != model and (found := summary_of(scores, benchmark))
    ]
    if mine is None or not others:
        return None
    beaten = sum((mine[0] < o if lower_is_better else mine[0] > o) + 0.5 * (mine[0] == o) for o in others)
    here = [s for s in own if s.benchmark == benchmark]
    return Standing(
        benchmark=benchmark,
        value=mine[0],
        low=mine[1],
        high=mine[2],
        results=mine[3],
        self_reported=all(s.self_reported for s in here),
        better_than_ratio=beaten / len(others),
        models=len(others) + 1,
        sources=tuple(sorted({catalog.sources[s.source].name if s.source in catalog.sources else s.source for s in here})),
    )
