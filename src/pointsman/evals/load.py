"""From a run's journal back to tallies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from pointsman.core.exchange import Exchange
from pointsman.core.failure import StorageError
from pointsman.evals.dataset import Dataset
from pointsman.evals.outcome import Outcome
from pointsman.evals.tally import Tally
from pointsman.evals.trial import Trial
from pointsman.store.journal import read_lines

__all__ = ["load_tallies", "read_trial"]

_AGAIN = frozenset({Outcome.PROVIDER_ERROR, Outcome.TIMEOUT})


class _Slim(msgspec.Struct, kw_only=True):
    """The part of a trial that is counted; its texts are skipped, not decoded."""

    case_hash: str
    variant: str
    repeat: int = 0
    index: int = 0
    outcome: Outcome
    score: float | None = None
    exchange: Exchange


def load_tallies(
    journal: Path, dataset: Dataset, variant_hashes: Sequence[str], repeats: int, *, retry_errors: bool = False
) -> list[Tally]:
    """A tally per variant from every whole line of the journal; a missing journal gives empty ones.

    With `retry_errors`, trials that ended in an error or a timeout count as not run, but as paid.
    Raises `StorageError` naming the line for one that cannot be read.
    """
    tallies = {h: Tally(len(dataset), repeats) for h in variant_hashes}
    decoder = msgspec.json.Decoder(_Slim)
    for number, (offset, line) in enumerate(read_lines(journal), start=1):
        try:
            trial = decoder.decode(line)
        except msgspec.MsgspecError as error:
            hint = "something else has changed the file"
            raise StorageError(f"{journal}:{number}: not a trial: {error}", hint=hint) from error
        tally = tallies.get(trial.variant)
        if tally is None or trial.repeat >= repeats or trial.index >= len(dataset):
            continue
        if dataset.case_hash(trial.index) != trial.case_hash:
            hint = "journal.jsonl and cases.jsonl belong to different runs"
            raise StorageError(f"{journal}:{number}: this trial is of another test set", hint=hint)
        tally.add(trial, trial.index, offset)
        if retry_errors and trial.outcome in _AGAIN:
            tally.forget(trial.index, trial.repeat)
    return [tallies[h] for h in variant_hashes]


def read_trial(journal: Path, offset: int) -> Trial:
    """The trial whose line begins at `offset`."""
    with journal.open("rb") as file:
        file.seek(offset)
        return msgspec.json.decode(file.readline(), type=Trial)
