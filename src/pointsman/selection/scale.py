"""The benchmarks' common scale: what a published score says about ability.

    logit((score − chance) / (1 − chance)) = slope · (ability − difficulty)

Slopes and difficulties are fitted once over all published scores (`tools/calibrate_benchmarks.py`) and
frozen, so a model's ability follows from its own scores and from nobody else's. Ability 0 is the
average scored model, 1 the spread between models.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

import msgspec

from pointsman.selection.tables import table

__all__ = ["Benchmark", "ability_of", "benchmarks", "bounded_share", "score_at", "skill_spread", "skills"]

Caution = Literal["", "saturated", "contaminated"]
_EDGE = 0.01
"""Shares nearer to 0 or 1 than this are pulled to it: one question more or less would move their logit without end."""


class Benchmark(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark with its place on the scale."""

    name: str
    title: str
    skills: tuple[str, ...]
    chance: float = 0.0
    """What guessing scores."""
    caution: Caution = ""
    slope: float = 1.0
    difficulty: float = 0.0
    """Ability at which half of what guessing leaves is solved."""
    noise: float = 0.5
    """Standard deviation of what the scale does not explain, in logits."""
    models: int = 0
    """Models the calibration saw."""


class _Calibration(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    slope: float
    difficulty: float
    noise: float
    models: int


class _Scale(msgspec.Struct):
    skill_spread: float
    calibration: tuple[_Calibration, ...]


class _Facts(msgspec.Struct):
    benchmark: tuple[Benchmark, ...]


def bounded_share(score: float, chance: float = 0.0) -> float:
    """What is solved beyond guessing, 0.01…0.99. A score above 1 is read as per cent."""
    share = score / 100 if score > 1 else score
    return min(1 - _EDGE, max(_EDGE, (share - chance) / (1 - chance)))


def ability_of(score: float, benchmark: Benchmark) -> float:
    """The ability one score points to: logit / slope + difficulty."""
    p = bounded_share(score, benchmark.chance)
    return math.log(p / (1 - p)) / benchmark.slope + benchmark.difficulty


def score_at(ability: float, benchmark: Benchmark) -> float:
    """The score expected at an ability: the inverse of `ability_of`."""
    p = 1 / (1 + math.exp(-benchmark.slope * (ability - benchmark.difficulty)))
    return benchmark.chance + (1 - benchmark.chance) * p


@cache
def benchmarks() -> dict[str, Benchmark]:
    """Every benchmark on the scale, by its name in the catalogue."""
    scale = {c.name: c for c in table("benchmark_scale.toml", _Scale).calibration}
    found = {}
    for fact in table("benchmark_facts.toml", _Facts).benchmark:
        c = scale.get(fact.name)
        if c is not None:
            fact = msgspec.structs.replace(  # noqa: PLW2901 - the same fact, completed
                fact, slope=c.slope, difficulty=c.difficulty, noise=c.noise, models=c.models
            )
            found[fact.name] = fact
    return found


@cache
def skill_spread() -> float:
    """How far a model's ability in one skill lies from its ability in others (standard deviation)."""
    return table("benchmark_scale.toml", _Scale).skill_spread


@cache
def skills() -> tuple[str, ...]:
    """Skills that published benchmarks measure."""
    return tuple(sorted({s for b in benchmarks().values() for s in b.skills}))
