"""A gateway killed at random moments while it migrates: what was decided once is done once, and stays done."""

import contextlib
import itertools
import json
import os
import random
import signal
import socket
import time

import pytest

from pointsman.app.migrate import ask, begin, differences
from pointsman.app.rehearse import load_plan
from pointsman.store.migrations import broken_at
from support.migrating import SCRIPTS, Traffic, config, store_of, write_plan
from support.scripted_server import scripted_server
from support.serving import Serving, serving, until

_SLOW_S = 5.0
"""How late a loaded machine may obey; what is obeyed within a second is for `test_migrate_rollback_speed` to say."""
ENDED = ("rolled_back", "aborted", "closed")


@pytest.fixture(scope="module")
def upstream():
    """One provider for all."""
    with scripted_server(scripts=SCRIPTS, seed=9) as running:
        yield running


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Rounds:
    """Migrations one after the other, and kills among them."""

    def __init__(self, folder, base_url, seed):
        self.folder, self.dice = folder, random.Random(seed)
        self.config = config(base_url, old="sound", new="sound")
        self.config["variants"]["dead"] = {**self.config["variants"]["new"], "model": "dead"}
        self.config["gateway"] = {"port": free_port(), "drain_s": 1}
        self.begun = 0

    def keep_migrating(self, store):
        """Begin the next migration where none runs, and now and then ask the running one for its end."""
        running = [m for m in store.all() if m.status not in ENDED]
        if not running:
            steps = [{"step": share, "hold": "0s", "min_units": 3} for share in (0.2, 0.4, 0.6, 0.8)]
            to = "dead" if self.begun % 3 == 2 else "new"
            plan = write_plan(self.folder, *steps, to=to, guardrails={}, caps={"consecutive_failures": 4})
            begin(store, load_plan(plan), "test")
            self.begun += 1
        elif running[0].status == "completed" or self.dice.random() < 0.3:
            ask(store, running[0], self.dice.choice(("rollback", "abort")), "the round is over", "test")

    def kill_one(self, running: Serving):
        """A worker or the supervisor; whether it was the supervisor."""
        time.sleep(self.dice.uniform(0.0, 0.8))
        workers = running.workers()
        if workers and self.dice.random() < 0.4:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.dice.choice(workers), signal.SIGKILL)
            return False
        running.process.kill()
        running.process.wait(30)
        until(lambda: not any(is_there(pid) for pid in workers), "orphaned workers leave the address", 60)
        return True


MANY = pytest.param(int(os.environ.get("POINTSMAN_KILLS", "200")), marks=[pytest.mark.slow, pytest.mark.timeout(0)])


@pytest.mark.parametrize("kills", [pytest.param(3, marks=pytest.mark.timeout(400)), MANY])
def test_a_kill_at_any_moment_leads_to_no_double_step_no_lost_rollback_and_no_reassigned_unit(tmp_path, upstream, kills):
    """Given migrations that are promoted, rolled back, aborted and dead, under traffic, when gateway or workers are
    killed again and again, then every log is whole and replays, its versions rise by one, what ended stays ended, and
    conversations leave the candidate only where a migration went back. POINTSMAN_KILLS sets the slow test's number."""
    rounds = Rounds(tmp_path, upstream.base_url, seed=kills)
    url = f"http://127.0.0.1:{rounds.config['gateway']['port']}/v1"
    killed = 0
    with store_of(tmp_path) as store, Traffic(url, threads=3, turns=4, named=True) as traffic:
        while killed < kills:
            with serving(tmp_path, rounds.config, workers=2) as running:
                down = False
                while not down and killed < kills:
                    rounds.keep_migrating(store)
                    down = rounds.kill_one(running)
                    killed += 1
        with serving(tmp_path, rounds.config, workers=2):
            for one in store.all():
                if one.status not in ENDED:
                    ask(store, one, "abort", "the test is over", "test")
            until(lambda: all(m.status in ENDED for m in store.all()), "all migrations end")
            last = store.all()[-1]
            until(lambda: [e.kind for e in store.events(last.id) if e.kind in ("moved", "applied")][-1] == "applied", "a probe")
            ended_s = time.time()
            seen = len(traffic.turns)
            until(lambda: len([t for t in traffic.turns[seen:] if t.status == 200]) > 50, "traffic goes on")
        went_back = [check_log(store, m) for m in store.all()]
    assert rounds.begun >= 1
    assert {t.variant for t in traffic.turns if t.sent_s > ended_s and t.status == 200} == {"old"}
    check_conversations(traffic, went_back)


def check_log(store, migration):
    """The chain, the replay, the versions and the end; when it went back."""
    log = store.events(migration.id)
    assert broken_at(log) is None
    assert differences(migration, log) == ()
    moved = [(e, json.loads(e.data)) for e in log if e.kind == "moved"]
    versions = [m["transition"]["state"]["version"] for _, m in moved]
    assert versions == list(range(1, len(moved) + 1))
    statuses = [m["transition"]["state"]["status"] for _, m in moved]
    assert [s for s in statuses if s in ENDED] == [migration.status], statuses
    assert statuses[-1] == migration.status
    assert json.loads(migration.state)["version"] == versions[-1]
    tokens = [e.token for e in log]
    assert tokens == sorted(tokens)
    return moved[-1][0].at_s


def check_conversations(traffic, went_back):
    """Whoever was with the baseline stays; whoever was with a candidate leaves it after a rollback only."""
    for name, turns in traffic.by_conversation().items():
        seen = [t for t in turns if t.variant is not None]
        for before, after in itertools.pairwise(seen):
            if before.variant != after.variant:
                assert after.variant == "old", (name, turns)
                between = (before.sent_s - _SLOW_S, after.done_s)
                assert any(between[0] <= at_s <= between[1] for at_s in went_back), (name, turns, went_back)
