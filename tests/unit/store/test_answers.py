"""The answer cache gives back what is young enough, across openings."""

from __future__ import annotations

import pytest

from pointsman.core.clock import FakeClock
from pointsman.core.failure import StorageError
from pointsman.store.answers import AnswerCache


def test_answers_outlive_the_process_and_then_expire(tmp_path):
    clock = FakeClock(1_000.0)
    first = AnswerCache(tmp_path / "c" / "answers.sqlite", max_age_s=10, clock=clock)
    first.put("k", b"one")
    first.put("k", b"two")
    first.close()
    again = AnswerCache(tmp_path / "c" / "answers.sqlite", max_age_s=10, clock=clock)
    assert again.get("k") == b"two"
    assert again.get("other") is None
    clock.advance(11)
    assert again.get("k") is None
    again.close()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        AnswerCache(tmp_path / "file" / "answers.sqlite", max_age_s=1, clock=FakeClock())
    assert "cache" in (caught.value.hint or "")
