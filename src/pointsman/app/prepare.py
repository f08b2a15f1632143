"""From an `eval.yaml`, or from a run that was stopped, to a run ready to work. Nothing is sent."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pointsman import __version__
from pointsman.app.config import find_project, load_eval, load_project
from pointsman.app.prepared import Prepared
from pointsman.app.run_dir import Manifest, RunDir, new_run_dir
from pointsman.app.variants import Wiring, variant_of
from pointsman.app.yaml_file import read_yaml
from pointsman.core.clock import SYSTEM_CLOCK
from pointsman.core.failure import ConfigError, PointsmanError
from pointsman.core.variant import Variant
from pointsman.evals.contestant import Contestant
from pointsman.evals.criteria import check_criteria
from pointsman.evals.dataset import Dataset, TestsSpec, open_dataset
from pointsman.evals.load import load_tallies
from pointsman.evals.scorer_set import ScorerSet, build_scorers
from pointsman.evals.spec import EvalSpec
from pointsman.evals.tally import Tally
from pointsman.store.journal import write_whole

__all__ = ["naming", "prepare", "resume"]


async def prepare(path: Path, *, runs: Path, environment: Mapping[str, str]) -> Prepared:
    """Read `eval.yaml` and everything it names, and make the run's directory.

    Call it inside the event loop that will do the work. Raises `ConfigError`, `DatasetError` or
    `StorageError` with what to do; then no directory is left behind.
    """
    project = load_project(find_project(path.parent), environment)
    spec = load_eval(path, project, environment)
    check_criteria(spec.criteria, file=str(path), baseline=spec.baseline)
    base_dir = _folder_of(path)
    now_s = SYSTEM_CLOCK.wall_s()
    wiring = Wiring(spec, project, base_dir, environment, datetime.fromtimestamp(now_s, UTC))
    try:
        with naming(path):
            scorers = build_scorers(spec.scorers)
            variants = {name: variant_of(name, given, base_dir) for name, given in spec.variants.items() if given is not None}
            _refuse_twins(variants)
            contestants = _contestants(spec, variants, wiring)
        directory, manifest, dataset = _start(path, spec, runs, base_dir, now_s, scorers, variants)
    except BaseException:
        await wiring.close()
        raise
    return Prepared(
        directory=directory,
        manifest=manifest,
        spec=spec,
        dataset=dataset,
        contestants=contestants,
        tallies=[Tally(len(dataset), spec.repeats) for _ in contestants],
        scorers=scorers,
        wiring=wiring,
    )


def _start(
    path: Path,
    spec: EvalSpec,
    runs: Path,
    base_dir: Path,
    now_s: float,
    scorers: ScorerSet,
    variants: dict[str, Variant],
) -> tuple[RunDir, Manifest, Dataset]:
    """Make the run's directory with its test set and manifest; none is left behind if something is wrong."""
    tests = spec.tests if isinstance(spec.tests, TestsSpec) else TestsSpec(file=spec.tests)
    manifest = Manifest(
        run="",
        name=spec.name,
        created_s=now_s,
        base_dir=str(base_dir),
        tests_file=tests.file,
        tests_hash="",
        variants=variants,
        variant_hashes={n: v.hash for n, v in variants.items()},
        scorers=scorers.names,
        scorer_fingerprint=scorers.fingerprint,
        baseline=spec.baseline,
        repeats=spec.repeats,
        seed=spec.seed,
        level=spec.level,
        versions=_versions(),
    )
    directory = new_run_dir(runs, spec.name, path.name, now_s)
    try:
        dataset = open_dataset(tests, base_dir, directory.cases)
        write_whole(directory.spec, path.read_bytes())
        manifest = msgspec.structs.replace(manifest, run=directory.path.name, tests_hash=dataset.hash)
        directory.write_manifest(manifest)
    except BaseException:
        shutil.rmtree(directory.path, ignore_errors=True)
        raise
    return directory, manifest, dataset


async def resume(directory: RunDir, *, environment: Mapping[str, str], retry_errors: bool = False) -> Prepared:
    """Open a run to go on with it. Raises `PointsmanError` if what it would measure is no longer what it measured."""
    manifest = directory.manifest()
    base_dir = Path(manifest.base_dir)
    project = load_project(find_project(base_dir), environment)
    spec = load_eval(directory.spec, project, environment)
    scorers = build_scorers(spec.scorers)
    dataset = Dataset.from_spool(directory.cases, file=manifest.tests_file)
    variants = {n: variant_of(n, v, base_dir) for n, v in spec.variants.items() if v is not None}
    _same(directory, "the test set", manifest.tests_hash, dataset.hash)
    _same(directory, "the scorers", manifest.scorer_fingerprint, scorers.fingerprint)
    for name, variant in variants.items():
        _same(directory, f"variant {name}", manifest.variant_hashes.get(name, "absent"), variant.hash)
    wiring = Wiring(spec, project, base_dir, environment, datetime.fromtimestamp(manifest.created_s, UTC))
    try:
        contestants = _contestants(spec, variants, wiring)
    except BaseException:
        await wiring.close()
        raise
    hashes = [v.hash for v in variants.values()]
    return Prepared(
        directory=directory,
        manifest=manifest,
        spec=spec,
        dataset=dataset,
        contestants=contestants,
        tallies=load_tallies(directory.journal, dataset, hashes, manifest.repeats, retry_errors=retry_errors),
        scorers=scorers,
        wiring=wiring,
    )


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give file and line to a complaint about a key by code that does not know which file it came from."""
    try:
        yield
    except ConfigError as error:
        if error.file is not None or error.key is None:
            raise
        steps = tuple(error.key.replace("[", ".").replace("]", "").split("."))
        raise error.at(str(path), read_yaml(path).line(steps)) from None


def _folder_of(path: Path) -> Path:
    return path.absolute().parent


def _contestants(spec: EvalSpec, variants: Mapping[str, Variant], wiring: Wiring) -> list[Contestant]:
    return [wiring.contestant(name, given, variants[name]) for name, given in spec.variants.items() if given is not None]


def _refuse_twins(variants: Mapping[str, Variant]) -> None:
    seen: dict[str, str] = {}
    for name, variant in variants.items():
        if (first := seen.setdefault(variant.hash, name)) != name:
            raise ConfigError(
                f"is the same as {first}: same provider, model and parameters",
                key=f"variants.{name}",
                hint="to measure the noise between equal variants, use `repeats: 2`",
            )


def _same(directory: RunDir, what: str, then: str, now: str) -> None:
    if then != now:
        raise PointsmanError(
            f"{directory.path.name}: {what} changed since the run began ({then} then, {now} now)",
            hint="start a new run; this one stays as it is",
        )


def _versions() -> dict[str, str]:
    return {
        "pointsman": __version__,
        "python": platform.python_version(),
        "numpy": importlib.metadata.version("numpy"),
    }
