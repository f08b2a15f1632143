"""A run at work: sends, journals, and remembers how the session ended."""

from __future__ import annotations

import time
from pathlib import Path

from pointsman.app.prepared import Prepared
from pointsman.app.run_dir import Session
from pointsman.core.clock import SYSTEM_CLOCK
from pointsman.core.failure import StorageError
from pointsman.evals.run import Runner, Stopped
from pointsman.evals.spec import EvalSpec
from pointsman.store.answers import AnswerCache
from pointsman.store.journal import Journal

__all__ = ["Work"]

_DAY_S = 86_400.0


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
