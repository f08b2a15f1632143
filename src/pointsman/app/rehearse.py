"""Rehearse a migration: the same plan, machine and checks, many times in virtual time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from pointsman.app.yaml_file import convert, read_yaml
from pointsman.core.estimate import Measured, Unknown, measured_json
from pointsman.core.failure import ConfigError
from pointsman.rollout.plan import Plan, checked
from pointsman.rollout.simulate.rehearse import Rehearsed, rehearse
from pointsman.rollout.simulate.scenario import Scenario, named
from pointsman.stats.intervals import clopper_pearson

__all__ = ["Result", "Spread", "load_plan", "rehearsal_document", "rehearse_all"]


class Spread(msgspec.Struct, frozen=True):
    """Middle and bad case of a count."""

    median: float
    p90: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all rehearsals of one scenario."""

    scenario: Scenario
    rehearsed: tuple[Rehearsed, ...]
    cpu_s: float

    @property
    def rolled_back(self) -> Measured:
        """Share of rollouts that ended in a rollback."""
        return clopper_pearson(self.count("rolled_back"), len(self.rehearsed))

    @property
    def requests(self) -> int:
        """Requests simulated in all."""
        return sum(r.requests for r in self.rehearsed)

    def count(self, ended: str) -> int:
        """How many ended so."""
        return sum(r.ended == ended for r in self.rehearsed)

    def spread(self, field: Literal["candidate_requests", "candidate_units", "shadow_pairs", "duration_s"]) -> Spread | Unknown:
        """Of the rollouts that were rolled back, how much was seen until then."""
        values = [getattr(r, field) for r in self.rehearsed if r.ended == "rolled_back"]
        if not values:
            return Unknown("no rollout was rolled back")
        return Spread(float(np.median(values)), float(np.quantile(values, 0.9)))

    @property
    def by(self) -> dict[str, int]:
        """What rolled back, most frequent first."""
        names = [r.reason.split(":")[0] for r in self.rehearsed if r.ended == "rolled_back"]
        return dict(sorted(((n, names.count(n)) for n in set(names)), key=lambda item: (-item[1], item[0])))


def load_plan(path: Path) -> Plan:
    """Read `migration.yaml`. Raises `ConfigError` that names file, line and key."""
    located = read_yaml(path)
    plan = convert(located, Plan)
    try:
        return checked(plan)
    except ConfigError as error:
        keys = tuple(error.key.split(".")) if error.key else ()
        raise error.at(located.file, located.line(keys)) from None


def rehearse_all(
    plan: Plan,
    names: tuple[str, ...],
    runs: int,
    seed: int,
    progress: Callable[[str, int], None] = lambda name, done: None,  # noqa: ARG005  # the caller's names
) -> dict[str, Result]:
    """Every scenario `runs` times. Run i of a scenario draws from PCG64 seeded with (seed, i), in every scenario."""
    results: dict[str, Result] = {}
    for name, scenario in named(names).items():
        began = time.process_time()
        rehearsed: list[Rehearsed] = []
        for i in range(runs):
            rehearsed.append(rehearse(plan, scenario, np.random.Generator(np.random.PCG64([seed, i]))))
            progress(name, i + 1)
        results[name] = Result(scenario=scenario, rehearsed=tuple(rehearsed), cpu_s=time.process_time() - began)
    return results


def rehearsal_document(results: dict[str, Result], seed: int) -> dict[str, object]:
    """The published JSON."""
    return {"seed": seed, "scenarios": {name: _scenario(result) for name, result in results.items()}}


def _scenario(result: Result) -> dict[str, object]:
    return {
        "runs": len(result.rehearsed),
        "rolled_back": measured_json(result.rolled_back),
        "canary_requests_to_rollback": _spread(result.spread("candidate_requests")),
        "exposed_units": _spread(result.spread("candidate_units")),
        "cpu_s": round(result.cpu_s, 3),
        "requests": result.requests,
        "shadow_pairs_to_rollback": _spread(result.spread("shadow_pairs")),
        "seconds_to_rollback": _spread(result.spread("duration_s")),
        "completed": result.count("completed"),
        "unfinished": result.count("unfinished"),
        "rolled_back_by": result.by,
    }


def _spread(spread: Spread | Unknown) -> dict[str, object]:
    if isinstance(spread, Unknown):
        return {"median": None, "p90": None, "unknown": spread.reason}
    return {"median": spread.median, "p90": spread.p90}
