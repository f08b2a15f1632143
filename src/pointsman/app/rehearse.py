"""Rehearse a migration: the same plan, machine and checks, many times in virtual time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pointsman.app.yaml_file import convert, read_yaml
from pointsman.core.estimate import Unknown, measured_json
from pointsman.core.failure import ConfigError
from pointsman.rollout.plan import Plan, checked
from pointsman.rollout.simulate.rehearse import Rehearsed, rehearse
from pointsman.rollout.simulate.result import Result, Spread
from pointsman.rollout.simulate.scenario import named
from pointsman.store.journal import write_whole

__all__ = ["load_plan", "rehearsal_document", "rehearse_all", "write_rehearsal_page"]


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


def write_rehearsal_page(path: Path, plan: Plan, results: dict[str, Result], seed: int) -> None:
    """The page for those who decide. Raises `StorageError` if the disk refuses."""
    from pointsman.report.rehearsal_page import rehearsal_page

    write_whole(path, rehearsal_page(plan, results, seed).encode())
