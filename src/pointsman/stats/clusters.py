"""Rows that belong together: cases about one document, turns of one conversation.

Rows of a cluster share their luck, so the cluster is the unit of evidence and not the row.
Everything here works on per-cluster sums, in an order that does not depend on the order of rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Codes", "Floats", "cluster_sums", "is_clustered", "linearised_error", "rows", "unit_count"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
"""One integer per row; rows of one cluster carry the same integer, which need not be dense."""


def rows(values: Floats, name: str = "values") -> Floats:
    """The values as one row of finite floats; `ValueError` otherwise, because NaN is not a measurement."""
    row = np.asarray(values, dtype=np.float64)
    if row.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {row.shape}")
    if not np.isfinite(row).all():
        raise ValueError(f"{name} must be finite; leave out what was not measured")
    return row


def is_clustered(clusters: Codes | None) -> bool:
    """Whether any two rows share a cluster; clusters of one row each are no clustering."""
    return clusters is not None and unit_count(clusters, 0) < len(clusters)


def unit_count(clusters: Codes | None, n: int) -> int:
    """Independent units: clusters if there are any, else the `n` rows."""
    return n if clusters is None else len(np.unique(clusters))


def cluster_sums(values: Floats, clusters: Codes | None) -> tuple[Floats, Floats]:
    """(sum of values, number of rows) per cluster, in ascending cluster code; each row alone without clusters."""
    if clusters is None:
        return values, np.ones(len(values))
    if len(clusters) != len(values):
        raise ValueError(f"{len(values)} values but {len(clusters)} cluster codes")
    _, dense = np.unique(clusters, return_inverse=True)
    return np.bincount(dense, weights=values).astype(np.float64), np.bincount(dense).astype(np.float64)


def linearised_error(residuals: Floats, clusters: Codes | None, scale: float) -> float:
    """Standard error of a smooth statistic from its residuals, by clusters.

    √(C/(C−1) · Σ_c(Σ_{i∈c} r_i)²) / scale, where the r_i sum to 0; CR1 without the (n−1)/(n−k)
    factor, which is 1 for a mean. Needs C ≥ 2 clusters. With each row its own cluster and
    scale = n it is s/√n.
    """
    sums, _ = cluster_sums(residuals, clusters)
    units = len(sums)
    return float(np.sqrt(units / (units - 1.0) * np.square(sums).sum()) / scale)
