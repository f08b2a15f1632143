"""The live page's content: what is unknown says so, what strangers wrote stays text, who does not obey is named."""

import re
from collections import Counter
from decimal import Decimal
from html.parser import HTMLParser

import msgspec
import pytest

from pointsman.core.estimate import Unknown
from pointsman.report.dashboard import (
    CheckNow,
    Dashboard,
    Firing,
    MigrationNow,
    PhaseNow,
    ReplicaNow,
    RouteNow,
    VariantLately,
    fragment,
)
from pointsman.report.dashboard_shell import policy, shell
from pointsman.rollout.chronicle import Chronicler
from pointsman.rollout.shadow_tally import ShadowTally
from pointsman.rollout.witness import Tally
from pointsman.telemetry.windows import Lately
from unit.report.test_postmortem import PLAN, log

EVIL = "<img src=x onerror=alert(1)>\"'&"
CHECK = CheckNow(
    name="error_rate",
    role="guardrail",
    measured=Unknown("too few"),
    verdict="unknown",
    reason="not ruled out",
    rung="clear",
    share=0.34,
)
MOVE = MigrationNow(
    migration="support-1",
    baseline="old",
    candidate="new",
    status="running",
    phase=1,
    phases=(PhaseNow(kind="shadow", weight=0.0, least_s=60.0), PhaseNow(kind="step", weight=0.25, least_s=3600.0)),
    weight=0.25,
    in_phase_s=90.0,
    tally=Tally(requests=400, candidate_requests=100, candidate_units=80),
    spent_usd=0.5,
    checks=(CHECK,),
    replicas=(ReplicaNow(0, 0.25), ReplicaNow(1, 0.25)),
    silent_s=0.4,
)
FEW = Lately(requests=9, failed=3, finished=6, latencies=Counter({-40: 9}))
MANY = Lately(requests=200, failed=3, finished=190, refused=19, priced=190, usd=Decimal("1.90"), latencies=Counter({-40: 190}))


class Tags(HTMLParser):
    """What a browser would take for elements and attributes."""

    def __init__(self):
        super().__init__()
        self.names, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def told(**more):
    """The migration's moment, as markup and as the words in it."""
    return page(RouteNow(name="support", migration=msgspec.structs.replace(MOVE, **more)))


def page(*routes, **more):
    return str(fragment(Dashboard(at_s=1_790_000_000.0, ready=True, facts=(("Ledger", "ok", True),), routes=routes, **more)))


def words(markup):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", markup))


def story():
    chronicler = Chronicler(PLAN)
    for at_s, entry in log(failing=True):
        chronicler.take(at_s, entry)
    return chronicler.story()


def test_a_running_migration_says_where_it_is_how_far_and_that_all_obey():
    said = words(told())
    assert "● running" in said
    assert "✓ shadow" in said
    assert "● step 25 % 1 min 30 s of at least 1 h 0 min" in said
    assert "✓ both obey" in said
    assert "100 of 400" in said
    assert "34 %" in said


@pytest.mark.parametrize(
    "replicas, said",
    [
        ((ReplicaNow(0, 0.25), ReplicaNow(1, 0.5)), "✗ 1 of 2 do not obey yet: #1 gives 50 %"),
        ((ReplicaNow(0, None),), "✗ 1 of 1 do not obey yet: #0 has not reported"),
        ((), "none known"),
    ],
)
def test_a_replica_that_does_not_obey_or_says_nothing_is_named(replicas, said):
    assert said in words(told(replicas=replicas))


def test_waiting_is_told_while_it_runs_and_not_after_its_end():
    waits = {"paused": True, "held": True, "asked": True}
    running, over = words(told(**waits)), words(told(**waits, status="aborted"))
    for reason in ("paused by a person", "held by the evidence", "asks a person to approve"):
        assert reason in running
        assert reason not in over


@pytest.mark.parametrize("silent_s, warned", [(None, True), (0.5, False), (30.0, True)])
def test_a_controller_that_says_nothing_is_noticed(silent_s, warned):
    assert ("may be old" in told(silent_s=silent_s)) is warned
    assert "may be old" not in told(silent_s=silent_s, status="closed")


def test_too_few_are_unknown_and_never_a_number():
    """Nine requests of which three failed are no error rate of 33 %; none at all are no 0 %."""
    sides = (VariantLately(name="old", short=FEW, long=MANY), VariantLately(name="new", short=Lately(), long=Lately()))
    rows = re.findall(r"<tr>(.*?)</tr>", page(RouteNow(name="support", variants=sides)), re.DOTALL)
    by_name = {words(row).split("  ")[0].strip(): words(row) for row in rows}
    errors = next(text for text in by_name.values() if text.strip().startswith("Errors"))
    assert " ".join(errors.split()) == "Errors unknown n = 9 unknown n = 0 1.5 % n = 200 unknown n = 0"
    requests = next(text for text in by_name.values() if text.strip().startswith("Requests"))
    assert " ".join(requests.split()) == "Requests 9 0 200 0"
    cost = next(text for text in by_name.values() if text.strip().startswith("Cost"))
    assert " ".join(cost.split()) == "Cost per request unknown n = 0 unknown n = 0 $0.0100 n = 190 unknown n = 0"


def test_roles_stand_beside_the_names():
    sides = (VariantLately(name="old", short=MANY, long=MANY, role="baseline"),)
    assert "old (baseline), 5 min" in words(page(RouteNow(name="support", variants=sides)))


def test_nothing_that_strangers_wrote_becomes_markup():
    evil = told(
        migration=EVIL,
        baseline=EVIL,
        candidate=EVIL,
        says=EVIL,
        story=story(),
        checks=(msgspec.structs.replace(CHECK, name=EVIL, reason=EVIL, measured=Unknown(EVIL)),),
        tally=Tally(pairs=1, shadow=ShadowTally(candidate_flaws={EVIL: 1})),
    )
    sides = (VariantLately(name=EVIL, short=MANY, long=MANY),)
    evil += page(RouteNow(name=EVIL, variants=sides), firing=(Firing(EVIL, EVIL, EVIL),), trouble=EVIL)
    assert "<img" not in evil
    assert evil.count("&lt;img") >= 12
    assert "<new>" not in evil  # the plan's own candidate in the pictures
    tags = Tags()
    tags.feed(evil)
    assert not {"img", "script"} & tags.names
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert "aria-label" in tags.attributes


def test_both_pictures_have_names_of_their_own_on_a_page_of_two_migrations():
    both = page(*(RouteNow(name=n, migration=msgspec.structs.replace(MOVE, story=story())) for n in "ab"))
    ids = re.findall(r'\sid="([^"]+)"', both)
    assert both.count("<figure") == 4
    assert len(ids) == len(set(ids))


def test_shadow_pairs_are_compared_side_by_side_only_where_there_are_some():
    shadow = ShadowTally(
        baseline_flaws={"refusal": 3}, candidate_flaws={"refusal": 5}, lost=4, won=2, latency_s=(10, 10.0, 20.0), usd=0.25
    )
    said = words(told(tally=Tally(pairs=40, shadow=shadow)))
    assert "Shadow: 40 pairs, which cost $0.2500" in said
    assert "Flawed where the other was not 2 of 40 4 of 40" in said
    assert "Mean latency 1.0 s n = 10 2.0 s n = 10" in said
    assert "Mean cost unknown n = 0 unknown n = 0" in said
    assert "Shadow:" not in words(told())


def test_what_a_reader_hears_names_migrations_and_alerts_and_no_figures():
    """Figures change at every look; who listens is told when something happens."""
    now = page(RouteNow(name="support", migration=MOVE), firing=(Firing("outage", "support", "new"),))
    said = re.search(r'data-said="([^"]*)"', now).group(1)
    assert said == "support: running, phase 2 of 2. alert outage on support, new"


def test_migrations_under_way_stand_before_those_that_ended_and_before_quiet_routes():
    over = msgspec.structs.replace(MOVE, status="closed")
    names = re.findall(r"Route <code>(\w+)", page(RouteNow(name="a"), RouteNow(name="b", migration=over),
                                                   RouteNow(name="c", migration=MOVE)))  # fmt: skip
    assert names == ["c", "b", "a"]


def test_the_shell_fetches_nothing_and_runs_only_what_its_policy_names():
    assert not re.search(r"https?://", shell())
    assert "onclick" not in shell()
    assert " style=" not in shell()
    assert shell().count("<script>") == shell().count("<style>") == 1
    assert "unsafe" not in policy()
    assert "default-src 'none'" in policy()
