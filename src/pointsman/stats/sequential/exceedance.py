"""Is the candidate's p95 above a limit? A percentile as a count of how often it is exceeded.

Q_95(B) > τ ⇔ P(B > τ) > 5 %, so a slow tail is a rare event. τ is fixed before the candidate serves:
a multiple of an upper bound of the control's own p95, from order statistics (the number of n values
above their p95 is Binomial(n, 0.05), so X_(k) bounds it with the k of that tail). From then on

    one sample:  factor (θ_k/0.05) per exceedance, (1 − θ_k)/0.95 otherwise;  H0: P(B > τ) ≤ 5 %

and the comparison with the concurrent control (`rare_events` on exceedances) says whether the
provider as a whole has become slow. Howard and Ramdas, *Sequential estimation of quantiles*,
Bernoulli 2022; Lindon, Sanden and Shirikian, KDD 2022, arXiv 2205.14762.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pointsman.core.estimate import Unknown
from pointsman.stats.clusters import Floats, rows
from pointsman.stats.special import binomial_cdf

__all__ = ["EXCEED_MULTIPLES", "EXCEED_SHARES", "log_factors", "upper_quantile"]

EXCEED_MULTIPLES = (1.3, 1.7, 2.3, 3.5, 6.0, 12.0)
"""Alternatives: so many times the 5 % of requests that may be slower than the limit."""
EXCEED_SHARES = (1.0, 2.0, 3.0, 2.0, 1.0, 1.0)


def upper_quantile(values: Floats, q: float = 0.95, level: float = 0.99) -> float | Unknown:
    """Upper confidence bound of the q-quantile from independent values, read once.

    The smallest order statistic X_(k) with P(Binomial(n, q) < k) ≥ level. Needs n ≥ ln(1 − level)/ln q
    values (90 for the defaults); below that, n = 0 and 1 included, Unknown with how many are missing.
    Tested against exact binomial tails of scipy and by simulated coverage.
    """
    row = np.sort(rows(values))
    n = len(row)
    least = math.ceil(math.log1p(-level) / math.log(q))
    if n < least:
        return Unknown(f"{n} values cannot bound the {q:.0%} quantile from above", needed=least - n)
    k = math.ceil(n * q)
    while binomial_cdf(k - 1, n, q) < level:
        k += 1
    return float(row[k - 1])


def log_factors(exceeded: NDArray[np.bool_], allowed: float = 0.05) -> Floats:
    """Rows of log factors for `wealth.grow` against H0: P(exceed) ≤ `allowed`, one per independent value.

    n = 0: no rows. n = 1: ln of the multiples, or the logs of slightly less than 1. Alternatives are
    capped at ½. Tested by exact enumeration over the binomial.
    """
    theta = np.minimum(np.asarray(EXCEED_MULTIPLES) * allowed, 0.5)
    table = np.stack([np.log((1.0 - theta) / (1.0 - allowed)), np.log(theta / allowed)])
    rows_: Floats = table[np.asarray(exceeded, dtype=np.int64)]
    return rows_
