"""The controller among replicas that obey, do not obey, or lie, and with a store that refuses."""

import asyncio
import sqlite3

import msgspec
import pytest

from pointsman.app.controller import Controller, Replica
from pointsman.app.migrate import ask, begin
from pointsman.core.clock import FakeClock
from pointsman.store.migrations import Migrations
from support.rollouts import plan
from support.served import attempt, failure, served

STEPS = [{"step": 0.5, "hold": "10s", "min_units": 2}, {"step": 0.8, "hold": "10s", "min_units": 2}]


class Workers:
    """Replicas that do what they are told, unless they are deaf."""

    def __init__(self, count=2):
        self.weights = [{} for _ in range(count)]
        self.deaf = set()
        self.killed, self.pulses, self.names_baseline = [], [], True
        self.ordered = ()

    async def obey(self, rollouts):
        self.ordered = rollouts
        for number in range(len(self.weights)):
            if number not in self.deaf:
                self.weights[number] = {r.migration: r.weight for r in rollouts}
        return "snapshot"

    def pulse(self, pulse):
        self.pulses.append(pulse)

    def replicas(self):
        return [Replica(n, "snapshot", w) for n, w in enumerate(self.weights)]

    def end(self, worker):
        self.killed.append(worker)
        self.deaf.discard(worker)
        self.weights[worker] = {r.migration: r.weight for r in self.ordered}

    def carries(self, migration):
        return self.names_baseline


class World:
    """A store, a clock, workers and a controller of them."""

    def __init__(self, folder, *, holder="one"):
        self.path = folder / "migrations.sqlite"
        self.clock, self.workers, self.said = FakeClock(1_000_000.0), Workers(), []
        self.store = Migrations(self.path)
        self.controller = self.another(holder)

    def another(self, holder, workers=None):
        told = self.said.append
        return Controller(self.path, workers or self.workers, told, wall_s=self.clock.wall_s, holder=holder)

    def begin(self, **changes):
        migration = begin(self.store, plan(phases=STEPS, signals={}, **{"guardrails": {}, **changes}), "test")
        db = sqlite3.connect(self.path)  # it began by the wall's clock; here it is another's
        db.execute("update migrations set begun_s = ? where id = ?", (self.clock.wall_s(), migration.id))
        db.commit()
        db.close()
        return migration.id

    def records(self, id, number, *, bad=False, side="new", weight=0.5):  # noqa: A002  # it is what it is
        attempts = (attempt(side, failure=failure() if bad else None),)
        more = {"variant": side, "route": "support", "unit": f"u{number}", "propensity": weight, "status": 503 if bad else 200}
        return served(number, at_s=self.clock.wall_s(), total_s=0.0, attempts=attempts, **more)

    def kinds(self, id):  # noqa: A002  # it is what it is
        return [e.kind for e in self.store.events(id)]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_share_counts_as_applied_when_every_replica_gives_it(world):
    """Given a replica that does not, nothing is noted; once it does, the log says so."""

    async def story():
        id = world.begin()  # noqa: A001  # it is what it is
        world.workers.deaf = {1}
        await world.workers.obey(await world.controller.open())
        await world.controller.tick()
        assert world.workers.ordered[0].weight == 0.5
        assert "applied" not in world.kinds(id)
        world.workers.deaf = set()
        await world.workers.obey(world.workers.ordered)
        await world.controller.tick()
        assert world.kinds(id)[-1] == "applied"

    asyncio.run(story())


def test_a_rollback_that_does_nothing_is_seen_and_the_stale_replica_is_killed(world):
    """Given a replica that goes on as before, after five seconds it is named, killed and replaced, and then probed again."""

    async def story():
        id = world.begin()  # noqa: A001  # it is what it is
        await world.controller.open()
        await world.workers.obey(world.controller.orders)
        await world.controller.tick()
        world.workers.deaf = {1}
        ask(world.store, world.store.all()[0], "rollback", "", "test")
        await world.controller.tick()
        assert world.store.all()[0].status == "rolled_back"
        assert world.workers.ordered == ()
        assert world.workers.killed == []
        world.clock.advance(6)
        await world.controller.tick()
        assert world.workers.killed == [1]
        await world.controller.tick()
        assert world.kinds(id)[-2:] == ["unconfirmed", "applied"]
        assert any("do not confirm" in said for said in world.said)

    asyncio.run(story())


def test_a_request_that_reaches_the_candidate_after_a_rollback_is_told_and_written_down(world):
    """Given workers that claim to have gone back and send users to the candidate all the same."""

    async def story():
        id = world.begin()  # noqa: A001  # it is what it is
        await world.controller.open()
        ask(world.store, world.store.all()[0], "rollback", "", "test")
        await world.controller.tick()
        world.controller.take([world.records(id, 1)])
        await world.controller.tick()
        assert "leak" not in world.kinds(id)  # it was under way
        world.clock.advance(3)
        world.controller.take([world.records(id, 2), world.records(id, 3, side="old")])
        await world.controller.tick()
        leaks = [msgspec.json.decode(e.data) for e in world.store.events(id) if e.kind == "leak"]
        assert leaks == [{"requests": 1}]

    asyncio.run(story())


def test_a_candidate_that_fails_in_a_row_is_rolled_back_while_a_person_is_asked_and_after_promotion(world):
    """Given a rollout that waits for approval, or has been completed, an outage of the candidate still ends it."""

    async def story(command):
        id = world.begin(caps={"consecutive_failures": 3})  # noqa: A001  # it is what it is
        await world.controller.tick()
        ask(world.store, world.store.all()[-1], command, "", "test")
        await world.controller.tick()
        for number in range(40):
            world.clock.advance(0.1)
            world.controller.take([world.records(id, number, bad=number % 2 == 0, side=("new", "old")[number % 2])])
            await world.controller.tick()
        assert world.store.all()[-1].status == "rolled_back"

    async def stories():
        await world.controller.open()
        await story("pause")
        await story("promote")

    asyncio.run(stories())


def test_who_lost_the_lease_decides_nothing_more_and_follows(world, tmp_path):
    """Given two gateways on one store, one decides; when its lease is taken over, the other goes on from the log."""

    async def story():
        id = world.begin()  # noqa: A001  # it is what it is
        await world.controller.open()
        workers = Workers()
        second = world.another("two", workers)
        await second.open()
        assert (world.controller.decides, second.decides) == (True, False)
        assert [o.weight for o in second.orders] == [0.5]  # it follows
        world.clock.advance(20)  # the first one was asleep
        await second.tick()
        assert second.decides
        ask(world.store, world.store.all()[0], "promote", "", "test")
        await second.tick()
        assert workers.ordered[0].weight == 0.8
        await world.controller.tick()
        await world.controller.tick()
        assert not world.controller.decides
        assert world.workers.ordered[0].weight == 0.8
        assert [k for k in world.kinds(id) if k == "moved"] == ["moved"]

    asyncio.run(story())


def test_a_rollback_is_carried_out_although_the_disk_refuses_to_write_it_down(world, monkeypatch):
    """And written down as soon as the disk takes it again; a promotion waits for the disk."""
    from pointsman.core.failure import StorageError

    async def story():
        id = world.begin(caps={"consecutive_failures": 3})  # noqa: A001  # it is what it is
        await world.controller.open()
        refuses = [True]
        record = Migrations.record

        def refusing(*given, **more):
            if refuses[0]:
                raise StorageError("no space left")
            return record(*given, **more)

        monkeypatch.setattr(Migrations, "record", refusing)
        ask(world.store, world.store.all()[0], "promote", "", "test")
        await world.controller.tick()
        assert world.controller.orders[0].weight == 0.5
        for number in range(40):
            world.clock.advance(0.1)
            world.controller.take([world.records(id, number, bad=number % 2 == 0, side=("new", "old")[number % 2])])
            await world.controller.tick()
        assert world.workers.ordered == ()
        assert world.store.all()[0].status == "running"
        assert world.controller.trouble is not None
        refuses[0] = False
        await world.controller.tick()
        assert world.store.all()[0].status == "rolled_back"
        assert world.controller.trouble is None
        assert sum("nothing can be decided" in said for said in world.said) == 1

    asyncio.run(story())


def test_a_file_that_names_another_variant_ends_the_migrations_say(world):
    """Given a configuration that sends the route elsewhere, workers get no order for it."""

    async def story():
        world.begin()
        world.workers.names_baseline = False
        assert await world.controller.open() == ()

    asyncio.run(story())


def test_a_new_controller_begins_where_the_last_one_was_and_probes_what_nobody_saw(world):
    """Given a rollback that was written down and never seen to be obeyed, the next controller sees to it."""

    async def story():
        id = world.begin()  # noqa: A001  # it is what it is
        await world.workers.obey(await world.controller.open())
        world.workers.deaf = {0, 1}
        ask(world.store, world.store.all()[0], "rollback", "", "test")
        await world.controller.tick()
        assert world.kinds(id)[-1] == "moved"
        world.clock.advance(20)
        world.workers.deaf = set()
        await world.workers.obey(())
        again = world.another("two")
        assert await again.open() == ()
        await again.tick()
        assert world.kinds(id)[-1] == "applied"

    asyncio.run(story())
