"""The bake-off: from an `eval.yaml` to a run's directory with its result.

`prepare` reads and checks everything and spends nothing; `work` sends and journals; `conclude_run`
measures what the journal holds. The three are apart so that a forecast needs only the first, and a
report only the last.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pointsman import __version__
from pointsman.app.config import find_project, load_eval, load_project
from pointsman.app.run_dir import Manifest, RunDir, Session, new_run_dir
from pointsman.app.variants import Wiring, variant_of
from pointsman.app.yaml_file import read_yaml
from pointsman.core.chat import Loss
from pointsman.core.clock import SYSTEM_CLOCK
from pointsman.core.failure import ConfigError, PointsmanError, StorageError
from pointsman.core.units import ZERO_USD, Usd, add_usd, usd
from pointsman.core.variant import Variant
from pointsman.evals.budget import Budget
from pointsman.evals.conclude import RunFacts, conclude
from pointsman.evals.contestant import Contestant
from pointsman.evals.criteria import check_criteria
from pointsman.evals.dataset import Dataset, TestsSpec, open_dataset
from pointsman.evals.forecast import Forecast, forecast
from pointsman.evals.load import load_tallies, read_trial
from pointsman.evals.result import RunResult
from pointsman.evals.run import Runner, Stopped
from pointsman.evals.scorer_set import ScorerSet, build_scorers
from pointsman.evals.spec import EvalSpec
from pointsman.evals.tally import Tally
from pointsman.stats.power import smallest_difference
from pointsman.store.answers import AnswerCache
from pointsman.store.journal import Journal, write_whole

__all__ = ["Prepared", "Work", "conclude_run", "naming", "prepare", "resume"]

_DAY_S = 86_400.0
_SAMPLED_CASES = 200


class Prepared:
    """A run ready to work: everything is read and checked, nothing is sent."""

    def __init__(
        self,
        *,
        directory: RunDir,
        manifest: Manifest,
        spec: EvalSpec,
        dataset: Dataset,
        contestants: list[Contestant],
        tallies: list[Tally],
        scorers: ScorerSet,
        wiring: Wiring,
    ) -> None:
        self.directory = directory
        self.manifest = manifest
        self.spec = spec
        self.dataset = dataset
        self.contestants = contestants
        self.tallies = tallies
        self.scorers = scorers
        self.wiring = wiring
        self.budget = Budget(_budget_usd(spec), _spent_usd(contestants, tallies))

    @property
    def planned(self) -> int:
        """Trials of the whole run."""
        return len(self.dataset) * self.manifest.repeats * len(self.contestants)

    @property
    def done(self) -> int:
        """Trials that exist."""
        return sum(int(t.run.sum()) for t in self.tallies)

    def warnings(self) -> list[str]:
        """What the wiring and the providers could not do as asked; nothing is left out in silence."""
        found = list(self.wiring.warnings)
        for contestant in self.contestants:
            losses: frozenset[Loss] = getattr(contestant.provider, "losses", frozenset())
            found += [
                f"{contestant.name}: {loss.field} was not sent: {loss.why}"
                for loss in sorted(losses, key=lambda loss: loss.field)
            ]
        return found

    def forecast(self) -> Forecast:
        """What is left to ask for, in requests, tokens, dollars and time."""
        step = max(1, len(self.dataset) // _SAMPLED_CASES)
        sampled = [sum(len(m.text) for m in self.dataset[i].messages) for i in range(0, len(self.dataset), step)]
        chars = round(sum(sampled) / len(sampled) * len(self.dataset)) if sampled else 0
        info = self.dataset.info
        return forecast(
            self.contestants,
            cases=len(self.dataset),
            repeats=self.manifest.repeats,
            concurrency=self.spec.concurrency,
            input_chars=chars,
            done=self.done,
            smallest_difference=smallest_difference(info.clusters or info.cases),
        )

    def discard(self) -> None:
        """Remove the directory of a run that never asked anything; one with trials stays."""
        if self.done == 0:
            self.dataset.close()
            shutil.rmtree(self.directory.path, ignore_errors=True)

    async def close(self) -> None:
        """Release connections and files of the providers."""
        await asyncio.gather(*(c.provider.close() for c in self.contestants), return_exceptions=True)
        await self.wiring.close()


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


class Work:
    """A run at work; `stop` and `abort` may be called from a signal handler of its event loop."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.runner: Runner | None = None
        self._stop: str | None = None

    def stop(self, reason: str) -> None:
        """Send nothing more, keep what is in flight."""
        self._stop = reason
        if self.runner is not None:
            self.runner.stop(reason)

    def abort(self) -> None:
        """Give up what is in flight too."""
        if self.runner is not None:
            self.runner.abort()

    async def run(self) -> Stopped | None:
        """Do everything that is not done. Raises `StorageError` when the disk refuses."""
        prepared, spec = self.prepared, self.prepared.spec
        began = time.perf_counter()
        cache = _open_cache(spec, Path(prepared.manifest.base_dir))
        stopped: Stopped | None = None
        try:
            with Journal(prepared.directory.journal) as journal:
                self.runner = Runner(
                    dataset=prepared.dataset,
                    contestants=prepared.contestants,
                    tallies=prepared.tallies,
                    scorers=prepared.scorers,
                    journal=journal,
                    budget=prepared.budget,
                    repeats=prepared.manifest.repeats,
                    concurrency=spec.concurrency,
                    seed=spec.seed,
                    cache=cache,
                )
                if self._stop is not None:
                    self.runner.stop(self._stop)
                stopped = await self.runner.run()
        except StorageError as error:
            stopped = Stopped(error.message)
            raise
        finally:
            await prepared.close()
            if cache is not None:
                cache.close()
            _try_add_session(prepared, time.perf_counter() - began, stopped)
        return stopped


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
        budget_usd=_budget_usd(spec),
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


def _open_cache(spec: EvalSpec, base_dir: Path) -> AnswerCache | None:
    if spec.cache is None:
        return None
    return AnswerCache(base_dir / spec.cache.dir / "answers.sqlite", spec.cache.max_age_days * _DAY_S, SYSTEM_CLOCK)


def _try_add_session(prepared: Prepared, elapsed_s: float, stopped: Stopped | None) -> None:
    began_s = SYSTEM_CLOCK.wall_s() - elapsed_s
    session = Session(began_s, elapsed_s, stopped.reason if stopped else None, tuple(prepared.warnings()))
    try:
        prepared.directory.add_session(session)
    except StorageError:
        if stopped is None:  # a full disk is already being reported, with what matters more
            raise


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


def _budget_usd(spec: EvalSpec) -> Usd | None:
    return None if spec.budget_usd is None else usd(str(spec.budget_usd))


def _spent_usd(contestants: list[Contestant], tallies: list[Tally]) -> Usd:
    return add_usd(ZERO_USD, *(t.billed_usd for c, t in zip(contestants, tallies, strict=True) if c.billed))


def _versions() -> dict[str, str]:
    return {
        "pointsman": __version__,
        "python": platform.python_version(),
        "numpy": importlib.metadata.version("numpy"),
    }
