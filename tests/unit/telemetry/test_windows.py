"""The last minutes, by route and variant."""

import math
from collections import Counter
from decimal import Decimal

import pytest

from pointsman.core.exchange import Cost
from pointsman.telemetry.windows import METRICS, Lately, Windows, quantile
from support.served import AT_S, attempt, failure, served


def lately(*records, over_s=300.0, now_s=AT_S + 1, variant="main"):
    windows = Windows()
    for record in records:
        windows.add(record)
    return windows.lately("r", variant, over_s, now_s)


def test_of_nothing_every_metric_is_unknown_and_never_zero():
    for metric in METRICS:
        assert Lately().value(metric) == ((0.0, 0) if metric == "requests" else (None, 0))


def test_a_failure_counts_against_who_was_tried_first_whatever_the_fallback_made_of_it():
    rescued = served(attempts=(attempt("main", failure=failure()), attempt("spare")), variant="spare", fell_back=True)
    assert lately(rescued).value("error_rate") == (1.0, 1)
    assert lately(rescued).value("fallback_rate") == (1.0, 1)
    assert lately(rescued, variant="spare").requests == 0


def test_money_is_exact_and_an_unknown_price_is_left_out():
    known = served(cost=Cost(usd=Decimal("0.1"), source="x"))
    found = lately(known, known, known, served(cost=None))
    assert found.usd == Decimal("0.3")
    assert found.value("cost_per_request_usd") == (pytest.approx(0.1), 3)


def test_refused_and_cut_answers_are_shares_of_answers_that_ended():
    refused, cut, good = served(finish="refusal"), served(finish="length"), served()
    broken = served(attempts=(attempt(failure=failure()),), finish=None)
    found = lately(refused, cut, good, broken)
    assert found.value("refusal_rate") == (pytest.approx(1 / 3), 3)
    assert found.value("truncation_rate") == (pytest.approx(1 / 3), 3)
    assert found.value("error_rate") == (0.25, 4)


def test_clients_that_left_judge_nobody():
    assert lately(served(status=499, attempts=(attempt(failure=failure()),))).requests == 0


def test_only_minutes_inside_the_window_count_and_memory_is_bounded():
    windows = Windows(minutes=60)
    for minute in range(600):
        windows.add(served(at_s=AT_S + 60 * minute))
    now_s = AT_S + 60 * 599 + 1
    assert windows.lately("r", "main", 300, now_s).requests == 5
    assert windows.lately("r", "main", 10**9, now_s).requests == 60
    windows.add(served(at_s=AT_S))  # far too late
    assert windows.lately("r", "main", 10**9, now_s).requests == 60


def test_records_that_come_out_of_order_find_their_minute():
    windows = Windows()
    for minute in (3, 1, 2, 1):
        windows.add(served(at_s=AT_S + 60 * minute))
    assert windows.lately("r", "main", 120, AT_S + 60 * 3 + 1).requests == 2
    assert windows.lately("r", "main", 3600, AT_S + 60 * 3 + 1).requests == 4


def test_ratings_count_at_the_time_of_the_request_they_are_about():
    windows = Windows()
    windows.rate("r", "main", AT_S, 1.0)
    windows.rate("r", "main", AT_S, 0.0)
    assert windows.lately("r", "main", 300, AT_S + 1).value("satisfaction") == (0.5, 2)


@pytest.mark.parametrize("seconds", [0.003, 0.25, 40.0])
def test_a_quantile_is_right_to_within_its_step(seconds):
    windows = Windows()
    for _ in range(20):
        windows.add(served(attempts=(attempt(duration_s=seconds),)))
    value, n = windows.lately("r", "main", 300, AT_S + 1).value("latency_p95_s")
    assert n == 20
    assert value == pytest.approx(seconds, rel=0.026)


def test_the_95th_of_a_hundred_is_the_95th():
    step = math.log(1.05)
    assert quantile(Counter({0: 95, 100: 5}), 0.95) == pytest.approx(math.exp(step / 2))
    assert quantile(Counter({0: 94, 100: 6}), 0.95) == pytest.approx(math.exp(100.5 * step))
    assert quantile(Counter(), 0.95) is None
