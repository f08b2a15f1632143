"""Trials gathered into plain arrays: what the statistics need, in a few bytes per trial.

A hundred thousand trials of a variant take about 5 MB, whatever their answers weigh; the answers
stay in the journal, and `offset` says where.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from pointsman.core.exchange import Exchange
from pointsman.core.units import ZERO_USD, Usd, add_usd
from pointsman.evals.outcome import MODEL_OUTCOMES, Outcome

__all__ = ["OUTCOMES", "Counted", "Tally"]

Floats = npt.NDArray[np.float64]

OUTCOMES = tuple(Outcome)
_CODE = {outcome: code for code, outcome in enumerate(OUTCOMES)}
_TOKENS = ("input", "output", "reasoning", "cache_read")
_NOT_RUN = -1
_IS_MODEL = np.array([outcome in MODEL_OUTCOMES for outcome in OUTCOMES])


class Counted(Protocol):
    """What of a trial is counted."""

    @property
    def repeat(self) -> int: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def score(self) -> float | None: ...
    @property
    def exchange(self) -> Exchange: ...


class Tally:
    """All trials of one variant, by case index and repeat; an absent trial is NaN or −1, never 0."""

    def __init__(self, cases: int, repeats: int) -> None:
        shape = (cases, repeats)
        self.outcome = np.full(shape, _NOT_RUN, dtype=np.int8)
        self.score = np.full(shape, np.nan)
        self.latency_s = np.full(shape, np.nan)
        self.ttft_s = np.full(shape, np.nan)
        self.cost_usd = np.full(shape, np.nan)
        self.offset = np.full(shape, -1, dtype=np.int64)
        self.total_usd: Usd | None = None
        self.billed_usd: Usd = ZERO_USD
        """What this run itself paid: without answers taken from a cache or from a recording."""
        self.price_sources: dict[str, str | None] = {}
        self.served_models: set[str] = set()
        self.unpriced = 0
        """Answers whose cost is unknown or a floor."""
        self.without_usage = 0
        """Answers that carry no token counts at all."""
        self.estimated_usage = 0
        self.retries = 0
        self.tokens: dict[str, int] = {}

    def add(self, trial: Counted, case: int, offset: int) -> None:
        """Take in one trial.

        A later trial of the same case and repeat replaces the earlier one's figures, while the money
        both cost is kept: a retried error was paid for too.
        """
        at = (case, trial.repeat)
        self.outcome[at] = _CODE[trial.outcome]
        self.score[at] = np.nan if trial.score is None else trial.score
        self.offset[at] = offset
        exchange = trial.exchange
        latency_s, ttft_s = exchange.latency_s, exchange.ttft_s
        self.latency_s[at] = np.nan if latency_s is None else latency_s
        self.ttft_s[at] = np.nan if ttft_s is None else ttft_s
        if len(exchange.attempts) > 1:
            self.retries += len(exchange.attempts) - 1
        if exchange.served_model is not None:
            self.served_models.add(exchange.served_model)
        self._add_tokens(exchange)
        self._add_cost(at, exchange)

    def _add_tokens(self, exchange: Exchange) -> None:
        usage = exchange.usage
        if usage is None:
            self.without_usage += exchange.failure is None
            return
        if usage.source == "estimated":
            self.estimated_usage += 1
        counts = usage.total_input_tokens, usage.total_output_tokens, usage.reasoning_tokens, usage.cache_read_tokens
        for name, count in zip(_TOKENS, counts, strict=True):
            if count is not None:
                self.tokens[name] = self.tokens.get(name, 0) + count

    def _add_cost(self, at: tuple[int, int], exchange: Exchange) -> None:
        cost = exchange.cost
        if cost is None:
            self.cost_usd[at] = np.nan
            self.unpriced += exchange.failure is None
            return
        self.unpriced += not cost.complete
        self.price_sources[cost.source] = cost.checked_on
        self.total_usd = add_usd(self.total_usd or ZERO_USD, cost.usd)
        self.cost_usd[at] = float(cost.usd)
        if not exchange.cached:
            self.billed_usd = add_usd(self.billed_usd, cost.usd)

    def on(self, cases: npt.NDArray[np.intp]) -> Tally:
        """The figures of some cases only, in that order; totals of money and tokens are left out."""
        chosen = Tally(len(cases), self.outcome.shape[1])
        for name in ("outcome", "score", "latency_s", "ttft_s", "cost_usd", "offset"):
            getattr(chosen, name)[:] = getattr(self, name)[cases]
        return chosen

    def forget(self, case: int, repeat: int) -> None:
        """Count this trial as not run, so that it runs again; what it cost stays counted."""
        at = (case, repeat)
        self.outcome[at] = _NOT_RUN
        for figures in (self.score, self.latency_s, self.ttft_s, self.cost_usd):
            figures[at] = np.nan
        self.offset[at] = -1

    def has(self, case: int, repeat: int) -> bool:
        """Whether this trial exists."""
        return bool(self.outcome[case, repeat] != _NOT_RUN)

    @property
    def run(self) -> npt.NDArray[np.bool_]:
        """Which trials exist."""
        ran: npt.NDArray[np.bool_] = self.outcome != _NOT_RUN
        return ran

    def count(self, outcome: Outcome) -> int:
        """Trials that ended so."""
        return int(np.count_nonzero(self.outcome == _CODE[outcome]))

    def counts(self) -> dict[Outcome, int]:
        """Trials by outcome, zeros included; they add up to the trials run."""
        return {outcome: self.count(outcome) for outcome in OUTCOMES}

    def case_scores(self) -> Floats:
        """Mean score per case over the repeats in which the model did something; NaN where it never did."""
        counted = self.run & _IS_MODEL[self.outcome]
        return _row_mean(np.where(counted, self.score, np.nan))

    def case_scores_if(self, missing: float) -> Floats:
        """The same with every error, timeout and unscored trial given the score `missing`; NaN only if never run."""
        counted = self.run & _IS_MODEL[self.outcome]
        return _row_mean(np.where(self.run, np.where(counted, self.score, missing), np.nan))

    def share(self, *outcomes: Outcome) -> Floats:
        """Per case, the share of its trials that ended in one of `outcomes`; NaN where none ran."""
        hit = np.isin(self.outcome, [_CODE[o] for o in outcomes]).astype(np.float64)
        return _row_mean(np.where(self.run, hit, np.nan))

    def correct_by_case(self) -> Floats:
        """Per case, how many of its trials were right; NaN where none ran."""
        right = (self.outcome == _CODE[Outcome.CORRECT]).astype(np.float64)
        return np.where(self.run.any(axis=1), right.sum(axis=1), np.nan)

    def case_mean(self, values: Floats) -> Floats:
        """Per case, the mean of what is known of a per-trial array."""
        return _row_mean(values)


def _row_mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    n = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n > 0, total / n, np.nan)
