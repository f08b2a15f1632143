"""Many looks at one question, each with its own evidence, and nothing known of how the looks depend on each other.

Every rerun of a pinned test set is compared with the same pinned run, so the looks share the pin's luck
and must not be multiplied. For e-values under any dependence a weighted sum with weights fixed
beforehand still has mean at most 1, and since it only grows, Markov's inequality holds for all looks at once:

    E_T = Σ_{t≤T} w_t e_t ,   w_t = 6 / (π² t²) ,   Σ w_t = 1 ,   P(any E_T ≥ 1/α) ≤ α

(Vovk and Wang 2021, *E-values: calibration, combination and applications*, for averaging.) The first
looks weigh most; look t needs e_t ≥ 1.64 t²/α on its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pointsman.stats.sequential.discordant import LOSS_SHARES, log_factors
from pointsman.stats.sequential.wealth import grow, log_wealth, open_wealth

__all__ = ["log_sign_evidence", "log_total"]


def log_sign_evidence(lost: int, won: int) -> float:
    """Ln e for `lost` losses against `won` wins among pairs that differ; the order of the pairs does not matter.

    Under H0 a pair that differs is a loss with chance at most ½. No pairs: 0. One loss: ln of the mean of 2θ, 0.29.
    """
    outcomes = np.repeat([True, False], [lost, won])
    return log_wealth(grow(open_wealth(LOSS_SHARES), log_factors(outcomes))[0])


def log_total(log_e: Sequence[float]) -> float:
    """Ln E_T over all looks so far, in their order; no looks: −inf (E = 0: nothing was bet yet)."""
    if not log_e:
        return -math.inf
    weighted = [e + math.log(6.0) - 2.0 * math.log(math.pi * t) for t, e in enumerate(log_e, 1)]
    return float(np.logaddexp.reduce(weighted))
