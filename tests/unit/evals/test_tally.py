"""A tally counts each trial once, keeps what is absent absent, and loses no cent."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.exchange import Attempt, Cost, Exchange
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.usage import Usage
from pointsman.evals.outcome import MODEL_OUTCOMES, Outcome
from pointsman.evals.tally import Tally
from pointsman.evals.trial import Trial


def trial(outcome: Outcome = Outcome.CORRECT, score: float | None = 1.0, repeat: int = 0, **exchange: object) -> Trial:
    exchange.setdefault("attempts", (Attempt(started_s=0.0, duration_s=0.5),))
    return Trial(
        case="c",
        case_hash="h",
        variant="v",
        repeat=repeat,
        outcome=outcome,
        score=score,
        exchange=Exchange(variant="v", request="r", **exchange),
    )


def test_an_empty_tally_knows_nothing():
    tally = Tally(3, 2)
    assert np.isnan(tally.case_scores()).all()
    assert np.isnan(tally.correct_by_case()).all()
    assert sum(tally.counts().values()) == 0
    assert tally.total_usd is None


@given(st.lists(st.tuples(st.sampled_from(list(Outcome)), st.integers(0, 3), st.integers(0, 1)), max_size=30))
def test_counts_add_up_to_the_trials_that_exist(rows):
    tally = Tally(4, 2)
    for outcome, case, repeat in rows:
        tally.add(trial(outcome, 1.0 if outcome is Outcome.CORRECT else 0.0, repeat), case, 7)
    assert sum(tally.counts().values()) == int(tally.run.sum()) == len({(c, r) for _, c, r in rows})


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_what_the_model_did_is_in_the_mean(outcome):
    tally = Tally(1, 2)
    tally.add(trial(Outcome.CORRECT, 1.0), 0, 0)
    tally.add(trial(outcome, 0.0 if outcome in MODEL_OUTCOMES else None, repeat=1), 0, 0)
    expected = 0.5 if outcome in MODEL_OUTCOMES else 1.0
    assert tally.case_scores()[0] == expected
    assert tally.case_scores_if(0.0)[0] == 0.5
    assert tally.case_scores_if(1.0)[0] == (0.5 if outcome in MODEL_OUTCOMES else 1.0)


def test_money_is_exact_and_a_retried_error_stays_paid():
    tally = Tally(2, 1)
    cent = Cost(usd=Decimal("0.000000123"), source="list", checked_on="2026-11-01")
    failed = (Attempt(started_s=0.0, duration_s=0.1, failure=Failure(kind=FailureClass.TRANSIENT, message="cut")),)
    tally.add(trial(Outcome.PROVIDER_ERROR, None, cost=cent, attempts=failed), 0, 0)
    tally.forget(0, 0)
    tally.add(trial(cost=cent), 0, 9)
    tally.add(trial(cost=cent), 1, 9)
    assert tally.total_usd == Decimal("0.000000369")
    assert tally.billed_usd == Decimal("0.000000369")
    assert tally.count(Outcome.PROVIDER_ERROR) == 0
    assert tally.price_sources == {"list": "2026-11-01"}


def test_a_cached_answer_has_a_cost_and_no_bill_and_no_latency():
    tally = Tally(1, 1)
    tally.add(trial(cost=Cost(usd=Decimal(1), source="list"), cached=True), 0, 0)
    assert tally.total_usd == 1
    assert tally.billed_usd == 0
    assert np.isnan(tally.latency_s).all()


def test_an_unknown_cost_is_not_zero():
    tally = Tally(2, 1)
    tally.add(trial(), 0, 0)
    tally.add(trial(cost=Cost(usd=Decimal("0.5"), source="list", complete=False)), 1, 0)
    assert np.isnan(tally.cost_usd[0, 0])
    assert tally.unpriced == 2
    assert tally.without_usage == 2


def test_usage_is_added_up_by_kind_and_estimates_are_counted():
    tally = Tally(2, 1)
    tally.add(trial(usage=Usage(input_tokens=10, cache_read_tokens=5, output_tokens=2, reasoning_tokens=3)), 0, 0)
    tally.add(trial(usage=Usage(input_tokens=1, output_tokens=1, source="estimated")), 1, 0)
    assert tally.tokens == {"input": 16, "output": 6, "reasoning": 3, "cache_read": 5}
    assert tally.estimated_usage == 1


def test_some_cases_of_a_tally_keep_their_figures_in_the_order_asked():
    tally = Tally(3, 1)
    for case, score in enumerate((0.0, 1.0, 0.5)):
        tally.add(trial(score=score), case, case)
    assert tally.on(np.array([2, 0])).case_scores().tolist() == [0.5, 0.0]
