"""What a migration.yaml may say."""

import pytest

from pointsman.core.failure import ConfigError
from pointsman.rollout.plan import built_checks, seconds
from support.rollouts import plan


def test_defaults_are_filled_in():
    p = plan()
    assert list(p.guardrails) == ["error_rate", "latency_p95", "cost", "quality", "refusals", "satisfaction"]
    assert [x.weight for x in p.phases] == [0.0, 0.05, 0.25, 0.5, 0.95]
    assert [x.least_s for x in p.phases] == [604_800.0] * 4 + [1_209_600.0]
    assert "sample_ratio" in built_checks(p)


def test_the_guardrails_share_the_allowed_error():
    checks = built_checks(plan(alpha=0.02))
    assert sum(checks[n].alpha for n in plan().guardrails) == pytest.approx(0.02)


@pytest.mark.parametrize("text, expected", [("90s", 90.0), ("1.5h", 5400.0), ("2w", 1_209_600.0)])
def test_durations(text, expected):
    assert seconds(text) == expected


SHADOW = {"shadow": "1d"}


@pytest.mark.parametrize(
    "changes, key",
    [
        ({"phases": []}, "phases"),
        ({"phases": [SHADOW]}, "phases"),
        ({"to": "old"}, "to"),
        ({"phases": [SHADOW, {"step": 0.5}, {"step": 0.1}]}, "phases.2"),
        ({"phases": [SHADOW, {"step": 0.5, "holdback": 0.1}]}, "phases.1"),
        ({"phases": [SHADOW, {"step": 0.5, "hold": "soon"}]}, "phases.1.hold"),
        ({"phases": [SHADOW, {"step": 0.1}, {"shadow": "1d"}]}, "phases.2.shadow"),
        ({"phases": [SHADOW, {"holdback": 0.1}, {"step": 0.95}]}, "phases.1.holdback"),
        ({"phases": [{"step": 0.5}]}, "guardrails.quality"),
        ({"guardrails": {"cost": {"rolback": 2}}}, "guardrails.cost"),
        ({"guardrails": {"cost": {"warn": 3.0}}}, "guardrails.cost.rollback"),
        ({"guardrails": {"quality": {"hold": 0.5}}}, "guardrails.quality.rollback"),
        ({"cool_down": "x"}, "cool_down"),
    ],
)
def test_a_plan_that_makes_no_sense_names_its_key(changes, key):
    with pytest.raises(ConfigError) as caught:
        plan(**changes)
    assert caught.value.key == key
