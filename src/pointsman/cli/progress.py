"""A run at work, as people watch it: bars per variant, outcomes, money, time left."""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from types import TracebackType
from typing import Self

from pointsman.app.work import Work
from pointsman.core.units import usd_text
from pointsman.evals.outcome import Outcome

__all__ = ["Progress"]

_EVERY_S = 0.25
_CENT_FRACTION = Decimal("0.0001")
_TROUBLE = (Outcome.PROVIDER_ERROR, Outcome.TIMEOUT, Outcome.REFUSED, Outcome.TRUNCATED, Outcome.BAD_FORMAT, Outcome.UNSCORED)


class Progress:
    """Draws on stderr while the run works, if that is a terminal; otherwise it says nothing."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._shown = sys.stderr.isatty()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._shown:
            self._task = asyncio.ensure_future(self._draw())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _draw(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        prepared = self._work.prepared
        each = len(prepared.dataset) * prepared.manifest.repeats
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Bars(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bars:
            tasks = [bars.add_task(c.name, total=each, note="") for c in prepared.contestants]
            try:
                while True:
                    for task, tally in zip(tasks, prepared.tallies, strict=True):
                        bars.update(task, completed=int(tally.run.sum()), note=self._note(tally.counts()))
                    bars.refresh()
                    await asyncio.sleep(_EVERY_S)
            finally:
                bars.refresh()

    def _note(self, counts: dict[Outcome, int]) -> str:
        trouble = [f"{counts[o]} {o.value.replace('_', ' ')}" for o in _TROUBLE if counts[o]]
        budget = self._work.prepared.budget
        spent = f"${usd_text(budget.spent_usd.quantize(_CENT_FRACTION))} spent" if budget.limit_usd is not None else ""
        return ", ".join(filter(None, [*trouble[:2], spent]))
