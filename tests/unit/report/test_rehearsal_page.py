"""The page about a rehearsal: whole, safe, and in words that need no statistics."""

import numpy as np
import pytest

from pointsman.report.rehearsal import rehearsal_lines, rehearsal_verdict
from pointsman.report.rehearsal_page import rehearsal_page
from pointsman.rollout.plan import Phase, Plan, Traffic
from pointsman.rollout.simulate.rehearse import Rehearsed, rehearse
from pointsman.rollout.simulate.result import Result
from pointsman.rollout.simulate.scenario import SCENARIOS

PLAN = Plan(
    route="<support>",
    from_="old",
    to="new",
    reason="deprecation",
    phases=(Phase(shadow="1d"), Phase(step=0.1, hold="1d", approval=True)),
    traffic=Traffic(requests_per_minute=20),
)


def done(ended, **counts):
    zeros = {"requests": 10, "candidate_requests": 0, "candidate_units": 0, "shadow_pairs": 0, "spent_usd": 0.0}
    reason = "error_rate: worse" if ended == "rolled_back" else ""
    return Rehearsed(ended=ended, reason=reason, phase=1, duration_s=90_000.0, **{**zeros, **counts})


def result(name, *rollouts):
    return Result(scenario=SCENARIOS[name], rehearsed=rollouts, cpu_s=0.1)


def test_a_real_rehearsal_makes_a_page_that_fetches_nothing():
    rng = np.random.Generator(np.random.PCG64([7, 0]))
    page = rehearsal_page(PLAN, {"errors_5x": result("errors_5x", rehearse(PLAN, SCENARIOS["errors_5x"], rng))}, 7)
    assert page.startswith("<!doctype html>")
    assert "&lt;support&gt;" in page
    assert "<support>" not in page
    assert "default-src &#x27;none&#x27;" in page
    assert "five times the errors" in page


def test_what_the_plan_promises_decides_the_headline():
    kept = {"aa": result("aa", done("completed")), "dead": result("dead", done("rolled_back", candidate_units=3))}
    assert "Harmless candidates stay" in rehearsal_page(PLAN, kept, 7)
    served = {"dead": result("dead", done("completed"))}
    assert "does not keep its promise" in rehearsal_page(PLAN, served, 7)
    assert any("never rolled back in 1" in line for line in rehearsal_lines(PLAN, served, 7))
    assert any("given to everybody" in line for line in rehearsal_lines(PLAN, served, 7))
    waits = {"aa": result("aa", done("unfinished"))}
    assert "never ended" in rehearsal_page(PLAN, waits, 7)


def test_too_little_traffic_is_said_and_does_not_decide_about_a_plan_that_has_more():
    results = {"aa": result("aa", done("completed")), "low_traffic": result("low_traffic", done("unfinished"))}
    assert rehearsal_verdict(PLAN, results) == "pass"
    assert any("a hundredth of the traffic" in line for line in rehearsal_lines(PLAN, results, 7))
    assert rehearsal_verdict(PLAN, {"low_traffic": results["low_traffic"]}) == "unknown"


def test_many_false_alarms_refute_the_plan_and_few_prove_nothing():
    assert rehearsal_verdict(PLAN, {"aa": result("aa", *[done("rolled_back")] * 9, done("completed"))}) == "fail"
    assert rehearsal_verdict(PLAN, {"aa": result("aa", done("rolled_back"), *[done("completed")] * 9)}) == "pass"


@pytest.mark.parametrize("name", ["aa", "quality_-3pp"])
def test_where_nobody_met_the_candidate_there_is_no_chart_of_it(name):
    page = rehearsal_page(PLAN, {name: result(name, done("rolled_back"))}, 7)
    assert "met it before the rollback" not in page
