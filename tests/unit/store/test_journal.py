"""The journal keeps every appended record, whatever kills the writer or fills the disk."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pointsman.core.failure import StorageError
from pointsman.store.journal import Journal, read_lines, write_whole


def lines_of(path: Path) -> list[bytes]:
    return [line for _, line in read_lines(path)]


def test_records_come_back_in_order_with_their_offsets(tmp_path):
    with Journal(tmp_path / "j") as journal:
        offsets = [journal.append(b"x" * n) for n in (1, 0, 7)]
    assert [(o, len(line)) for o, line in read_lines(tmp_path / "j")] == list(zip(offsets, (1, 0, 7), strict=True))


def test_an_absent_journal_has_no_records(tmp_path):
    assert lines_of(tmp_path / "none") == []


@pytest.mark.parametrize("torn", [b"{", b'{"a": 1', b"x" * 3_000_000])
def test_a_torn_last_line_is_unread_and_then_cut_off(tmp_path, torn):
    path = tmp_path / "j"
    path.write_bytes(b"one\ntwo\n" + torn)
    assert lines_of(path) == [b"one", b"two"]
    with Journal(path) as journal:
        journal.append(b"three")
    assert path.read_bytes() == b"one\ntwo\nthree\n"


def test_a_journal_that_is_one_torn_line_becomes_empty(tmp_path):
    path = tmp_path / "j"
    path.write_bytes(b"half")
    Journal(path).close()
    assert path.read_bytes() == b""


def test_lines_longer_than_a_block_are_read_whole(tmp_path):
    with Journal(tmp_path / "j") as journal:
        journal.append(b"a" * 2_500_000)
        journal.append(b"b")
    assert [len(line) for line in lines_of(tmp_path / "j")] == [2_500_000, 1]


def test_a_second_writer_is_refused_while_the_first_is_open(tmp_path):
    with Journal(tmp_path / "j"), pytest.raises(StorageError, match="another process is writing"):
        Journal(tmp_path / "j")
    Journal(tmp_path / "j").close()


def test_a_disk_that_fills_up_mid_record_leaves_whole_records_only(tmp_path, monkeypatch):
    path = tmp_path / "j"
    real_write = os.write

    def full(fd: int, data: bytes) -> int:
        if data.startswith(b"bb"):
            return real_write(fd, data[:1])  # one byte fits, then no more
        if data.startswith(b"b"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(fd, data)

    with Journal(path) as journal:
        journal.append(b"a")
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(StorageError, match="No space left") as caught:
            journal.append(b"bb")
        assert "free some space" in (caught.value.hint or "")
        monkeypatch.undo()
        journal.append(b"c")
    assert lines_of(path) == [b"a", b"c"]


def test_a_read_only_place_says_what_to_do(tmp_path):
    with pytest.raises(StorageError) as caught:
        Journal(tmp_path)  # a folder cannot be opened for writing
    assert str(tmp_path) in caught.value.message


def test_what_was_appended_survives_kill_9(tmp_path):
    path = tmp_path / "j"
    code = (
        "import os, signal, sys; from pathlib import Path; from pointsman.store.journal import Journal\n"
        "j = Journal(Path(sys.argv[1]))\n"
        "for i in range(1000): j.append(b'%d' % i)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert ended.returncode == -9
    assert lines_of(path) == [b"%d" % i for i in range(1000)]


def test_write_whole_replaces_or_leaves_the_old(tmp_path, monkeypatch):
    path = tmp_path / "f"
    write_whole(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda _fd: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(StorageError):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
