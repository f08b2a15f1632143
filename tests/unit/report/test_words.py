"""The sentences: what a reader takes away if nothing else is read."""

from __future__ import annotations

import msgspec
import pytest

from pointsman.core.estimate import Unknown
from pointsman.report import words
from support.results import change, comparison, cost, crowd_run, empty_run, lone_run, rich_run, run, variant


def pair(points: float, n: int = 1302, **changes):
    return run(
        (variant("mixtral", 0.6), variant("gpt4", 0.6 + points / 100)), (comparison("gpt4", "mixtral", points, n, **changes),)
    )


def test_a_clear_winner_is_named_with_interval_n_and_p():
    assert words.headline(pair(25.2)) == "gpt4 is better than mixtral by 25.2 points [22.4, 28.0] on 1,302 cases (p < 0.001)."


def test_a_clear_loss_is_said_as_a_loss():
    assert words.headline(pair(-10)) == "gpt4 is worse than mixtral by 10.0 points [7.2, 12.8] on 1,302 cases (p < 0.001)."


def test_an_open_question_says_how_many_more_cases_it_needs():
    said = words.headline(pair(-0.7))
    assert "cannot be told apart" in said
    assert "−0.7 points [−3.5, +2.1]" in said
    assert said.endswith("1,240 more cases would settle it.")


def test_no_worse_within_the_margin_is_not_called_better():
    said = words.headline(pair(1, verdict="pass"))
    assert said.startswith("gpt4 is no worse than mixtral within 2.0 points: gpt4 − mixtral is +1.0 points [−1.8, +3.8]")
    assert "better" not in said


def test_a_tie_with_the_best_is_named():
    assert words.headline(crowd_run()).endswith("apart from maker-k/model-k-70b-instruct.")


def test_many_losers_leave_the_baseline_ahead():
    names = ("b", "c")
    result = run((variant("a", 0.9), variant("b", 0.7), variant("c", 0.6)), tuple(comparison(n, "a", -20) for n in names))
    assert words.headline(result).startswith("Of 3 variants, even the best candidate, b, is worse than a by 20.0 points")


def test_one_variant_is_not_compared():
    assert (
        words.headline(lone_run()) == "solo scores 93 % [84, 97] on 60 cases; with one variant there is nothing to compare it to."
    )


def test_without_a_baseline_the_highest_is_named_and_no_winner():
    said = words.headline(run((variant("a", 0.7), variant("b", 0.8))))
    assert said.startswith("b scores highest")
    assert "better" not in said


def test_nothing_measured_says_so():
    assert words.headline(empty_run()) == "Nothing can be said about quality: no variant has a scored answer."


def test_clusters_are_counted_as_clusters():
    result = pair(25.2, 40)
    clustered = msgspec.structs.replace(result, tests=msgspec.structs.replace(result.tests, clusters=40))
    assert "on 40 clusters" in words.headline(clustered)


def test_open_questions_name_what_would_settle_them_once():
    asked = words.open_questions(rich_run())
    assert any("1,240 more cases would settle it" in q for q in asked)
    assert len(asked) == len(set(asked))
    assert not any(q.startswith("gpt4") for q in asked)


def test_an_unknown_quality_is_an_open_question():
    assert "mixtral, quality: no trial has finished" in words.open_questions(empty_run())


@pytest.mark.parametrize("per_request, unpriced, said", [(None, 0, "unknown"), (0.01, 0, "$1.00"), (0.01, 3, "at least $1.00")])
def test_the_total_says_when_it_is_a_floor(per_request, unpriced, said):
    assert words.cost_total(msgspec.structs.replace(cost(per_request, 100), unpriced=unpriced)) == said


def test_what_is_missing_bounds_quality_from_both_sides():
    result = rich_run().variants[0]
    assert words.missing(result) == "17 of 1,319 trials are outside; with them, between 62.8 and 64.1 %"
    assert words.missing(empty_run().variants[0]) is None


def test_latency_and_cost_differ_in_per_cent():
    assert words.difference(change("a", "b", "latency", 0.5, "fail").difference, "latency") == "+50 % [+44, +57]"
    assert words.difference(Unknown("no price"), "cost") == "unknown: no price"
