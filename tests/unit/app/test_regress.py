"""Which migrations a look that failed concerns."""

import msgspec
import pytest

from pointsman.app.migrate import new_migration
from pointsman.app.regress import Finding, Look, migrations_to
from pointsman.core.estimate import Unknown
from pointsman.rollout.plan import Phase, Plan

PLAN = Plan(route="support", from_="old", to="new", phases=(Phase(step=0.5, hold="1h"),), guardrails={"error_rate": {}})


def look(variant, verdict):
    found = Finding(
        variant=variant, verdict=verdict, reason="worse", difference=Unknown("x"), lost=9, won=0, log_e=9.0, log_total=9.0
    )
    return Look(number=1, at_s=0.0, pinned="a", run="b", findings=(found,))


@pytest.mark.parametrize("status, concerned", [("running", True), ("completed", True), ("closed", False)])
def test_those_that_moved_traffic_to_it_and_can_still_send_it_back(status, concerned):
    migration = msgspec.structs.replace(new_migration(PLAN, 0.0), status=status)
    assert bool(migrations_to(look("new", "fail"), [migration])) is concerned


def test_a_variant_that_passed_or_serves_elsewhere_concerns_none():
    migration = new_migration(PLAN, 0.0)
    assert migrations_to(look("new", "pass"), [migration]) == []
    assert migrations_to(look("new", "unknown"), [migration]) == []
    assert migrations_to(look("old", "fail"), [migration]) == []
