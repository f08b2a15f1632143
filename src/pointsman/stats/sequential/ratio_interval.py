"""Where the ratio of two event rates lies: an interval that holds at every look.

From the counts of bad events per weight (weight → candidate's, control's) the likelihood of a ratio
R is Π_w q_w(R)^{a_w} (1 − q_w(R))^{b_w}, with q as in `rare_events`. The prior-to-posterior ratio
B(R) = ∫L(r)π(r)dr / L(R) is an e-process at the true R, whatever π, so {R : B(R) < 1/α} covers the
truth at all times at once (Waudby-Smith and Ramdas 2020, arXiv 2006.04347, Prop. 2.1). π is uniform in
ln R on 161 points from 1/100 to 100.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.stats.clusters import Floats
from pointsman.stats.sequential.rare_events import split

__all__ = ["ratio_estimate"]

_LOG_RATIOS = np.linspace(-math.log(100.0), math.log(100.0), 161)


def ratio_estimate(counts: Mapping[float, tuple[int, int]], level: float = 0.95) -> Measured:
    """Ratio of the candidate's rate to the control's, by maximum likelihood on the grid.

    n = 0: Unknown. n = 1: an interval from 0 or to ∞ on one side. Bounds at the end of the grid are
    given as 0 and ∞, since beyond it nothing was tried. Tested by simulated coverage at every look.
    """
    n = sum(a + b for a, b in counts.values())
    if not n:
        return Unknown("no bad event has been seen on either side", needed=1)
    log_likelihood: Floats = np.zeros(len(_LOG_RATIOS))
    for weight, (candidate, control) in counts.items():
        share = split(weight, np.exp(_LOG_RATIOS))
        log_likelihood += candidate * np.log(share) + control * np.log1p(-share)
    top = float(log_likelihood.max())
    log_mean = top + math.log(float(np.exp(log_likelihood - top).mean()))
    kept = np.flatnonzero(log_mean - log_likelihood < -math.log1p(-level))
    low, high = int(kept[0]), int(kept[-1])
    return Estimate(
        value=float(np.exp(_LOG_RATIOS[int(np.argmax(log_likelihood))])),
        low=float(np.exp(_LOG_RATIOS[low - 1])) if low else 0.0,  # one step outward: the bound lies in between
        high=float(np.exp(_LOG_RATIOS[high + 1])) if high < len(_LOG_RATIOS) - 1 else math.inf,
        n=n,
        method="prior-posterior-ratio",
        level=level,
    )
