"""Does the candidate lose more of the paired comparisons than it wins?

Both answered the same request in shadow, so only the pairs count in which one passed and the other
did not. Under H0 (the candidate is no worse) a discordant pair is a loss with probability at most ½:

    E = Σ_k π_k Π (2θ_k)^{loss} (2(1 − θ_k))^{win}         θ_k > ½

the sequential form of McNemar's test. Because what both find easy or hard drops out, it needs several
times fewer requests than two separate groups.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pointsman.stats.clusters import Floats

__all__ = ["LOSS_CHANCES", "LOSS_SHARES", "log_factors"]

LOSS_CHANCES = (0.55, 0.6, 0.65, 0.7, 0.8, 0.9)
LOSS_SHARES = (1.0, 2.0, 3.0, 2.0, 1.0, 1.0)


def log_factors(lost: NDArray[np.bool_], chances: tuple[float, ...] = LOSS_CHANCES) -> Floats:
    """Rows of log factors for `wealth.grow`, one per discordant pair: ln 2θ for a loss, ln 2(1 − θ) for a win.

    n = 0: no rows. n = 1: at most ln 1.8. Tested by enumeration of every sequence and against the
    binomial likelihood ratio.
    """
    theta = np.asarray(chances)
    table = np.stack([np.log(2.0 * (1.0 - theta)), np.log(2.0 * theta)])
    rows: Floats = table[np.asarray(lost, dtype=np.int64)]
    return rows
