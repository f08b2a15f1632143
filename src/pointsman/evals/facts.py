"""What the measures of a run need to know about its test set, as arrays."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ["CaseFacts"]


class CaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Per case, in the order of the test set."""

    cases: int
    clusters: npt.NDArray[np.int64] | None
    """A code per case; None if each case stands alone."""
    tags: dict[str, npt.NDArray[np.bool_]]
    """For each tag, which cases carry it."""

    def clusters_of(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64] | None:
        """The codes of some of the cases."""
        return None if self.clusters is None else self.clusters[chosen]
