"""The checklist answers from facts alone: never a pass where the run cannot tell."""

from __future__ import annotations

import msgspec
import pytest

from pointsman.core.estimate import Estimate, Unknown
from pointsman.evals.outcome import Outcome
from pointsman.evals.poc import checklist, pitfalls
from support.results import empty_run, facts, rich_run


def known(**changes):
    outcomes = {n: {Outcome.CORRECT: 900, Outcome.WRONG: 100} for n in ("a", "b")}
    whole = {
        "outcomes": outcomes,
        "measured_cost": 2,
        "measured_latency": 2,
        "measured_quality": 2,
        "served_models": {"a": ("m",), "b": ("n",)},
    }
    return facts(rich_run(), **{**whole, "repeats": 3, "origin": "production", "verdict": "pass", **changes})


def sees(points: float) -> Estimate:
    return Estimate(value=points / 100, low=points / 100, high=points / 100, n=60, method="connor")


def answer(lines, start: str):
    (line,) = [c for c in lines if c.item.startswith(start)]
    return line.answer, line.why


def test_the_guides_seven_and_five_are_all_there_in_order():
    assert [c.item[:12] for c in checklist(known())] == [
        "Defined clea",
        "Created repr",
        "Tested 2-3 c",
        "Measured all",
        "Tested edge ",
        "Documented f",
        "Made data-dr",
    ]
    assert [c.item for c in pitfalls(known())][:5] == [
        "Too small test set",
        "Unrepresentative data",
        "Ignoring edge cases",
        "Single run",
        "Only testing quality",
    ]


def test_a_run_that_did_everything_passes_everything():
    assert {c.answer for c in (*checklist(known()), *pitfalls(known()))} == {"pass"}


def test_sixty_cases_see_only_large_differences():
    small = known(cases=60, smallest_difference=sees(16.2))
    assert answer(pitfalls(small), "Too small") == ("fail", "60 cases see only differences above 16 points")
    assert answer(checklist(small), "Created")[0] == "fail"


def test_a_set_too_small_for_the_margin_fails_only_while_the_question_is_open():
    open_ = known(smallest_difference=sees(3.1), margin=0.02, verdict="unknown")
    assert answer(pitfalls(open_), "Too small") == (
        "fail",
        "1,319 cases see only differences above 3.1 points, and the margin is 2.0",
    )
    assert answer(pitfalls(msgspec.structs.replace(open_, verdict="pass")), "Too small")[0] == "pass"
    assert answer(pitfalls(msgspec.structs.replace(open_, quality_open=False)), "Too small")[0] == "pass"


def test_an_unknown_smallest_difference_is_not_a_pass():
    assert answer(pitfalls(known(smallest_difference=Unknown("no pairs yet"))), "Too small") == (
        "unknown",
        "1,319 cases; no pairs yet",
    )


@pytest.mark.parametrize("origin, said", [(None, "unknown"), ("synthetic", "fail"), ("curated", "pass"), ("production", "pass")])
def test_where_cases_come_from_is_unknown_unless_declared(origin, said):
    assert answer(pitfalls(known(origin=origin)), "Unrepresentative")[0] == said
    assert answer(checklist(known(origin=origin)), "Created")[0] == said


def test_edge_cases_are_counted():
    assert answer(pitfalls(known(edge_cases=24)), "Ignoring") == ("pass", "24 cases marked as edge cases")
    assert answer(checklist(known(edge_cases=0)), "Tested edge")[0] == "fail"


def test_one_repeat_at_one_hour_is_a_single_run():
    said, why = answer(pitfalls(known(repeats=1, elapsed_s=60.0)), "Single")
    assert said == "fail"
    assert why.endswith("all at one time of day")
    assert answer(pitfalls(known(repeats=2, elapsed_s=86400.0)), "Single") == ("pass", "2 repeats of each case")


def test_what_was_not_measured_is_named():
    assert answer(pitfalls(known(measured_cost=1)), "Only testing") == ("fail", "unknown: cost of 1 of 2 variants")


@pytest.mark.parametrize("n, said", [(0, "pass"), (10, "pass"), (11, "fail")])
def test_truncation_counts_from_one_in_a_hundred(n, said):
    cut = {"a": {Outcome.CORRECT: 1000}, "b": {Outcome.CORRECT: 1000 - n, Outcome.TRUNCATED: n}}
    assert answer(pitfalls(known(outcomes=cut)), "Answers cut off")[0] == said


def test_the_worst_variant_is_named_for_errors_and_unscored():
    bad = {
        "a": {Outcome.CORRECT: 100},
        "b": {Outcome.CORRECT: 80, Outcome.TIMEOUT: 5, Outcome.PROVIDER_ERROR: 5, Outcome.UNSCORED: 10},
    }
    lines = pitfalls(known(outcomes=bad))
    assert answer(lines, "Failed calls")[1].startswith("at most 10 % of a variant's trials (b: 10)")
    assert answer(lines, "Answers no scorer")[0] == "fail"


def test_a_model_that_changed_under_the_run_is_named():
    said, why = answer(pitfalls(known(served_models={"a": ("m-05", "m-08"), "b": ()})), "The model")
    assert said == "fail"
    assert why == "a was answered by m-05, m-08"
    assert answer(pitfalls(known(served_models={"a": (), "b": ()})), "The model")[0] == "unknown"


def test_a_fail_is_a_recommendation_and_an_unknown_is_not():
    assert answer(checklist(known(verdict="fail")), "Made")[0] == "pass"
    assert answer(checklist(known(verdict="unknown")), "Made")[0] == "unknown"


def test_missing_trials_leave_findings_undocumented():
    assert answer(checklist(known(finished=False, missing_trials=1)), "Documented") == ("fail", "1 trial missing: resume the run")


def test_no_criteria_and_no_rival_fail():
    assert answer(checklist(known(criteria=())), "Defined")[0] == "fail"
    assert answer(checklist(known(outcomes={"a": {Outcome.CORRECT: 5}})), "Tested 2-3") == (
        "fail",
        "1 variant: nothing to choose between",
    )


def test_nothing_run_passes_nothing_that_needs_trials():
    lines = {c.item: c.answer for c in (*checklist(facts(empty_run())), *pitfalls(facts(empty_run())))}
    for item, said in lines.items():
        if item.startswith(("Measured", "Only", "Answers", "Failed", "Documented", "Made", "The model")):
            assert said != "pass", item
