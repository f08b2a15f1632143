"""The sign-flip test: had A and B swapped names on a case, would the difference look different?"""

from __future__ import annotations

import math

import numpy as np

from pointsman.stats.clusters import Codes, Floats, cluster_sums, rows

__all__ = ["sign_flip_p"]

_DRAWS = 9_999
_EXACT_UNITS = 16
_FLIPPED_ONE_BY_ONE = 1_000
_CHUNK = 500_000


def sign_flip_p(differences: Floats, clusters: Codes | None, seed: int) -> float:
    """Two-sided p of no difference: the share of sign patterns whose |sum| is at least the one seen.

    Signs flip per case, or per whole cluster (Fisher 1935; the null is that each unit's difference is
    as likely to have either sign). Up to 16 units that are not 0: all patterns, exactly. Beyond: 9,999
    seeded draws (PCG64) and p = (1 + hits)/(1 + draws) (Phipson and Smyth 2010), never 0. Of more than
    1,000 units the 1,000 largest are flipped one by one, and the sum of the rest, each of which then is
    less than a thousandth of the variance, is drawn from its normal limit. Tested against scipy
    `permutation_test` and full enumeration. 1 where nothing differs (also n = 0 and n = 1).
    """
    sums, _ = cluster_sums(rows(differences, "differences"), clusters)
    sizes = np.sort(np.abs(sums))[::-1]
    sizes = sizes[sizes > 1e-12 * sizes[0]] if len(sizes) and sizes[0] > 0.0 else sizes[:0]
    if len(sizes) < 2:
        return 1.0
    # Sums equal in exact arithmetic must count as equal: a hair below what was seen is still a hit.
    bar = abs(math.fsum(sums)) - 1e-9 * float(sizes.sum())
    if bar <= 0.0:
        return 1.0
    if len(sizes) <= _EXACT_UNITS:
        return float((np.abs(_all_sums(sizes)) >= bar).mean())
    hits = _drawn_hits(sizes, bar, seed)
    return (1.0 + hits) / (1.0 + _DRAWS)


def _all_sums(sizes: Floats) -> Floats:
    totals = np.zeros(1)
    for size in sizes:
        totals = np.concatenate([totals + size, totals - size])
    return totals


def _drawn_hits(sizes: Floats, bar: float, seed: int) -> int:
    rng = np.random.Generator(np.random.PCG64(seed))
    single, rest = sizes[:_FLIPPED_ONE_BY_ONE], sizes[_FLIPPED_ONE_BY_ONE:]
    spread = math.sqrt(float(np.square(rest).sum()))
    hits, chunk = 0, max(1, _CHUNK // len(single))
    for start in range(0, _DRAWS, chunk):
        draws = min(chunk, _DRAWS - start)
        signs = rng.integers(0, 2, size=(draws, len(single)), dtype=np.int8)
        totals = 2.0 * (signs @ single) - single.sum()
        if spread:
            totals = totals + spread * rng.standard_normal(draws)
        hits += int((np.abs(totals) >= bar).sum())
    return hits
