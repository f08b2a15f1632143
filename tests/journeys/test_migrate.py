"""A migration told from beginning to end: real command, real SDK, real traffic, phases of seconds."""

import contextlib
import hashlib
import json
import os
import signal
import sqlite3
import time

import openai
import pytest

from pointsman.app.migrate import differences
from pointsman.store.migrations import broken_at
from support.migrating import SCRIPTS, Traffic, changed_sides, config, migrate, standing, started, store_of, until_status
from support.scripted_server import scripted_server
from support.serving import serving, until, with_admin

STEP = {"step": 0.5, "hold": "1s", "min_units": 20}


@pytest.fixture(scope="module")
def upstream():
    """One provider for all."""
    with scripted_server(scripts=SCRIPTS, seed=4) as running:
        yield running


def events(folder, id, kind):  # noqa: A002  # it is what it is
    with store_of(folder) as store:
        return [json.loads(e.data) for e in store.events(id) if e.kind == kind]


def check_log(folder, id):  # noqa: A002  # it is what it is
    """The chain is whole, versions rise by one, and the log replays to the last bit."""
    with store_of(folder) as store:
        log = store.events(id)
        migration = next(m for m in store.all() if m.id == id)
    assert broken_at(log) is None
    moved = [json.loads(e.data) for e in log if e.kind == "moved"]
    assert [m["transition"]["state"]["version"] for m in moved] == list(range(1, len(moved) + 1))
    assert differences(migration, log) == ()
    return moved


def test_a_bad_candidate_is_rolled_back_and_gets_nothing_more(tmp_path, upstream):
    """Given a candidate that fails 60 % of its requests, when a migration starts, then it is rolled back on all
    replicas, that is probed and written down, and no later request reaches it."""
    with serving(tmp_path, config(upstream.base_url, old="sound", new="failing"), workers=2) as running:
        with Traffic(running.openai_url, turns=1) as traffic:
            id = started(tmp_path, {**STEP, "hold": "60s"})  # noqa: A001  # it is what it is
            until_status(tmp_path, id, "rolled_back")
            until(lambda: [a for a in events(tmp_path, id, "applied") if a["weight"] == 0.0], "the rollback is probed")
            probed_s = time.time()
            seen = len(traffic.turns)
            until(lambda: len(traffic.turns) > seen + 100, "traffic goes on")
        assert not traffic.to("new", probed_s)
        assert 0 < len(traffic.to("new")) < 400
        assert events(tmp_path, id, "leak") == []
    moved = check_log(tmp_path, id)
    assert moved[-1]["transition"]["action"] == "roll_back"
    assert standing(tmp_path, id).weight == 0.0
    ran = migrate(tmp_path, "status", "--json")
    assert ran.code == 2
    assert ran.document["status"] == "rolled_back"
    assert ran.document["log"]["broken_at"] is None


def test_a_good_candidate_is_promoted_to_everybody_and_no_conversation_changes_sides(tmp_path, upstream):
    """Given a candidate that is no worse, when its phases have passed, then it serves every new conversation, and
    no conversation was answered by both sides, although the share rose under it."""
    with serving(tmp_path, config(upstream.base_url), workers=2) as running:
        with Traffic(running.openai_url, turns=6) as traffic:
            until(lambda: len(traffic.turns) > 20, "conversations have begun")
            phases = ({"step": 0.3, "hold": "1s", "min_units": 10}, STEP, {"holdback": 0.2, "hold": "1s", "min_units": 10})
            id = started(tmp_path, *phases)  # noqa: A001  # it is what it is
            until_status(tmp_path, id, "completed", within_s=90)
            until(lambda: [a for a in events(tmp_path, id, "applied") if a["weight"] == 1.0], "it is applied everywhere")
            done_s, seen = time.time(), len(traffic.turns)
            until(lambda: len(traffic.turns) > seen + 200, "traffic goes on")
        assert changed_sides(traffic) == []
        begun_later = [t[0] for t in traffic.by_conversation().values() if t[0].sent_s > done_s]
        assert begun_later
        assert {t.variant for t in begun_later} == {"new"}
    moved = check_log(tmp_path, id)
    assert [m["transition"]["action"] for m in moved if m["transition"]["action"] != "stay"][-1] == "complete"
    assert [m["transition"]["weight"] for m in moved if m["transition"]["action"] == "promote"] == [0.5, 0.8]


def test_a_person_pauses_promotes_and_rolls_back(tmp_path, upstream):
    """Each command is answered by the running gateway, and the log says who asked and why."""
    with serving(tmp_path, config(upstream.base_url, old="sound", new="sound")) as running:
        id = started(tmp_path, {"step": 0.1, "hold": "1h"}, {"step": 0.5, "hold": "1h"})  # noqa: A001  # it is what it is
        assert migrate(tmp_path, "pause", "--why", "release freeze").code == 0
        promoted = migrate(tmp_path, "promote", "--json")
        assert promoted.document["answer"] == "paused by a person"
        assert migrate(tmp_path, "resume").code == 0
        assert migrate(tmp_path, "promote", "--json").document["weight"] == 0.5
        assert migrate(tmp_path, "rollback", "--why", "complaints").code == 0
        again = migrate(tmp_path, "promote")
        assert again.code == 1
        assert "rolled back" in again.err
        with Traffic(running.openai_url, threads=1, turns=1) as traffic:
            until(lambda: len(traffic.turns) > 20, "traffic")
        assert traffic.to("new") == []
    moved = check_log(tmp_path, id)
    assert [m["transition"]["action"] for m in moved] == ["pause", "resume", "promote", "roll_back"]
    assert moved[0]["why"] == "release freeze"
    assert all(m["actor"] for m in moved)


def test_two_migrations_of_one_route_and_plans_that_do_not_fit_are_refused(tmp_path, upstream):
    """Each refusal names what is wrong."""
    with serving(tmp_path, config(upstream.base_url)):
        started(tmp_path, {"step": 0.1, "hold": "1h"})
        ran = migrate(tmp_path, "start", tmp_path / "migration.yaml")
        assert ran.code == 1
        assert "migrating already" in ran.err
        plan = (tmp_path / "migration.yaml").read_text()
        for wrong, said in (("from: old", "from: olds"), ("to: new", "to: newer"), ("route: support", "route: suport")):
            (tmp_path / "wrong.yaml").write_text(plan.replace(wrong, said))
            ran = migrate(tmp_path, "start", tmp_path / "wrong.yaml", "--dry-run")
            assert ran.code == 1
            assert said.split(": ")[1] in ran.err


SHADOW = {"shadow": "1s", "sample": 1.0}
QUALITY = {"quality": {"rollback": 0.2, "hold": 0.1}}


def test_a_candidate_that_is_worse_in_shadow_never_meets_a_user(tmp_path, upstream):
    """Given a candidate half of whose answers are cut off, when requests are mirrored to it, then it is rolled back,
    every user got the baseline's whole answer, and what the mirrored requests cost is in the ledger."""
    with serving(tmp_path, config(upstream.base_url, old="sound", new="curt"), workers=2) as running:
        with Traffic(running.openai_url, turns=2, stream=True) as traffic:
            id = started(tmp_path, SHADOW, STEP, guardrails=QUALITY)  # noqa: A001  # it is what it is
            until_status(tmp_path, id, "rolled_back")
        assert {(t.status, t.variant) for t in traffic.turns} == {(200, "old")}
        rows = until(lambda: running.rows("decision, usd"), "records are written")
        mirrored = [r for r in rows if r["decision"].endswith("-shadow")]
        assert len(mirrored) >= 3  # half of the answers are cut: a handful of pairs may do
        assert all(r["usd"] is not None for r in mirrored)
    document = migrate(tmp_path, "status", "--json").document
    shadow = document["tally"]["shadow"]
    assert set(shadow["candidate_flaws"]) == {"truncated"}
    assert shadow["baseline_flaws"] == {}
    assert shadow["lost"] > shadow["won"]
    check_log(tmp_path, id)


@pytest.mark.slow
def test_shadow_passes_a_sound_candidate_on_and_stops_where_its_budget_ends(tmp_path, upstream):
    """Given a budget for a few requests a day, mirroring stops there and the phase waits; with enough, it is left."""
    with serving(tmp_path, config(upstream.base_url, old="sound", new="sound")) as running:
        with Traffic(running.openai_url, turns=1) as traffic:
            caps = {"shadow_usd_per_day": 0.001}
            id = started(tmp_path, SHADOW, STEP, guardrails=QUALITY, caps=caps)  # noqa: A001  # it is what it is
            until(lambda: shown(tmp_path, id)["tally"]["shadow"]["day_usd"] >= 0.001, "the budget is spent")
            seen = len(traffic.turns)
            until(lambda: len(traffic.turns) > seen + 200, "traffic goes on")
            spent = shown(tmp_path, id)["tally"]["shadow"]["day_usd"]
            seen = len(traffic.turns)
            until(lambda: len(traffic.turns) > seen + 100, "traffic goes on")
            assert shown(tmp_path, id)["tally"]["shadow"]["day_usd"] == spent
            assert spent < 0.02
            assert standing(tmp_path, id).weight == 0.0
            assert migrate(tmp_path, "abort").code == 0
            id = started(tmp_path, SHADOW, STEP, guardrails=QUALITY)  # noqa: A001  # it is what it is
            until(lambda: standing(tmp_path, id).weight == 0.5, "it leaves the shadow", 60)
        assert {t.status for t in traffic.turns} == {200}
    check_log(tmp_path, id)


def shown(folder, id):  # noqa: A002  # it is what it is
    with store_of(folder) as store:
        document = until(lambda: store.shown(id), "a status is shown")
    return json.loads(document)


def test_users_who_are_less_content_roll_a_candidate_back(tmp_path, upstream):
    """Given thumbs down for the candidate alone, sent after the answers, its satisfaction rolls it back; feedback
    on another tenant's answer counts for nothing."""
    keys = {"ours": "pm-ours", "theirs": "pm-theirs"}
    tenants = {n: {"keys": [f"sha256:{hashlib.sha256(k.encode()).hexdigest()}"]} for n, k in keys.items()}
    own = config(upstream.base_url, old="sound", new="sound")
    with serving(tmp_path, {**own, "gateway": {"port": 0, "tenants": tenants}}) as running:
        phases = ({**STEP, "hold": "60s"},)
        id = started(tmp_path, *phases, guardrails={"satisfaction": {}})  # noqa: A001  # it is what it is
        until(lambda: events(tmp_path, id, "applied"), "it is applied")
        with (
            openai.OpenAI(base_url=running.openai_url, api_key=keys["ours"], max_retries=0) as sdk,
            openai.OpenAI(base_url=running.openai_url, api_key=keys["theirs"], max_retries=0) as other,
        ):
            for number in range(2_000):
                said = [{"role": "user", "content": f"question {number}"}]
                raw = sdk.chat.completions.with_raw_response.create(model="support", messages=said)
                side, decision = raw.headers["x-pointsman-variant"], raw.headers["x-pointsman-decision"]
                body = {"decision": decision, "score": side == "old", "labels": {"why": "test"}}
                assert sdk.post("/feedback", body=body, cast_to=object) == {"accepted": True}
                if number < 5:
                    other.post("/feedback", body={"decision": decision, "score": 0.5}, cast_to=object)
                if number % 20 == 0 and standing(tmp_path, id).status != "running":
                    break
        assert until_status(tmp_path, id, "rolled_back")
        with pytest.raises(openai.BadRequestError, match="score"):
            openai.OpenAI(base_url=running.openai_url, api_key="pm-ours").post(
                "/feedback", body={"decision": "x", "score": 3}, cast_to=object
            )
        with pytest.raises(openai.AuthenticationError):
            openai.OpenAI(base_url=running.openai_url, api_key="wrong").post("/feedback", body={}, cast_to=object)
    moved = check_log(tmp_path, id)
    assert moved[-1]["transition"]["reason"].startswith("satisfaction")
    with contextlib.closing(sqlite3.connect(tmp_path / ".pointsman" / "ledger.sqlite")) as db:
        scores = [s for (s,) in db.execute("select score from feedback")]
    assert set(scores) == {0.0, 1.0}


def test_the_admin_listener_starts_steers_and_shows_a_migration(tmp_path, upstream):
    """What the command does through the store's folder, an administrator does over HTTP with the key; nobody without."""
    with serving(tmp_path, with_admin(config(upstream.base_url, old="sound", new="sound"))) as running:
        plan = {"route": "support", "from": "old", "to": "new", "phases": [{"step": 0.1, "hold": "1h"}], "guardrails": {}}
        assert running.admin("/migrations", method="POST", body=plan, key="wrong")[0] == 401
        status, begun = running.admin("/migrations", method="POST", body=plan)
        assert status == 201
        until(lambda: standing(tmp_path, begun["migration"]), "it stands")
        status, answer = running.admin(f"/migrations/{begun['migration']}/rollback", method="POST", body={"why": "enough"})
        assert (status, answer["status"]) == (200, "rolled_back")
        status, document = running.admin(f"/migrations/{begun['migration']}")
        assert [e["why"] for e in document["events"] if "why" in e] == ["enough"]
        assert [m["status"] for m in running.admin("/migrations")[1]] == ["rolled_back"]
        status, refused = running.admin("/migrations", method="POST", body={**plan, "to": "newer"})
        assert status == 400
        assert "newer" in refused["error"]
        assert running.admin(f"/migrations/{begun['migration']}/promote", method="POST", body={})[0] == 409


@pytest.mark.slow
def test_workers_that_hear_nothing_give_new_conversations_the_baseline_and_come_back(tmp_path, upstream):
    """Given a supervisor that hangs, after five seconds its workers go by the baseline; when it wakes, by the share again."""
    with serving(tmp_path, config(upstream.base_url, old="sound", new="sound"), workers=2) as running:
        with Traffic(running.openai_url, turns=1) as traffic:
            id = started(tmp_path, {**STEP, "step": 0.9, "hold": "1h"}, guardrails={})  # noqa: A001  # it is what it is
            until(lambda: events(tmp_path, id, "applied"), "it is applied")
            os.kill(running.process.pid, signal.SIGSTOP)
            try:
                until(lambda: {t.variant for t in traffic.turns[-50:]} == {"old"}, "new conversations get the baseline", 30)
            finally:
                os.kill(running.process.pid, signal.SIGCONT)
            until(lambda: {t.variant for t in traffic.turns[-50:]} == {"old", "new"}, "the share counts again", 30)
        assert {t.status for t in traffic.turns} == {200}
