"""Mistakes in the analysis that must not go unnoticed: each is made on purpose, and the rehearsal must show it."""

import msgspec
import numpy as np
import pytest

from pointsman.report.rehearsal import rehearsal_verdict
from pointsman.rollout.mean_check import MeanCheck
from pointsman.rollout.observations import Pairs, Requests, Seen
from pointsman.rollout.plan import Phase, Plan, Traffic
from pointsman.rollout.rare_event_check import RareEventCheck
from pointsman.rollout.simulate import rehearse as rehearsing
from pointsman.rollout.simulate.result import Result
from pointsman.rollout.simulate.scenario import SCENARIOS

PLAN = Plan(
    route="r",
    from_="old",
    to="new",
    phases=(Phase(shadow="2d"), Phase(step=0.2, hold="2d", min_units=20)),
    traffic=Traffic(requests_per_minute=20),
)


def rehearsed(name, plan=PLAN, seeds=range(3)):
    runs = tuple(rehearsing.rehearse(plan, SCENARIOS[name], np.random.Generator(np.random.PCG64([3, i]))) for i in seeds)
    return Result(scenario=SCENARIOS[name], rehearsed=runs, cpu_s=0.0)


def swapped(requests):
    """The same requests with candidate and control taken for each other."""
    kept = {f: getattr(requests, f) for f in ("time_s", "unit", "flags", "values")}
    return Requests(candidate=~requests.candidate, weight=1.0 - requests.weight, **kept)


@pytest.mark.parametrize("check", [RareEventCheck, MeanCheck])
def test_variants_swapped_in_the_analysis(monkeypatch, check):
    """A candidate with five times the errors, or half more cost, then reaches everybody, and the verdict says so."""
    name = "errors_5x" if check is RareEventCheck else "cost_1.5x"
    assert rehearsal_verdict(PLAN, {name: rehearsed(name)}) == "pass"
    observe = check.observe

    def wrong(self, state, seen):
        return observe(self, state, Seen(seen.requests and swapped(seen.requests), seen.pairs))

    monkeypatch.setattr(check, "observe", wrong)
    plan = msgspec.structs.replace(PLAN, guardrails={"cost": {}} if check is MeanCheck else {"error_rate": {}})
    assert rehearsal_verdict(plan, {name: rehearsed(name, plan)}) != "pass"


def test_a_mirror_that_is_broken_never_leaves_the_shadow_phase(monkeypatch):
    """No pair arrives: nothing is known of quality, so nobody is exposed, and the rollout is called unfinished."""
    empty = Pairs(np.empty(0), np.empty(0, dtype=np.int64), np.empty(0, dtype=bool), np.empty(0, dtype=bool))
    shadow = rehearsing.SimulatedTraffic.shadow
    monkeypatch.setattr(rehearsing.SimulatedTraffic, "shadow", lambda *given: Seen(requests=shadow(*given).requests, pairs=empty))
    result = rehearsed("aa")
    assert {r.ended for r in result.rehearsed} == {"unfinished"}
    assert {r.candidate_units for r in result.rehearsed} == {0}
    assert rehearsal_verdict(PLAN, {"aa": result}) == "unknown"
