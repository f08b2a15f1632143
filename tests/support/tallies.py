"""Tallies from plain arrays."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from pointsman.core.exchange import Attempt, Cost, Exchange
from pointsman.evals.facts import CaseFacts
from pointsman.evals.outcome import Outcome
from pointsman.evals.tally import Tally
from pointsman.evals.trial import Trial


def facts(cases: int) -> CaseFacts:
    """Cases that each stand alone."""
    return CaseFacts(cases=cases, clusters=None, tags={})


def tally_of(scores: np.ndarray, *, seconds: float | None = None, usd: str | None = None) -> Tally:
    """One trial per case with these scores; NaN is a case that was never run."""
    tally = Tally(len(scores), 1)
    attempt = Attempt(started_s=0.0, duration_s=seconds or 0.0, timed=seconds is not None)
    cost = None if usd is None else Cost(usd=Decimal(usd), source="test")
    for case, score in enumerate(scores):
        if np.isnan(score):
            continue
        outcome = Outcome.CORRECT if score >= 0.5 else Outcome.WRONG
        exchange = Exchange(variant="v", request="r", attempts=(attempt,), cost=cost)
        tally.add(
            Trial(case=str(case), case_hash="h", variant="v", outcome=outcome, score=float(score), exchange=exchange), case, 0
        )
    return tally
