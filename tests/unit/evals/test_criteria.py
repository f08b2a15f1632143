"""Bounds that cannot be judged are refused before a run, and silence never passes."""

from __future__ import annotations

import numpy as np
import pytest

from pointsman.core.failure import ConfigError
from pointsman.core.variant import Variant
from pointsman.evals.criteria import COMPARED, CRITERIA, check_criteria, judge_criteria, streams
from pointsman.evals.measure import measure
from pointsman.evals.spec import CriterionSpec
from support.tallies import facts, tally_of


def measured(scores: np.ndarray, **more: object):
    variant = Variant(provider="scripted", model="m")
    return measure("m", variant, tally_of(scores, **more), facts(len(scores)), 0.95, 1)


@pytest.mark.parametrize(
    "name, spec, words",
    [
        ("qualty", CriterionSpec(min=0.5), "did you mean `quality`"),
        ("quality", CriterionSpec(), "sets no bound"),
        ("latency_p95_s", CriterionSpec(margin=0.1), "takes no margin"),
        ("latency", CriterionSpec(max=1), "takes a margin only"),
        ("error_rate", CriterionSpec(min=0.5, max=0.1), "min is above max"),
    ],
)
def test_a_bound_nobody_could_judge_is_refused(name, spec, words):
    with pytest.raises(ConfigError) as caught:
        check_criteria({name: spec}, file="eval.yaml", baseline="old")
    assert words in f"{caught.value.message} {caught.value.hint}"
    assert f"criteria.{name}" in caught.value.message


def test_a_margin_without_a_baseline_is_refused():
    with pytest.raises(ConfigError, match="something to compare with"):
        check_criteria({"quality": CriterionSpec(margin=0.1)}, file="eval.yaml", baseline=None)


@pytest.mark.parametrize("name", sorted(CRITERIA))
def test_every_criterion_is_unknown_where_nothing_was_measured(name):
    nothing = measured(np.full(5, np.nan))
    for spec in (CriterionSpec(max=1e9), CriterionSpec(min=-1e9)):
        (found,) = judge_criteria(nothing, {name: spec})
        assert found.verdict == "unknown"


@pytest.mark.parametrize(
    "limit, verdict, needed",
    [(CriterionSpec(max=0.5), "fail", False), (CriterionSpec(max=1.5), "unknown", True), (CriterionSpec(min=0.5), "pass", False)],
)
def test_an_open_percentile_says_how_many_answers_would_bound_it(limit, verdict, needed):
    (found,) = judge_criteria(measured(np.ones(20), seconds=1.0), {"latency_p95_s": limit})
    assert found.verdict == verdict
    assert (found.needed is not None) == needed
    if needed:
        assert found.needed == 72 - 20


def test_a_whole_interval_must_lie_on_the_good_side():
    result = measured(np.array([1.0] * 90 + [0.0] * 10))  # 90 % [82.6, 94.5]
    verdicts = [judge_criteria(result, {"quality": CriterionSpec(min=m)})[0].verdict for m in (0.80, 0.88, 0.96)]
    assert verdicts == ["pass", "unknown", "fail"]


def test_only_first_token_criteria_make_a_run_stream():
    assert streams({"ttft_p95_s": CriterionSpec(max=1)})
    assert not streams({name: CriterionSpec(max=1) for name in (*CRITERIA, *COMPARED) if not name.startswith("ttft")})
