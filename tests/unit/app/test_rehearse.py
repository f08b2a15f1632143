"""Rehearsing from a file: what the document says, and that it is the same twice."""

import msgspec
import pytest

from pointsman.app.rehearse import load_plan, rehearsal_document, rehearse_all
from pointsman.core.failure import ConfigError, PointsmanError
from pointsman.rollout.simulate.scenario import SCENARIOS

PLAN = """\
route: support
from: old
to: new
reason: deprecation
traffic: {requests_per_minute: 20, requests_per_unit: 3}
phases: [{shadow: 1d, sample: 0.1}, {step: 0.05, hold: 1d}, {step: 0.5, hold: 1d}, {holdback: 0.05, hold: 1d}]
guardrails: {error_rate: {}, latency_p95: {}, cost: {}, quality: {}, refusals: {}, satisfaction: {}}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "migration.yaml"
    path.write_text(PLAN)
    return path


def test_the_document_has_the_published_shape(file):
    results = rehearse_all(load_plan(file), ("errors_5x", "guide_rule"), 3, 1)
    document = msgspec.json.decode(msgspec.json.encode(rehearsal_document(results, 1)))
    scenario = document["scenarios"]["errors_5x"]
    assert scenario["runs"] == 3
    assert set(scenario["rolled_back"]) == {"value", "low", "high", "n", "method", "level"}
    assert scenario["rolled_back"]["value"] == 1.0
    assert 0 < scenario["canary_requests_to_rollback"]["median"] <= scenario["canary_requests_to_rollback"]["p90"]
    assert 0 < scenario["exposed_units"]["median"] <= scenario["canary_requests_to_rollback"]["median"]
    assert scenario["cpu_s"] > 0
    assert scenario["requests"] > 1000
    assert document["scenarios"]["guide_rule"]["rolled_back"]["value"] == 1.0


def test_nothing_rolled_back_is_unknown_and_not_zero(file):
    results = rehearse_all(load_plan(file), ("aa",), 1, 1)
    counted = rehearsal_document(results, 1)["scenarios"]["aa"]["canary_requests_to_rollback"]
    assert counted == {"median": None, "p90": None, "unknown": "no rollout was rolled back"}


def test_the_same_seed_gives_the_same_rollouts_and_another_one_others(file):
    first, second, other = (rehearse_all(load_plan(file), ("errors_2x",), 2, s)["errors_2x"].rehearsed for s in (5, 5, 6))
    assert first == second
    assert first != other


def test_worse_quality_is_found_in_shadow_before_anybody_is_exposed(file):
    result = rehearse_all(load_plan(file), ("quality_-3pp",), 3, 2)["quality_-3pp"]
    assert result.count("rolled_back") == 3
    assert all(r.candidate_requests == 0 and r.candidate_units == 0 and r.shadow_pairs > 0 for r in result.rehearsed)
    assert result.by == {"quality": 3}


@pytest.mark.parametrize("name", [n for n, s in SCENARIOS.items() if s.harmful])
def test_no_harmful_candidate_reaches_everybody(file, name):
    result = rehearse_all(load_plan(file), (name,), 3, 3)[name]
    assert result.count("completed") == 0


@pytest.mark.parametrize("name", [n for n, s in SCENARIOS.items() if s.harmful is False and not s.by_guide])
def test_no_harmless_candidate_is_rolled_back_in_a_few_rollouts(file, name):
    """At a chance of at most 1 % each, four rollbacks of this fixed seed would be a defect."""
    assert rehearse_all(load_plan(file), (name,), 4, 4)[name].count("rolled_back") == 0


def test_a_rollback_that_does_nothing_is_noticed(file, monkeypatch):
    """With a machine whose rollback changes no weight, users stay exposed and the rehearsal says so."""
    from pointsman.rollout import machine
    from pointsman.rollout.simulate import rehearse as module

    def silent(plan, state, evidence, now_s, command=None):
        moved = machine.step(plan, state, evidence, now_s, command)
        return msgspec.structs.replace(moved, state=state) if moved.action == "roll_back" else moved

    sound = rehearse_all(load_plan(file), ("errors_5x",), 1, 1)["errors_5x"].rehearsed[0]
    monkeypatch.setattr(module, "step", silent)
    broken = rehearse_all(load_plan(file), ("errors_5x",), 1, 1)["errors_5x"].rehearsed[0]
    assert (sound.ended, broken.ended) == ("rolled_back", "unfinished")
    assert broken.candidate_requests > 10 * sound.candidate_requests


def test_a_mistake_names_file_line_and_key(tmp_path):
    path = tmp_path / "migration.yaml"
    path.write_text(PLAN.replace("hold: 1d}, {step: 0.5", "hold: soon}, {step: 0.5"))
    with pytest.raises(ConfigError) as caught:
        load_plan(path)
    assert (caught.value.key, caught.value.line, caught.value.value) == ("phases.1.hold", 6, "soon")
    path.write_text(PLAN.replace("cost: {}", "costs: {}"))
    with pytest.raises(PointsmanError, match="costs"):
        load_plan(path)


def test_an_unknown_scenario_lists_the_known_ones(file):
    with pytest.raises(PointsmanError) as caught:
        rehearse_all(load_plan(file), ("bb",), 1, 1)
    assert "errors_2x" in (caught.value.hint or "")


@pytest.mark.slow
def test_false_rollbacks_stay_within_the_promise_where_thresholds_do_not(file):
    """1,000 rollouts without a difference, outages and resembling users included: at most 1 %."""
    plan = load_plan(file)
    ours = rehearse_all(plan, ("aa",), 1000, 11)["aa"]
    assert ours.count("rolled_back") <= 10
    assert rehearse_all(plan, ("guide_rule",), 50, 11)["guide_rule"].count("rolled_back") >= 49
