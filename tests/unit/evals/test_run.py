"""The runner journals every answer once, and a disk that refuses loses nothing that still fits."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import msgspec
import pytest

from pointsman.app.conclusion import conclude_run
from pointsman.app.prepare import prepare, resume
from pointsman.app.prepared import Prepared
from pointsman.app.work import Work
from pointsman.core.failure import PointsmanError, StorageError
from pointsman.evals.load import load_tallies
from pointsman.evals.outcome import Outcome
from pointsman.evals.trial import Trial
from pointsman.store.journal import read_lines
from support.bakeoff import write_bakeoff


def opened(folder: Path, cases: int = 60, **options: int) -> Prepared:
    spec = write_bakeoff(folder, cases, **options)
    return asyncio.run(prepare(spec, runs=folder / "runs", environment={}))


def trials(prepared: Prepared) -> list[Trial]:
    return [msgspec.json.decode(line, type=Trial) for _, line in read_lines(prepared.directory.journal)]


def test_every_planned_trial_is_journalled_once(tmp_path):
    prepared = opened(tmp_path, 60, repeats=2)
    assert asyncio.run(Work(prepared).run()) is None
    keys = {(t.case_hash, t.variant, t.repeat) for t in trials(prepared)}
    assert len(keys) == len(trials(prepared)) == prepared.planned == prepared.done == 240


def test_the_journal_alone_gives_the_same_tallies(tmp_path):
    prepared = opened(tmp_path)
    asyncio.run(Work(prepared).run())
    again = load_tallies(prepared.directory.journal, prepared.dataset, list(prepared.manifest.variant_hashes.values()), 1)
    for ours, theirs in zip(prepared.tallies, again, strict=True):
        assert ours.counts() == theirs.counts()
        assert ours.total_usd == theirs.total_usd
        assert (ours.offset == theirs.offset).all()


def test_stopping_before_the_start_asks_nothing(tmp_path):
    prepared = opened(tmp_path)
    work = Work(prepared)
    work.stop("not today")
    stopped = asyncio.run(work.run())
    assert stopped is not None
    assert stopped.reason == "not today"
    assert trials(prepared) == []


class _FullFor:
    """A disk that refuses journal lines between two counts of writes."""

    def __init__(self, first: int, last: int) -> None:
        self._write = os.write
        self._writes = 0
        self._refused = range(first, last)

    def __call__(self, fd: int, data: bytes) -> int:
        if data.startswith(b'{"case"'):
            self._writes += 1
            if self._writes in self._refused:
                raise OSError(errno.ENOSPC, "No space left on device")
        return self._write(fd, data)


def test_a_disk_that_fills_up_keeps_what_it_has_and_takes_the_last_answers_when_it_can(tmp_path, monkeypatch):
    prepared = opened(tmp_path)
    monkeypatch.setattr(os, "write", _FullFor(50, 51))
    with pytest.raises(StorageError, match="No space left") as caught:
        asyncio.run(Work(prepared).run())
    assert "--resume" in (caught.value.hint or "")
    monkeypatch.undo()
    assert len(trials(prepared)) == 50  # the fiftieth was refused once and written at the end
    again = asyncio.run(resume(prepared.directory, environment={}))
    assert asyncio.run(Work(again).run()) is None
    assert len({(t.case_hash, t.variant) for t in trials(prepared)}) == len(trials(prepared)) == 120


def test_a_disk_that_stays_full_says_how_many_answers_were_lost(tmp_path, monkeypatch):
    prepared = opened(tmp_path)
    monkeypatch.setattr(os, "write", _FullFor(50, 10**9))
    with pytest.raises(StorageError, match="1 finished answer could not be written"):
        asyncio.run(Work(prepared).run())


def test_errors_are_asked_again_only_when_told_to(tmp_path):
    prepared = opened(tmp_path, 400)
    asyncio.run(Work(prepared).run())
    errors = sum(t.count(Outcome.PROVIDER_ERROR) for t in prepared.tallies)
    assert errors > 0
    left = asyncio.run(resume(prepared.directory, environment={}))
    assert left.planned - left.done == 0
    retried = asyncio.run(resume(prepared.directory, environment={}, retry_errors=True))
    assert retried.planned - retried.done == errors


def test_a_run_whose_scorers_changed_is_not_gone_on_with(tmp_path):
    prepared = opened(tmp_path)
    text = prepared.directory.spec.read_text()
    prepared.directory.spec.write_text(text.replace("[exact]", "[{exact: {ignore_case: true}}]"))
    with pytest.raises(PointsmanError, match="the scorers changed"):
        asyncio.run(resume(prepared.directory, environment={}))


def test_a_run_whose_variant_changed_is_not_gone_on_with(tmp_path):
    prepared = opened(tmp_path)
    text = prepared.directory.spec.read_text()
    prepared.directory.spec.write_text(text.replace("quality: 0.9,", "quality: 0.95,"))
    with pytest.raises(PointsmanError, match="variant new changed"):
        asyncio.run(resume(prepared.directory, environment={}))


def test_a_journal_with_a_foreign_line_is_an_error_that_names_it(tmp_path):
    prepared = opened(tmp_path)
    asyncio.run(Work(prepared).run())
    with prepared.directory.journal.open("a") as journal:
        journal.write("not a trial\n")
    with pytest.raises(StorageError, match=r"journal\.jsonl:121: not a trial"):
        conclude_run(prepared.directory)


def test_an_empty_run_can_be_shown_and_claims_nothing(tmp_path):
    prepared = opened(tmp_path)
    result = conclude_run(prepared.directory)
    assert result.verdict == "unknown"
    assert result.missing_trials == 120
    assert not result.finished
