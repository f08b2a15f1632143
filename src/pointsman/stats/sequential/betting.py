"""Is the mean of bounded values above zero? Betting on each value as it comes.

For values D ≥ −1 with mean at most 0 under the null and a bet 0 < λ < 1, the factor 1 + λD has a mean
of at most 1, so Π(1 + λD_i) is an e-process for any shape and any drift (Waudby-Smith and Ramdas,
*Estimating means of bounded random variables by betting*, JRSS-B 2024, arXiv 2010.09686). A grid of λ
mixed together comes within a logarithm of the best bet, which nobody knows beforehand.

For two arms D compares what both did in one stretch of time: with values clipped to [0, B],

    D = (Ȳ_candidate − (1 + δ)·Ȳ_control) / ((1 + δ)·B)  ≥ −1       H0: E Y_candidate ≤ (1 + δ)·E Y_control
"""

from __future__ import annotations

import numpy as np

from pointsman.stats.clusters import Floats

__all__ = ["BETS", "excess", "log_factors", "shortfall"]

BETS = (0.05, 0.15, 0.35, 0.65, 0.95)


def log_factors(values: Floats, bets: tuple[float, ...] = BETS) -> Floats:
    """Rows of log factors for `wealth.grow`: ln(1 + λ_k·D_i).

    `ValueError` for a value below −1 or a bet outside (0, 1). n = 0: no rows. n = 1 with D = 1 and
    λ = 0.5: ln 1.5. Tested by exact enumeration of two-point values and by Ville's inequality on skewed ones.
    """
    if len(values) and float(values.min()) < -1.0 - 1e-9:
        raise ValueError(f"a value of {values.min()} is below −1")
    if not all(0.0 < b < 1.0 for b in bets):
        raise ValueError("a bet lies strictly between 0 and 1")
    rows: Floats = np.log1p(values[:, None] * np.asarray(bets))
    return rows


def excess(candidate: Floats, control: Floats, top: float, delta: float = 0.0) -> Floats:
    """D of the question "is the candidate's mean more than 1 + δ times the control's?", for values in [0, top]."""
    values: Floats = (candidate - (1.0 + delta) * control) / ((1.0 + delta) * top)
    return values


def shortfall(candidate: Floats, control: Floats, top: float, delta: float = 0.0) -> Floats:
    """D of the question "is the candidate's mean less than 1 + δ times the control's?", for values in [0, top]."""
    values: Floats = ((1.0 + delta) * control - candidate) / (max(1.0, 1.0 + delta) * top)
    return values
