"""What is read of migrations for the live page and for Prometheus: the newest of a route, from its log as it grows."""

import math

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pointsman.app import migration_watch
from pointsman.app.migrate import begin
from pointsman.app.migration_samples import migration_samples
from pointsman.app.migration_watch import MigrationWatch
from pointsman.core.estimate import Estimate, Unknown, measured_json
from pointsman.rollout.state import State
from pointsman.store.migrations import Entry, Migrations
from pointsman.telemetry.metrics import METRICS, Metrics
from unit.report.test_postmortem import PLAN, log

DAY_S = 86_400.0
ESTIMATE = Estimate(value=1.2, low=0.9, high=math.inf, n=40, method="x")
CHECKS = {
    "error_rate": {
        "role": "guardrail",
        "verdict": "unknown",
        "reason": "r",
        "rung": "warn",
        "log_e": 1.5,
        "log_threshold": 3.0,
        "estimate": measured_json(ESTIMATE),
    },
    "latency_p95": {
        "role": "guardrail",
        "verdict": "fail",
        "reason": "r",
        "rung": "rollback",
        "log_e": None,
        "log_threshold": 3.0,
        "estimate": measured_json(Unknown("none")),
    },
    "cost": {
        "role": "signal",
        "verdict": "unknown",
        "reason": "r",
        "rung": "clear",
        "log_e": None,
        "log_threshold": 3.0,
        "estimate": measured_json(Unknown("none")),
    },
}


@pytest.fixture
def store(tmp_path):
    with Migrations(tmp_path / "migrations.sqlite") as store:
        yield store


def started(store):
    return begin(store, PLAN, "ada")


def write(store, migration, entries):
    token = store.lease("me", 0.0, 10.0)
    for at_s, entry in entries:
        state = msgspec.json.decode(entry.data)["transition"]["state"] if entry.kind == "moved" else None
        store.record(
            token,
            migration.id,
            migration.begun_s + at_s,
            [Entry(kind=entry.kind, data=entry.data, rows=entry.rows)],
            status=None if state is None else msgspec.convert(state, State).status,
            state=b"" if state is None else msgspec.json.encode(state),
        )


def show(store, migration, at_s, **more):
    """As a controller does it."""
    document = {"at_s": at_s, "since_begin_s": 500.0, "in_phase_s": 5.0, "says": "so", "tally": {"requests": 7, "pairs": 3}}
    store.show(migration.id, msgspec.json.encode({**document, "spent_usd": 0.5, "checks": CHECKS, "else": 1, **more}))


def watching(store, now_s):
    return MigrationWatch(store.path, lambda: now_s)


def test_nothing_has_migrated(store):
    assert watching(store, 0.0).look() == {}


def test_a_log_is_told_with_its_steps_pictures_and_checks(store):
    migration = started(store)
    write(store, migration, log(failing=True))
    now = watching(store, migration.begun_s + 400.0).look()["support"]
    assert now.status == "rolled_back"
    assert [t.action for t in now.story.steps][-1] == "roll_back"
    assert now.story.differences == ()
    assert {c.name: c.share >= 1.0 for c in now.checks} == {"error_rate": True}
    assert now.silent_s is None
    assert not now.unread


def test_what_the_controller_says_comes_before_what_the_log_holds(store):
    """The log is written now and then; between, the controller knows more, and its evidence is drawn up to now."""
    migration = started(store)
    write(store, migration, log(failing=False)[:2])
    show(store, migration, migration.begun_s + 500.0)
    now = watching(store, migration.begun_s + 502.5).look()["support"]
    shares = {c.name: c.share for c in now.checks}
    assert shares == {"error_rate": 0.5, "latency_p95": 1.0, "cost": None}
    assert now.checks[0].measured == ESTIMATE
    assert now.checks[1].measured == Unknown("none")
    assert now.tally.requests == 7
    assert now.says == "so"
    assert now.silent_s == pytest.approx(2.5)
    assert now.story.lasted_s == 500.0
    assert now.story.points[-1].share == {"error_rate": 0.5, "latency_p95": 1.0}


def test_a_log_is_read_once_however_often_somebody_looks(store, monkeypatch):
    migration = started(store)
    entries = log(failing=False)
    watch = watching(store, migration.begun_s)
    write(store, migration, entries[:3])
    first = watch.look()["support"].story
    read = []
    monkeypatch.setattr(Migrations, "events", _noting(Migrations.events, read))
    assert watch.look()["support"].story == first
    write(store, migration, entries[3:])
    assert len(watch.look()["support"].story.points) > len(first.points)
    assert [n for n in read if n] == [len(entries) - 3]


def test_a_long_log_is_read_in_portions_and_says_so(store, monkeypatch):
    """However long it is, one look takes only so much of it; the last one has it all."""
    migration = started(store)
    write(store, migration, log(failing=False))
    monkeypatch.setattr(migration_watch, "_PORTION", 2)
    moments = iter(range(1_000_000))
    monkeypatch.setattr(migration_watch.time, "monotonic", lambda: next(moments) * 0.2)  # one portion a look
    watch = watching(store, migration.begun_s)
    looks = [watch.look()["support"]]
    while looks[-1].unread:
        looks.append(watch.look()["support"])
    assert len(looks) > 3
    assert looks[-1].story == watching_whole(store, migration)


def watching_whole(store, migration):
    from pointsman.app.postmortem import story_of

    return story_of(store, migration)


def test_one_that_ended_is_shown_for_a_day(store):
    migration = started(store)
    write(store, migration, log(failing=True))
    show(store, migration, migration.begun_s + 400.0)
    assert watching(store, migration.begun_s + 400.0 + DAY_S - 1).look()
    assert watching(store, migration.begun_s + 400.0 + DAY_S + 1).look() == {}


def test_only_the_newest_of_a_route_is_told(store):
    first = started(store)
    write(store, first, log(failing=True))
    second = started(store)
    assert watching(store, second.begun_s).look()["support"].migration == second.id


def test_prometheus_gets_every_series_with_the_labels_of_the_table(store):
    """Given a migration that a controller speaks of, when it is scraped, then each metric of the table has its samples,
    and a check whose evidence is no number has none."""
    migration = started(store)
    show(store, migration, migration.begun_s)
    metrics = Metrics()
    metrics.migrations = migration_samples(watching(store, migration.begun_s + 1.5).look(stories=False))
    families = {f.name: f.samples for f in text_string_to_metric_families(metrics.exposition())}
    for metric in METRICS:
        if metric.name.startswith("pointsman_migration_"):
            assert families[metric.name], metric.name
            assert all(set(s.labels) == set(metric.labels) for s in families[metric.name])
    evidence = {s.labels["check"]: s.value for s in families["pointsman_migration_evidence_ratio"]}
    assert evidence == {"error_rate": 0.5, "latency_p95": 1.0}
    status = {s.labels["status"]: s.value for s in families["pointsman_migration_status"]}
    assert status == {"running": 1, "completed": 0, "rolled_back": 0, "aborted": 0, "closed": 0}
    assert families["pointsman_migration_candidate_ratio"][0].value == 0.5
    assert families["pointsman_migration_shadow_pairs"][0].value == 3
    assert families["pointsman_migration_silent_seconds"][0].value == pytest.approx(1.5)
    metrics.migrations = migration_samples({})
    assert "pointsman_migration_phase{" not in metrics.exposition()


def _noting(events, read):
    def noted(*arguments):
        found = events(*arguments)
        read.append(len(found))
        return found

    return noted
