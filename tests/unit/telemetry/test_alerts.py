"""When a rule fires, and when it is over."""

import pytest

from pointsman.telemetry.alerts import DEFAULT_RULES, AlertRule, AlertState, holds, next_state
from pointsman.telemetry.windows import Lately

RULE = AlertRule(metric="error_rate", above=0.05, for_s=300, keep_firing_for_s=120)


def run(conditions, rule=RULE, every_s=60.0):
    """What people are told at each look."""
    state, told = AlertState(), []
    for number, condition in enumerate(conditions):
        state, change = next_state(rule, state, condition=condition, now_s=number * every_s)
        told.append(change)
    return told


def test_it_fires_once_after_it_held_without_a_break():
    assert run([True] * 8) == [None] * 5 + ["fires", None, None]
    assert run([True] * 4 + [False] + [True] * 5) == [None] * 10


def test_at_once_where_no_time_is_asked_for():
    assert run([True], AlertRule(metric="error_rate", above=0.05, for_s=0)) == ["fires"]


def test_it_is_over_only_after_it_was_gone_for_a_while():
    fired = [True] * 6
    assert run([*fired, False, False, False])[6:] == [None, None, "resolves"]
    assert run([*fired, False, True, False, False])[6:] == [None, None, None, None]


def test_what_is_not_known_neither_fires_nor_ends_anything():
    assert run([True] * 6 + [None] * 9)[5:] == ["fires"] + [None] * 9
    assert run([None] * 9) == [None] * 9


def test_a_pending_rule_keeps_its_place_while_nothing_is_known():
    assert run([True, True, None, None, True, True])[-1] == "fires"


def seen(failed, requests):
    return Lately(requests=requests, failed=failed)


@pytest.mark.parametrize(
    "rule, now, baseline, expected",
    [
        (RULE, seen(6, 100), None, True),
        (RULE, seen(5, 100), None, False),
        (RULE, seen(40, 49), None, None),
        (AlertRule(metric="error_rate", below=0.01), seen(0, 100), None, True),
        (AlertRule(metric="requests", below=1), seen(0, 0), None, True),
        (DEFAULT_RULES["error_rate_high"], seen(14, 100), seen(10, 100), True),
        (DEFAULT_RULES["error_rate_high"], seen(13, 100), seen(10, 100), False),
        (DEFAULT_RULES["error_rate_high"], seen(14, 100), seen(10, 49), None),
        (DEFAULT_RULES["error_rate_high"], seen(14, 100), None, None),
        (DEFAULT_RULES["satisfaction_down"], Lately(rated=100, rating_sum=60), Lately(rated=100, rating_sum=80), True),
        (DEFAULT_RULES["satisfaction_down"], Lately(rated=100, rating_sum=70), Lately(rated=100, rating_sum=80), False),
    ],
)
def test_a_condition_is_true_false_or_not_known(rule, now, baseline, expected):
    assert holds(rule, now, baseline) is expected
