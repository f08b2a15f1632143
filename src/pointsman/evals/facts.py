"""What the measures of a run need to know about its test set, as arrays."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from pointsman.evals.dataset import Dataset

__all__ = ["CaseFacts", "facts_of"]

_MOST_SLICES = 60
"""Tags beyond the commonest sixty make no slice: with so few cases each, none would say anything."""


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


def facts_of(dataset: Dataset) -> CaseFacts:
    """The arrays of a test set. A case without a cluster, where others have one, is a cluster of its own."""
    cases = len(dataset)
    clusters: npt.NDArray[np.int64] | None = None
    if dataset.cluster_names:
        clusters = dataset.cluster_codes.astype(np.int64)
        alone = clusters < 0
        clusters[alone] = len(dataset.cluster_names) + np.arange(int(alone.sum()))
    case_of_tag = np.repeat(np.arange(cases), np.diff(dataset.tag_ends))
    tags: dict[str, npt.NDArray[np.bool_]] = {}
    for tag in list(dataset.info.tags)[:_MOST_SLICES]:
        chosen = np.zeros(cases, dtype=np.bool_)
        chosen[case_of_tag[dataset.tag_codes == dataset.tag_names.index(tag)]] = True
        tags[tag] = chosen
    return CaseFacts(cases=cases, clusters=clusters, tags=tags)
