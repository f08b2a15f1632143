"""The log of migrations: appended by one at a time, and every change shows."""

import sqlite3

import msgspec
import pytest

from pointsman.core.failure import PointsmanError, StorageError
from pointsman.store.migrations import Entry, LeaseLost, Migration, Migrations, broken_at

STARTED = Entry(kind="started", data=b"{}")


def migration(id="m1", **changes):  # noqa: A002  # it is what it is
    usual = {"route": "support", "baseline": "old", "candidate": "new", "plan": b"{}", "salt": "s", "begun_s": 1.0}
    return Migration(id=id, **{**usual, "slots": 16, "status": "running", "weight": 0.0, "state": b"{}", **changes})


@pytest.fixture
def store(tmp_path):
    with Migrations(tmp_path / "migrations.sqlite") as opened:
        yield opened


def test_events_are_chained_and_a_changed_missing_or_swapped_one_is_named(store):
    """Given a log, its chain is whole; change, drop or swap any event and the first that does not fit is told."""
    store.start(migration(), STARTED)
    token = store.lease("me", 10.0, 15.0)
    for number in range(4):
        store.record(token, "m1", 10.0 + number, [Entry(kind="seen", data=b"{}", rows=bytes([number]))])
    log = store.events("m1")
    assert broken_at(log) is None
    assert broken_at([]) is None
    for field, value in {"data": b"{1}", "rows": b"x", "at_s": 0.0, "token": 9, "kind": "moved"}.items():
        changed = [*log[:2], msgspec.structs.replace(log[2], **{field: value}), *log[3:]]
        assert broken_at(changed) == 3
    assert broken_at(log[:2] + log[3:]) == 4
    assert broken_at([log[0], log[2], log[1], *log[3:]]) == 3
    assert broken_at(log[1:]) == 2


def test_the_file_itself_refuses_to_change_or_forget_an_event(store, tmp_path):
    store.start(migration(), STARTED)
    db = sqlite3.connect(tmp_path / "migrations.sqlite")
    for statement in ("update events set data = '{1}'", "delete from events"):
        with pytest.raises(sqlite3.IntegrityError, match="events are not"):
            db.execute(statement)
    db.close()


def test_one_decides_at_a_time_and_who_was_replaced_can_write_nothing(store):
    """Given a lease that ran out, when another takes it, then the first one's token is refused, and nothing is written."""
    store.start(migration(), STARTED)
    first = store.lease("one", 100.0, 15.0)
    assert store.lease("two", 110.0, 15.0) is None
    assert store.lease("one", 110.0, 15.0) == first
    second = store.lease("two", 126.0, 15.0)
    assert second == first + 1
    with pytest.raises(LeaseLost):
        store.record(first, "m1", 127.0, [STARTED], status="completed", weight=1.0, state=b"{}")
    assert len(store.events("m1")) == 1
    assert store.all()[0].status == "running"
    store.record(second, "m1", 127.0, [STARTED], status="completed", weight=1.0, state=b"{}")
    assert store.all()[0].status == "completed"


def test_the_lease_of_a_dead_process_is_taken_over_at_once_and_a_released_one_too(store):
    first = store.lease("one", 100.0, 15.0)
    assert store.lease("two", 101.0, 15.0, over="one") == first + 1
    store.release(first + 1)
    assert store.lease("three", 102.0, 15.0) == first + 2


def test_a_route_migrates_once_at_a_time_and_what_went_back_is_not_in_force(store):
    store.start(migration(), STARTED)
    with pytest.raises(PointsmanError, match="migrating already"):
        store.start(migration("m2"), STARTED)
    assert [m.id for m in store.in_force()] == ["m1"]
    token = store.lease("me", 10.0, 15.0)
    store.record(token, "m1", 11.0, [STARTED], status="rolled_back", weight=0.0, state=b"{}")
    assert store.in_force() == []
    store.start(migration("m2", begun_s=2.0), STARTED)
    assert [m.id for m in store.in_force()] == ["m2"]


def test_a_command_waits_until_it_is_answered_in_the_step_that_obeys_it(store):
    store.start(migration(), STARTED)
    asked = store.ask("m1", "pause", "kim", "freeze", 5.0)
    assert store.asked("m1")[0].reason == "freeze"
    assert store.answer(asked) is None
    token = store.lease("me", 10.0, 15.0)
    store.record(token, "m1", 11.0, [STARTED], answered=(asked, "paused"))
    assert store.answer(asked) == "paused"
    assert store.asked("m1") == []


def test_a_file_of_another_version_is_refused(tmp_path):
    db = sqlite3.connect(tmp_path / "migrations.sqlite")
    db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(StorageError, match="another version"):
        Migrations(tmp_path / "migrations.sqlite")
