"""The bodies' file is its owner's alone, and forgets what it is told to forget."""

import sqlite3
import stat

import pytest

from pointsman.core.failure import StorageError
from pointsman.store.bodies import BodyFile, KeptBodies, read_bodies
from pointsman.store.ledger import Ledger


def row(number, at_s=100.0, route="chat", words="words"):
    return KeptBodies(
        decision=f"d{number}", at_s=at_s, route=route, variant="m", tenant=None, request=words, answer=None, cut=number % 2 == 1
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kept" / "bodies.sqlite"


def test_what_is_written_is_read_oldest_first_and_counts_once(path):
    with BodyFile(path) as file:
        file.append([row(2, 300.0), row(1, 200.0, "other")])
        file.append([row(1, 200.0, words="again")])
        assert list(read_bodies(path)) == [row(1, 200.0, "other"), row(2, 300.0)]
        assert list(read_bodies(path, since_s=250.0)) == list(read_bodies(path, route="chat")) == [row(2, 300.0)]


def test_nobody_else_may_read_it(path):
    with BodyFile(path) as file:
        file.append([row(1)])
        files = list(path.parent.iterdir())
        assert len(files) == 3  # with its log
        assert {stat.S_IMODE(p.stat().st_mode) for p in files} == {0o600}


def test_old_ones_go_in_pieces_leave_no_trace_and_give_their_room_back(path):
    with BodyFile(path) as file:
        file.append(row(n, at_s=float(n), words=f"number {n} " + "once said " * 500) for n in range(100))
        file.append([row(1000, at_s=1000.0, words="new")])
        assert file.prune(0.0) == 0
        pieces = []
        while gone := file.prune(100.0, 40):
            pieces.append(gone)
        assert pieces == [40, 40, 20]
        assert [r.request for r in read_bodies(path)] == ["new"]
        assert path.stat().st_size < 50_000  # of half a million
        assert not any(b"once said" in p.read_bytes() for p in path.parent.iterdir())


def test_a_batch_is_written_whole_or_not_at_all(path):
    with BodyFile(path) as file:
        with pytest.raises(StorageError):
            file.append([row(1), row(2, at_s=None)])
        assert list(read_bodies(path)) == []
        file.append([row(1)])
        assert len(list(read_bodies(path))) == 1


def test_a_file_of_something_else_is_left_as_it_is(path):
    path.parent.mkdir()
    Ledger(path).close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="something else") as refused:
        BodyFile(path)
    assert "store.bodies.file" in refused.value.hint
    assert path.read_bytes() == before
    path.unlink()
    path.write_text("no database at all, but long enough to be looked at" * 20)
    with pytest.raises(StorageError, match="no SQLite file"):
        BodyFile(path)


def test_a_later_format_is_left_alone(path):
    BodyFile(path).close()
    with sqlite3.connect(path) as db:
        db.execute("pragma user_version = 99")
    with pytest.raises(StorageError, match="later version"):
        BodyFile(path)
