"""Do bad events (errors, refusals, truncations) come more often from the candidate than from the control?

Given that a bad event happened, which arm it came from is a coin: with p the share of units that
go to the candidate and R the ratio of the two arms' rates,

    q(R) = pR / (pR + 1 − p)

whatever the common rate was just then, so a provider's outage that hits both arms, or the time of
day, changes nothing (Lindon and Malek, *Anytime-valid inference for multinomial count data*, NeurIPS
2022, arXiv 2011.03567). Against H0: R ≤ R0 the factor of strategy k, with alternative R0·r_k, is

    q(R0·r_k)/q(R0)  for an event of the candidate,  (1 − q(R0·r_k))/(1 − q(R0))  for one of the control.

It grows with the candidate's share of events, so its expectation is at most 1 for every R ≤ R0. With
r_k < 1 and R0 the largest ratio one would accept it is a certificate of safety: H0 is then R ≥ R0.

Events of one unit are not independent coins: give each unit's first bad event only (`first_events`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pointsman.stats.clusters import Floats

__all__ = ["HARM_RATIOS", "HARM_SHARES", "SAFE_RATIOS", "SAFE_SHARES", "log_factors", "split"]

HARM_RATIOS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Alternatives to R0: a candidate that is somewhat worse, up to one that is dead."""
HARM_SHARES = (0.5, 1.5, 4.0, 2.0, 2.0, 2.0, 4.0)
SAFE_RATIOS = (0.75, 0.6, 0.5, 0.35, 0.2)
"""Alternatives to R0 when the question is whether the candidate is safely below it."""
SAFE_SHARES = (1.0, 2.0, 4.0, 1.0, 1.0)


def split(weight: float | Floats, ratio: float | Floats) -> Floats:
    """q(R): the chance that a bad event is the candidate's. `weight` strictly between 0 and 1, `ratio` > 0."""
    odds = np.asarray(weight) * ratio
    share: Floats = odds / (odds + (1.0 - np.asarray(weight)))
    return share


def log_factors(
    candidate: NDArray[np.bool_], weight: Floats, *, null_ratio: float = 1.0, ratios: tuple[float, ...] = HARM_RATIOS
) -> Floats:
    """Rows of log factors for `wealth.grow`, one per event.

    `candidate` says whose event it was, `weight` the propensity with which that unit had been
    assigned to the candidate. Both may differ from event to event, so a ramp needs no reset.
    `ValueError` for a weight outside (0, 1): such a unit was not randomised and says nothing.
    n = 0: no rows, so the wealth stays 1. n = 1 at weight 0.05 and R = 30: ln 12.2 or ln 0.41.
    Tested by summing E over every outcome (mean 1 at R = R0) and against Wald's likelihood ratio.
    """
    weights, which = np.unique(weight, return_inverse=True)
    if len(weights) and not 0.0 < weights[0] <= weights[-1] < 1.0:
        raise ValueError("an event's weight must lie strictly between 0 and 1")
    null = split(weights, null_ratio)[:, None]
    alternative = split(weights[:, None], null_ratio * np.asarray(ratios))
    table = np.stack([np.log((1.0 - alternative) / (1.0 - null)), np.log(alternative / null)], axis=1)
    rows: Floats = table[which, np.asarray(candidate, dtype=np.int64)]
    return rows
