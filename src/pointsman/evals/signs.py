"""Who won how many of the cases that came out differently."""

from __future__ import annotations

import numpy as np

from pointsman.stats.clusters import Codes, Floats

__all__ = ["losses_and_wins"]


def losses_and_wins(ours: Floats, theirs: Floats, clusters: Codes | None) -> tuple[int, int]:
    """Cases (or clusters, which speak with one voice: their sum) in which `ours` scored less, and more.

    Cases that one side did not answer (NaN) are left out. None at all: (0, 0).
    """
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    differences: Floats = ours[both] - theirs[both]
    if clusters is not None and both.any():
        _, dense = np.unique(clusters[both], return_inverse=True)
        differences = np.bincount(dense, differences).astype(np.float64)
    return int((differences < 0.0).sum()), int((differences > 0.0).sum())
