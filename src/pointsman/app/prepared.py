"""A run ready to work: everything is read and checked, nothing is sent."""

from __future__ import annotations

import asyncio
import shutil

from pointsman.app.run_dir import Manifest, RunDir
from pointsman.app.variants import Wiring
from pointsman.core.chat import Loss
from pointsman.core.units import ZERO_USD, Usd, add_usd, usd
from pointsman.evals.budget import Budget
from pointsman.evals.contestant import Contestant
from pointsman.evals.dataset import Dataset
from pointsman.evals.forecast import Forecast, forecast
from pointsman.evals.scorer_set import ScorerSet
from pointsman.evals.spec import EvalSpec
from pointsman.evals.tally import Tally
from pointsman.stats.power import smallest_difference

__all__ = ["Prepared", "budget_usd"]

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
        self.budget = Budget(budget_usd(spec), _spent_usd(contestants, tallies))

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


def budget_usd(spec: EvalSpec) -> Usd | None:
    """The limit the user set, exactly; None without one."""
    return None if spec.budget_usd is None else usd(str(spec.budget_usd))


def _spent_usd(contestants: list[Contestant], tallies: list[Tally]) -> Usd:
    return add_usd(ZERO_USD, *(t.billed_usd for c, t in zip(contestants, tallies, strict=True) if c.billed))
