"""Judging stored answers again: a new run from an old one's journal, without asking anybody."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pointsman.app.config import find_project, load_eval, load_project
from pointsman.app.prepare import naming
from pointsman.app.run_dir import RunDir, Session, new_run_dir
from pointsman.core.clock import SYSTEM_CLOCK
from pointsman.evals.criteria import check_criteria
from pointsman.evals.dataset import Dataset
from pointsman.evals.scorer_set import ScorerSet, build_scorers
from pointsman.evals.scoring import judge
from pointsman.evals.stored_answer import StoredAnswer, restored
from pointsman.evals.trial import Trial
from pointsman.store.journal import Journal, read_lines, write_whole

__all__ = ["rescore"]


def rescore(path: Path, source: RunDir, *, runs: Path, environment: Mapping[str, str]) -> RunDir:
    """A run with the answers of `source` and the scorers and criteria of the `eval.yaml` at `path`.

    Cases, variants, seed and repeats are the old run's. Raises `ConfigError` or `StorageError`.
    """
    spec = load_eval(path, load_project(find_project(path.parent), environment), environment)
    old = source.manifest()
    check_criteria(spec.criteria, file=str(path), baseline=old.baseline)
    with naming(path):
        scorers = build_scorers(spec.scorers)
    dataset = Dataset.from_spool(source.cases, file=old.tests_file)
    began_s = SYSTEM_CLOCK.wall_s()
    directory = new_run_dir(runs, spec.name, path.name, began_s)
    manifest = msgspec.structs.replace(
        old,
        run=directory.path.name,
        name=spec.name,
        created_s=began_s,
        scorers=scorers.names,
        scorer_fingerprint=scorers.fingerprint,
    )
    try:
        write_whole(directory.spec, path.read_bytes())
        dataset.spool_to(directory.cases).close()
        with dataset, Journal(directory.journal) as journal:
            for _, line in read_lines(source.journal):
                trial = msgspec.json.decode(line, type=Trial)
                journal.append(msgspec.json.encode(_judged(trial, dataset, scorers)))
            journal.sync()
        directory.write_manifest(manifest)
    except BaseException:
        shutil.rmtree(directory.path, ignore_errors=True)
        raise
    directory.add_session(Session(began_s, SYSTEM_CLOCK.wall_s() - began_s))
    return directory


def _judged(trial: Trial, dataset: Dataset, scorers: ScorerSet) -> Trial:
    judged = judge(dataset[trial.index], restored(_kept(trial)), scorers)
    return msgspec.structs.replace(
        trial, outcome=judged.outcome, score=judged.score, scores=judged.scores, read=judged.read, reason=judged.reason
    )


def _kept(trial: Trial) -> StoredAnswer:
    return StoredAnswer(output=trial.output, refusal=trial.refusal, tool_calls=trial.tool_calls, exchange=trial.exchange)
