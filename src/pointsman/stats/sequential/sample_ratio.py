"""Did the candidate get the share of units it was meant to get?

A broken assignment (a lost log line, a retry that moves a unit) biases every other comparison. The
Bayes factor of a Dirichlet(K·w, K·(1 − w)) alternative against the intended share w is a martingale
under the intended share (Lindon and Malek, NeurIPS 2022, arXiv 2011.03567):

    BF_n = [Γ(Kw + c)·Γ(K(1 − w) + n − c) / Γ(K + n)] · [Γ(K) / (Γ(Kw)·Γ(K(1 − w)))] / (w^c·(1 − w)^{n − c})

computed as a product of one-step predictions, so it can be read after every unit. Units assigned at
another weight make a factor of their own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pointsman.stats.clusters import Floats

__all__ = ["CONCENTRATION", "log_bayes_path"]

CONCENTRATION = 100.0
"""K: how near to the intended share the alternative is thought to lie."""


def log_bayes_path(
    candidate: NDArray[np.bool_], weight: float, before: tuple[int, int] = (0, 0), concentration: float = CONCENTRATION
) -> Floats:
    """The logarithm of BF gained after each of these units, all assigned at `weight`; `before` = (candidate's, control's) so far.

    n = 0: nothing. n = 1: 0, because one unit is predicted at the intended share. Tested against the
    closed form by scipy's gammaln and by its mean of 1 over every outcome. `ValueError` for a weight
    outside (0, 1).
    """
    if not 0.0 < weight < 1.0:
        raise ValueError(f"a share that is tested lies strictly between 0 and 1, not {weight}")
    mine = np.asarray(candidate, dtype=np.float64)
    seen_candidate = before[0] + np.cumsum(mine) - mine
    seen = sum(before) + np.arange(len(mine))
    predicted = (concentration * weight + seen_candidate) / (concentration + seen)
    factors = np.where(mine > 0.0, predicted / weight, (1.0 - predicted) / (1.0 - weight))
    path: Floats = np.cumsum(np.log(factors))
    return path
