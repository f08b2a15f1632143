"""What a run's journal says: measured, compared and judged, from its directory alone."""

from __future__ import annotations

import msgspec

from pointsman.app.prepared import budget_usd
from pointsman.app.run_dir import RunDir
from pointsman.app.yaml_file import read_yaml
from pointsman.core.failure import ConfigError
from pointsman.evals.conclude import RunFacts, conclude
from pointsman.evals.dataset import Dataset
from pointsman.evals.load import load_tallies, read_trial
from pointsman.evals.result import RunResult
from pointsman.evals.spec import EvalSpec
from pointsman.evals.tally import Tally

__all__ = ["conclude_run"]


def conclude_run(directory: RunDir, tallies: list[Tally] | None = None, dataset: Dataset | None = None) -> RunResult:
    """Measure, compare and judge what a run's journal holds. Needs nothing outside its directory.

    Whoever has just done the run hands over its tallies and its test set, which is closed here.
    """
    manifest = directory.manifest()
    if dataset is None:
        dataset = Dataset.from_spool(directory.cases, file=manifest.tests_file)
    spec = _spec_of(directory)
    if tallies is None:
        tallies = load_tallies(directory.journal, dataset, list(manifest.variant_hashes.values()), manifest.repeats)
    sessions = directory.sessions()
    facts = RunFacts(
        run=manifest.run,
        name=manifest.name,
        started_s=manifest.created_s,
        elapsed_s=sum(s.elapsed_s for s in sessions),
        baseline=manifest.baseline,
        repeats=manifest.repeats,
        seed=manifest.seed,
        level=manifest.level,
        budget_usd=budget_usd(spec),
        scorers=manifest.scorers,
        criteria=spec.criteria,
        origin=spec.origin,
        stopped_because=sessions[-1].stopped_because if sessions else None,
        versions=manifest.versions,
        warnings=tuple(dict.fromkeys(w for s in sessions for w in s.warnings)),
    )
    with dataset:
        return conclude(facts, manifest.variants, tallies, dataset, lambda offset: read_trial(directory.journal, offset))


def _spec_of(directory: RunDir) -> EvalSpec:
    """The run's own copy of `eval.yaml`, without its variants: those stand, resolved, in the manifest."""
    located = read_yaml(directory.spec)
    try:
        return msgspec.convert({**located.data, "variants": {}}, EvalSpec)
    except msgspec.ValidationError as error:
        raise ConfigError(f"no longer readable by this version: {error}", file=str(directory.spec)) from None
